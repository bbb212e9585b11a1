"""Photos put into folders by what a model said of them. The photos themselves are never moved or changed."""

from __future__ import annotations

import contextlib
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
from secateur.safe_names import MOST_PATH, another_path, safe_names


@dataclass(frozen=True, slots=True)
class Sorting:
    """`into`/<class>/<path below the folder that was named>, in names that every system takes."""

    into: Path
    link: bool  # a symbolic link instead of a copy
    below: Below  # of what was named
    folders: dict[str, str] = field(default_factory=dict)  # class → its folder's name
    done: Counter[str] = field(default_factory=Counter)  # photos that were put there, were there, were left out
    taken: dict[str, str] = field(default_factory=dict)  # names given in this run: safe_names.another_path
    long: list[Path] = field(default_factory=list)  # the first of the paths that are too long for Windows' programs

    def put(self, answer: Answer) -> str:
        """ "" where the photo is there now, else why not. What stands there already is left alone."""
        source = Path(answer.photo)
        target = self._target(answer.said, source)
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

    def notes(self) -> list[str]:
        """What else there is to say of the names, for people."""
        said = [f"photos of '{name}' are in {self.into / own}" for name, own in self.folders.items() if name != own]
        if self.long:
            said.append(
                f"some paths have more than {MOST_PATH} characters, which most programs of Windows cannot open: "
                f"the first is {self.long[0]}"
            )
        return said

    def _target(self, said: str, source: Path) -> Path:
        place = another_path(PurePath(self.folders.get(said, said)) / self.below(source), self.taken)
        target = self.into / place
        if not self.long and len(str(target.absolute())) > MOST_PATH:
            self.long.append(target)
        return target


def sorting(into: Path, link: bool, roots: Sequence[Path], labels: Sequence[str]) -> Sorting:
    """Raises UserError where photos would be found again in the next run, a class can be no folder's name, or the
    folder cannot be made."""
    names = safe_names((*labels, UNSURE))
    for root in filter(Path.is_dir, roots):
        inside = root.resolve()
        if into.resolve().is_relative_to(inside):
            raise UserError(f"{into} lies inside {root}: the next run would take its copies for photos; name another")
        for place in (into / name for name in names.values()):
            if place.resolve().is_relative_to(inside):
                raise UserError(
                    f"copies would be put into {place}, and {root} is what is read: the next run would take them for "
                    "photos; name another folder"
                )
    for label in (*labels, UNSURE):
        if not label or PurePath(label).name != label or label in (".", "..") or "\\" in label or "\0" in label:
            raise UserError(f"class '{label}' of this model can be no folder's name: photos cannot be sorted by it")
    _can_be_filled(into, link)
    return Sorting(into, link, below(roots), names)


def _can_be_filled(into: Path, link: bool) -> None:
    """Asked before the work: a file, or a link, is made there and taken away again."""
    probe = into / f".{uuid.uuid4().hex[:8]}"
    try:
        into.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{into} cannot be made: {error.strerror}") from error
    try:
        if link:
            probe.symlink_to(into.resolve())
        else:
            probe.touch()
    except (OSError, NotImplementedError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        hint = "; --copy-to makes copies instead" if link else ""
        what = "no links can be made" if link else "nothing can be written"
        raise UserError(f"{into}: {what}: {why}{hint}") from error
    finally:
        with contextlib.suppress(OSError):
            probe.unlink()
