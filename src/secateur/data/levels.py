"""Which folder of a path is the label, told by names alone: parts of a data set, and classes that are none."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import PurePosixPath

from secateur.names import nfc

PARTS = {
    "train": "train",
    "training": "train",
    "trainset": "train",
    "trainingset": "train",
    "trn": "train",
    "val": "val",
    "valid": "val",
    "validate": "val",
    "validation": "val",
    "valset": "val",
    "validationset": "val",
    "dev": "val",
    "devset": "val",
    "test": "test",
    "testing": "test",
    "testset": "test",
    "testingset": "test",
    "tst": "test",
    "holdout": "test",
}
FILLING = frozenset(
    {"set", "data", "dataset", "split", "images", "image", "imgs", "img", "photos", "pictures", "folder"}
)
SHOWN = 4  # names in a line
_CAMERAS_OWN = re.compile(r"dcim|\d{3}[0-9a-z_]{5}", re.IGNORECASE)  # folders of a memory card: DCF 2.0
_NUMBER = re.compile(r"[\W\d_]+")


def part_of(name: str, *, loosely: bool = False) -> str:
    """ "train", "val" or "test" where a folder is called so: "train", "Test", "training_set", "Validation Data".

    Loosely: also where the word stands among others, as in "seg_train" or "val2017". "" for any other name.
    """
    words = [word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)]
    own = [PARTS[word] for word in words if word in PARTS]
    if len(own) != 1 or (not loosely and set(words) - FILLING - PARTS.keys()):
        return ""
    if not loosely and re.search(r"\d", name):
        return ""
    return own[0]


def parts_of(folders: Iterable[str], with_photos: Collection[str]) -> dict[str, str]:
    """Folder name → part, where the first folders are parts and not classes; {} where they are classes.

    A class may be called "train" (the railway kind): parts are believed where a training part stands beside another
    one, or where all of several folders that hold photos are called like different parts.
    """
    found = {name: part for name in folders if (part := part_of(name))}
    if "train" in found.values() and len(set(found.values())) > 1:
        return found
    loose = {name: part_of(name, loosely=True) for name in with_photos}
    return loose if all(loose.values()) and len(set(loose.values())) > 1 else {}


def below(photos: Iterable[str], parts: Mapping[str, str]) -> dict[str, int]:
    """First folder → position of the labels in the paths below it: 1, or more where a part lies alone in a folder of
    its own, since data sets are packed as train/train/fox, too."""
    under: dict[str, list[tuple[str, ...]]] = {}
    for path in photos:
        first, *others = PurePosixPath(path).parts[:-1] or ("",)
        under.setdefault(first, []).append((first, *others))
    found = dict.fromkeys(parts, 1)
    for name, part in parts.items():
        own = under.get(name, [])
        while own and len({f[: found[name] + 1] for f in own}) == 1 and all(len(f) > found[name] + 1 for f in own):
            if part_of(own[0][found[name]], loosely=True) != part:
                break
            found[name] += 1
    return found


def recurring(places: Iterable[tuple[str, Sequence[str]]]) -> list[tuple[int, list[str]]]:
    """(class, folders of a photo's path below it) → (how far below, names that stand under several classes), where most
    classes share most names: they may be the classes, and these be places, years or parts.

    Folders that are numbered (cam1, cam2; dates) are taken for cameras and days below a class, unless the classes are
    numbered themselves.
    """
    every = {(name, tuple(folders)) for name, folders in places}
    classes = {name for name, _ in every}
    found = []
    for depth in range(max((len(folders) for _, folders in every), default=0)):
        under: dict[str, set[str]] = {}  # class → names
        for name, folders in every:
            if depth < len(folders) and not _CAMERAS_OWN.fullmatch(folders[depth]):
                under.setdefault(name, set()).add(nfc(folders[depth]).casefold())
        count = Counter(name for own in under.values() for name in own)
        shared = sorted(name for name, n in count.items() if n > 1)
        holding = sum(bool(own.intersection(shared)) for own in under.values())
        plenty = len(shared) > 1 and 2 * len(shared) >= len(count) and 2 * holding >= len(classes)
        if plenty and (_numbered(classes) or not _numbered(shared)):
            found.append((depth + 1, shared))
    return found


def _numbered(names: Iterable[str]) -> bool:
    """Whether they are one word with other numbers: "Station1", "Station2"; "2019", "2020"."""
    return len({_NUMBER.sub("", nfc(name).casefold()) for name in names}) == 1


def some(names: Sequence[str]) -> str:
    """The first few of them, for a line."""
    return ", ".join(names[:SHOWN]) + (f", … ({len(names):,} in all)" if len(names) > SHOWN else "")
