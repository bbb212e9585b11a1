"""Photos put into folders by what a model said of them. The photos themselves are never moved or changed."""

from __future__ import annotations

import filecmp
import shutil
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from secateur.cli.roots import Below, below
from secateur.errors import UserError
from secateur.records import UNSURE, Answer


@dataclass(frozen=True, slots=True)
class Sorting:
    """`into`/<class>/<path below the folder that was named>."""

    into: Path
    link: bool  # a symbolic link instead of a copy
    below: Below  # of what was named
    done: Counter[str] = field(default_factory=Counter)  # photos that were put there, were there, were left out

    def put(self, answer: Answer) -> str:
        """ "" where the photo is there now, else why not. What stands there already is left alone."""
        source = Path(answer.photo)
        target = self.into / answer.said / self.below(source)
        if target.exists() or target.is_symlink():
            same = target.exists() and filecmp.cmp(source, target, shallow=False)
            self.done["there" if same else "left"] += 1
            return "" if same else f"{target} is there already, and another photo: left alone"
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh = target.with_name(f".{uuid.uuid4().hex[:8]}{target.suffix}")
        try:
            if self.link:
                fresh.symlink_to(source.resolve())
            else:
                shutil.copy2(source, fresh)
            fresh.replace(target)
        finally:
            fresh.unlink(missing_ok=True)
        self.done["put"] += 1
        return ""

    def said(self) -> str:
        """What was done, for people."""
        words = f"{self.into}: {self.done['put']:,} {'linked' if self.link else 'copied'}"
        words += f", {self.done['there']:,} there already" if self.done["there"] else ""
        return words + (f", {self.done['left']:,} left out: another photo stands there" if self.done["left"] else "")


def sorting(into: Path, link: bool, roots: Sequence[Path], labels: Sequence[str]) -> Sorting:
    """Raises UserError where photos would be found again in the next run, a class can be no folder's name, or the
    folder cannot be made."""
    for root in roots:
        if root.is_dir() and into.resolve().is_relative_to(root.resolve()):
            raise UserError(f"{into} lies inside {root}: the next run would take its copies for photos; name another")
    for label in (*labels, UNSURE):
        if not label or PurePath(label).name != label or label in (".", "..") or "\\" in label or "\0" in label:
            raise UserError(f"class '{label}' of this model can be no folder's name: photos cannot be sorted by it")
    try:
        into.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{into} cannot be made: {error.strerror}") from error
    return Sorting(into, link, below(roots))
