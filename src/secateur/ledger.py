"""How often test photos were opened: a ledger beside the results, a file for each set of them, that is never freed.

A figure on test photos is honest once. Whoever changes a plan because of it and looks again has begun to choose by the
test photos, however carefully each plan chooses by validation; after a few looks the best figure is partly the luckiest
(Dwork et al. 2015, "The reusable holdout", Science 349, 636–638). That cannot be forbidden, but it can be counted.

A set is known by the contents of its photos, so that they are the same under another name of the study, of the folder,
or after a move. A look is a plan, known by the keys of the steps that open test photos: resumed, killed or made again
it is the same one. It is written down before the photos are opened, so that no kill can hide it.
"""

from __future__ import annotations

import contextlib
import datetime
import errno
import hashlib
import re
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from secateur.errors import UserError
from secateur.files import dump, read
from secateur.records import Look, Looks, Opened, Snapshot, Split
from secateur.store import KEY_LENGTH, Store

NAME = 16  # hex digits of a photo's sha256 that a ledger keeps: 64 bits
LEGIBLE = re.compile(rb'"plan":\s*"([0-9a-f]{%d})"' % KEY_LENGTH)


def key_of_plan(keys: Iterable[str]) -> str:
    """Of a plan, from the keys of all its steps that open test photos: of equal bits, equal."""
    return hashlib.sha256("\n".join(sorted(keys)).encode()).hexdigest()[:KEY_LENGTH]


def key_of_file(model: Path) -> str:
    """Of an exported file, or of a saved model's folder, by its contents."""
    files = sorted(p for p in model.iterdir() if p.is_file()) if model.is_dir() else [model]
    return key_of_plan(hashlib.sha256(p.read_bytes()).hexdigest() for p in files)


def test_photos(snapshot: Path, split: Path) -> tuple[str, ...]:
    """sha256 of each, from the folders of both results."""
    photos = read(Snapshot, snapshot / "snapshot.json").photos
    return tuple(photos[i].sha256 for i in read(Split, split / "split.json").test)


def note(store: Store, photos: Iterable[str], plan: str, who: str) -> Looks:
    """Write down that a plan opens these photos (their sha256s), unless it stands there already; what is known of them
    then.

    Raises UserError where it cannot be written: nobody may look without its being known. OSError for a full disk.
    """
    content = sorted(set(photos))
    names = tuple(sha256[:NAME] for sha256 in content)
    digest = hashlib.sha256("\n".join(content).encode()).hexdigest()[:KEY_LENGTH]
    file = store.looks / f"{digest}.json"
    with _writable(store), store.ledgers():
        known = _opened(file) if file.exists() else Opened(names, ())
        if plan not in {look.plan for look in known.looks}:
            if file.exists() and not known.photos:
                file.replace(file.with_suffix(f".damaged-{uuid.uuid4().hex[:8]}"))  # for whoever can read it
            now = datetime.datetime.now(datetime.UTC).isoformat(timespec="microseconds")  # the order of looks
            dump(replace(known, photos=names, looks=(*known.looks, Look(plan, who, now))), file)
    return _counted(store, digest, names, plan)


def again(store: Store, before: Looks) -> Looks:
    """The same photos and the same plan, as the ledgers stand now; never fewer plans than were known before."""
    file = store.looks / f"{before.digest}.json"
    known = _opened(file) if file.exists() else Opened((), (), damaged=True)
    now = _counted(store, before.digest, known.photos, before.plan)
    fewer = now.plans < before.plans  # the run was moved away from its ledger, or that is damaged
    return before if fewer else replace(now, photos=before.photos, place=now.place or before.place)


def _counted(store: Store, digest: str, names: Sequence[str], plan: str) -> Looks:
    own = set(names)
    share: dict[str, float] = {}
    when: dict[str, str] = {}
    damaged = False
    for file in sorted(store.looks.glob("*.json")):
        found = _opened(file)
        damaged |= found.damaged
        part = 1.0 if file.stem == digest else len(own.intersection(found.photos)) / max(len(own), 1)
        for look in found.looks if part else ():
            share[look.plan] = max(part, share.get(look.plan, 0.0))
            when.setdefault(look.plan, look.date)
    whole = sorted((p for p in share if share[p] == 1), key=lambda p: when[p])
    place = whole.index(plan) + 1 if plan in whole else 0
    partly = sorted((s for s in share.values() if s < 1), reverse=True)
    return Looks(digest, len(own), plan, len(whole), place, tuple(partly), damaged)


def seen(store: Store, photos: Iterable[str]) -> tuple[str, ...]:
    """Those of these photos that are test photos of a split here."""
    known = {name for file in store.looks.glob("*.json") for name in _opened(file).photos}
    return tuple(sha256 for sha256 in photos if sha256[:NAME] in known)


def _opened(file: Path) -> Opened:
    """A ledger; of a damaged one, what is legible, and that it is damaged. It never counts as empty."""
    with contextlib.suppress(UserError):
        return read(Opened, file)
    try:
        plans = dict.fromkeys(m.decode() for m in LEGIBLE.findall(file.read_bytes()))
    except OSError:
        plans = {}
    return Opened((), tuple(Look(plan, "", "") for plan in plans), damaged=True)


@contextlib.contextmanager
def _writable(store: Store) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise UserError(
            f"{store.looks} cannot be written, and a look at test photos has to be written down: {error.strerror}"
        ) from error
