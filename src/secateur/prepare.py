"""The photos of a study: found or drawn, scanned, and kept in the store under the digest of their contents."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from secateur import at_hand, catalogue
from secateur.arms import is_transfer
from secateur.errors import UserError
from secateur.files import dump
from secateur.making import START, WEIGHTS
from secateur.names import nobodys
from secateur.records import Problem, Reading, Snapshot, Taken
from secateur.settings import SOURCES, Study, networks
from secateur.store import Store, key

DEMO = "demo"
DEMO_VERSION = 2
SAID_FIRST = ("nobody's photos", "not read", "two spellings", "same subfolders")  # kinds of problems
FACTS = "facts.json"  # beside a kept snapshot: what was learnt of its photos

Report = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Glance:
    """What a folder holds, by its names alone."""

    classes: tuple[str, ...]
    photos: int
    split: bool  # into train, val and test folders
    remarks: tuple[str, ...] = ()  # what was passed over; whether the classes are what is on the photos
    taken: Taken | None = None  # of a file of labels


def reading(study: Study) -> Reading:
    """Where the study's labels come from, and which photos belong together."""
    return Reading(
        study.labels,
        study.path_column,
        study.label_column,
        study.time_column,
        study.date_order,
        tuple(sorted(study.classes.items())),
        study.empty,
        study.rare_below,
        study.keep_rare,
        study.group_by,
        label_level=study.label_level,
        keep_damaged=study.keep_damaged,
    )


def glance(study: Study) -> Glance:
    """Instant: no photo is opened. The demo's are known. Raises UserError for a folder without class folders."""
    if study.folder == DEMO:
        demo = catalogue.DEMO
        return Glance(demo.classes, demo.per_class * len(demo.classes), False)
    found = catalogue.load("secateur.data.scan:listed")(Path(study.folder), reading(study))
    split = any(part for _, _, part in found.files)
    return Glance(tuple(found.classes), len(found.files), split, remarks=remarks(found.problems), taken=found.taken)


def remarks(problems: Iterable[Problem]) -> tuple[str, ...]:
    """What of a folder's problems is said before anything is trained: pictures passed over by their names, and
    that the classes may be none."""
    return tuple(f"{p.what}: {p.why}" for p in problems if p.what in SAID_FIRST)


def photos(study: Study, store: Store, progress: Report) -> Snapshot:
    """Scan the folder (draw it first, for the demo), take the study's subset, keep both. Raises UserError."""
    folder, synthetic = Path(study.folder), ""
    if study.folder == DEMO:
        folder, synthetic = _drawn(store, progress)
    elif not study.folder:
        raise UserError("the study names no folder of photos: set `folder`")
    index = index_of(folder, store)
    index.parent.mkdir(parents=True, exist_ok=True)
    scan = catalogue.load("secateur.data.scan:scan")
    found: Snapshot = scan(folder, index=index, progress=progress, synthetic=synthetic, reading=reading(study))
    if study.photos:
        found = catalogue.load("secateur.data.dealing:subset")(found, study.photos, study.split_seed)
    return replace(found, root=str(Path(found.root).resolve()))


def snapshot_key(digest: str, synthetic: str) -> str:
    """The name that a snapshot has in the store."""
    return key("snapshot", 1, {"digest": digest, "synthetic": synthetic or None}, {})


def keep(snapshot: Snapshot, store: Store) -> str:
    """Put a snapshot into the store; its key. Written anew each time: the folder may have been moved. What the last
    scan learnt of its photos goes with it: an evaluation asks whether photos look like them."""
    name = snapshot_key(snapshot.digest, snapshot.synthetic)
    folder = store.folder("snapshot", name)
    folder.mkdir(parents=True, exist_ok=True)
    dump(snapshot, folder / "snapshot.json")
    facts = learnt(snapshot, store)
    if facts or not (folder / FACTS).is_file():
        catalogue.load("secateur.data.index:write_index")(folder / FACTS, facts)
    return name


