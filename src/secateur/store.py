"""One folder a result, named by what it depends on; whole or absent. The only place that chooses paths.

RUNS/.store/<kind>/<key>/     a finished result
RUNS/.store/tmp/…             results being written; renamed when whole, the first writer wins
RUNS/.work/<key>/             checkpoints of work under way, and its lock
RUNS/.looks/<digest>.json     how often a set of test photos was opened; nothing here is ever freed
RUNS/<name>/                  a run: study, plan, outcomes, results, report
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from secateur import writing
from secateur.errors import UserError
from secateur.safe_names import composed, same

KEYS = "keys.json"  # in a run's folder: what its plan needs
MADE_BY_PROGRAMS = ".python"  # beside the runs: keys of what no run's plan needs
KEPT = ("index", "charts", "demo", "snapshot")  # small, or of use to any later run
KEY_LENGTH = 24  # hex digits: 96 bits


def key(kind: str, version: int, params: Mapping[str, Any], inputs: Mapping[str, str]) -> str:
    """Of kind, version, parameters and the keys of the inputs. Parameters that are None are left out, so that a
    new parameter whose default is None moves no old key.

    Raises TypeError for what is not JSON, ValueError for what is not finite; never str(obj).
    """
    content = {
        "kind": kind,
        "version": version,
        "params": _said(params),
        "inputs": dict(inputs),
    }
    text = json.dumps(content, sort_keys=True, allow_nan=False, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:KEY_LENGTH]


def _text(path: Path) -> str:
    """Of a file that may vanish between the look and the reading."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""


def _said(value: Any) -> Any:
    """Without what is None, at any depth."""
    if isinstance(value, Mapping):
        return {k: _said(v) for k, v in value.items() if v is not None}
    return [_said(v) for v in value] if isinstance(value, list | tuple) else value


class Store:
    """Results and work under one folder of runs."""

    def __init__(self, runs: Path) -> None:
        self.runs = runs
        self.results = runs / ".store"
        self.works = runs / ".work"
        self.looks = runs / ".looks"

    # ------------------------------------------------------------ results

    def folder(self, kind: str, key: str) -> Path:
        """Where a finished result lies, or would."""
        return self.results / kind / key

    def has(self, kind: str, key: str) -> bool:
        return self.folder(kind, key).is_dir()

    @contextlib.contextmanager
    def making(self, kind: str, key: str) -> Iterator[Path]:
        """An empty scratch folder that becomes the result when the block ends well."""
        scratch = self.results / "tmp" / f"{key}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        scratch.mkdir(parents=True)
        try:
            yield scratch
            target = self.folder(kind, key)
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                writing.move(scratch, target)
            except OSError:
                if not target.is_dir():  # otherwise another writer was first, with the same content
                    raise
        finally:
            shutil.rmtree(scratch, ignore_errors=True)

    # ------------------------------------------------------------ work under way

    @contextlib.contextmanager
    def working(
        self, key: str, wait: bool = True, waiting: Callable[[str], None] | None = None
    ) -> Iterator[Path | None]:
        """The folder of work under way, locked. A dead process's lock is free at once: the system lets go of it.

        Where another process holds it: None without `wait`; else `waiting(who)` is called once, then it waits.
        """
        self.works.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.works / f"{key}.lock")
        owner = self.works / f"{key}.owner"
        try:
            lock.acquire(timeout=0)
        except Timeout:
            if not wait:
                yield None
                return
            if waiting:
                waiting(_text(owner) or "another process")
            lock.acquire()
        try:
            owner.write_text(f"process {os.getpid()}, since {time.strftime('%Y-%m-%d %H:%M:%S')}", encoding="utf-8")
            work = self.works / key
            work.mkdir(parents=True, exist_ok=True)
            yield work
        finally:
            owner.unlink(missing_ok=True)
            lock.release()

    def done(self, key: str) -> None:
        """Delete the checkpoints of finished work. The lock file stays: another process may wait on it."""
        shutil.rmtree(self.works / key, ignore_errors=True)

    def take_away(self, pid: int) -> None:
        """What a process that is no more left half made, and its notes of what it held; not what another works on."""
        for scratch in (self.results / "tmp").glob(f"*-{pid}-*"):
            if not self._held(scratch.name.split("-")[0]):
                shutil.rmtree(scratch, ignore_errors=True)
        for owner in self.works.glob("*.owner"):
            if _text(owner).startswith(f"process {pid},") and not self._held(owner.stem):
                owner.unlink(missing_ok=True)

    # ------------------------------------------------------------ looks at test photos

    @contextlib.contextmanager
    def ledgers(self) -> Iterator[Path]:
        """The folder of the ledgers, locked. It stands beside the results, not among them: what was seen was seen,
        whatever is freed later."""
        self.looks.mkdir(parents=True, exist_ok=True)
        with FileLock(self.looks / "lock"):
            yield self.looks

    # ------------------------------------------------------------ runs

    def run(self, name: str) -> Path:
        """The folder of a run. Raises UserError for a name that is no plain file name."""
        if not name or name.startswith(".") or "/" in name or "\\" in name or "\0" in name:
            raise UserError(f"'{name}' cannot name a run: no slash, no leading dot")
        return self.runs / name

    def begin(self, name: str) -> Path:
        """The folder of a run that begins or goes on. Raises UserError where another run's name differs in case alone:
        on Windows and macOS the two would be one folder."""
        home, known = self.run(name), self.names()
        alike = [n for n in known if same(n) == same(name) and composed(n) != composed(name)]
        if alike and name not in known:
            raise UserError(f"run '{alike[0]}' is there, and on Windows and macOS '{name}' is the same: --name another")
        home.mkdir(parents=True, exist_ok=True)
        return home

    def names(self) -> list[str]:
        """Runs that were begun here."""
        if not self.runs.is_dir():
            return []
        return sorted(p.name for p in self.runs.iterdir() if (p / KEYS).is_file() and p.name != MADE_BY_PROGRAMS)

    def needed(self) -> set[str]:
        """Keys of all results that a run made, or will make: those of its plan are written when it begins."""
        found: set[str] = set()
        for home in self.runs.iterdir() if self.runs.is_dir() else ():
            if (home / KEYS).is_file():
                found |= set(json.loads((home / KEYS).read_text(encoding="utf-8")))
        return found

    def keep(self, keys: Iterable[str]) -> None:
        """Name results that a program asked for: no run's plan does. To free them, delete RUNS/.python."""
        file = self.runs / MADE_BY_PROGRAMS / KEYS
        file.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(file.with_suffix(".lock")):
            before = set(json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else set()
            writing.whole(file, json.dumps(sorted(before.union(keys))))

    def removable(self) -> list[Path]:
        """Results, scratch folders and checkpoints that no run needs and no process works on."""
        needed = self.needed()
        found = []
        for kind in self.results.iterdir() if self.results.is_dir() else ():
            if kind.name in (*KEPT, "tmp"):
                continue
            found += [p for p in kind.iterdir() if p.is_dir() and p.name not in needed]
        scratch = self.results / "tmp"
        found += [p for p in scratch.iterdir() if not self._held(p.name.split("-")[0])] if scratch.is_dir() else []
        for work in self.works.iterdir() if self.works.is_dir() else ():
            if work.is_dir() and work.name not in needed and not self._held(work.name):
                found.append(work)
        return found

    def _held(self, key: str) -> bool:
        """Does a living process work on it? The lock itself is asked: an owner's note may be a dead one's."""
        path = self.works / f"{key}.lock"
        if not path.is_file():
            return False
        lock = FileLock(path)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return True
        lock.release()
        return False