def learnt(snapshot: Snapshot, store: Store) -> dict[str, Any]:
    """Of a snapshot's photos, as the index of its folder knows them."""
    known: dict[str, Any] = {}
    for place in (Path(snapshot.root), Path(snapshot.root).parent):  # a listing may have gone into raw-img
        known = catalogue.load("secateur.data.index:read_index")(index_of(place, store))
        if any(p.path in known for p in snapshot.photos):
            break
    return {p.path: known[p.path] for p in snapshot.photos if p.path in known and known[p.path].sha256 == p.sha256}


def index_of(folder: Path, store: Store) -> Path:
    """The file that remembers what a scan of this folder read."""
    return store.results / "index" / f"{hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:24]}.json"


def given(study: Study, store: Store) -> dict[str, str]:
    """What a study begins with beside photos: backbones' weights, or a saved model; their keys. Raises UserError, for a
    method that a network cannot take among other things."""
    keys: dict[str, str] = {}
    for net in networks(study):
        able(net)
        if net.start:
            keys[f"{START}/{net.backbone}"] = _started(net, store)
        elif is_transfer(net):
            keys[f"{WEIGHTS}/{net.backbone}"] = _weights(net, store)
    return keys


def same_classes(study: Study, snapshot: Snapshot) -> None:
    """Raises UserError where a model to begin from has other classes than the photos."""
    for net in networks(study):
        if net.start:
            labels = json.loads((Path(net.start).expanduser() / "labels.json").read_text(encoding="utf-8"))
            odd = sorted(set(labels) ^ set(snapshot.classes))
            if odd:
                where = "the photos" if odd[0] in snapshot.classes else "the model"
                raise UserError(f"the model to begin from has other classes: '{odd[0]}' is known to {where} only")


def able(net: Study) -> None:
    """Raises UserError for a method that needs what this network lacks."""
    options = {"pool": net.pool, "head": net.head} if is_transfer(net) else None
    for choice in net.methods:
        for need in catalogue.method(choice.name).requires:
            if catalogue.load("secateur.models.lacking:lacks")(net.backbone, net.input_px, options, need):
                raise UserError(f"method '{choice.name}' needs a {need} behind what it cuts; '{net.backbone}' has none")


def _weights(study: Study, store: Store) -> str:
    row = catalogue.backbone(study.backbone)
    source, file, words = study.weights, "", ""
    if source == "package":
        file, words = str(at_hand.package_file(row)), at_hand.package_version(row)
    elif source == "hub":
        file = "cached" if at_hand.in_hub_cache(study.backbone) else ""
    elif source not in SOURCES:
        source, file = "file", str(Path(study.weights).expanduser())
        words = f"the file {Path(file).name}"
    own = catalogue.load("secateur.models.weights:identity")(study.backbone, source, file, study.input_px)
    name = key(WEIGHTS, 1, own, {})
    with store.working(name):
        if not store.has(WEIGHTS, name):
            with store.making(WEIGHTS, name) as folder:
                keep = catalogue.load("secateur.models.weights:keep")
                keep(row, source, file, words, study.input_px, folder)
    return name


def _started(study: Study, store: Store) -> str:
    """The saved model's files, copied: it may be moved or overwritten while the study runs."""
    folder = Path(study.start).expanduser()
    files = [p for p in sorted(folder.iterdir()) if p.suffix in (".json", ".safetensors") and not nobodys(p.name)]
    digests = {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in files if p.name != "made.json"}
    name = key(START, 1, digests, {})
    with store.working(name):
        if not store.has(START, name):
            with store.making(START, name) as copy:
                for path in files:
                    shutil.copy(path, copy / path.name)
                catalogue.load("secateur.models.saved:load")(copy)  # what cannot be loaded is not kept
    return name


def _drawn(store: Store, progress: Report) -> tuple[Path, str]:
    demo = catalogue.DEMO
    draw = catalogue.load("secateur.data.demo:draw_demo")
    params = {"per_class": demo.per_class, "px": demo.px, "seed": demo.seed}
    name = key("demo", DEMO_VERSION, params, {})
    with store.working(name):
        if not store.has("demo", name):
            with store.making("demo", name) as folder:
                said = draw(folder / "photos", **params, progress=progress, workers=os.cpu_count())
                (folder / "what.txt").write_text(said, encoding="utf-8")
    folder = store.folder("demo", name)
    return folder / "photos", (folder / "what.txt").read_text(encoding="utf-8")
