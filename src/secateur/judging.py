"""A model, saved or exported, on a folder of labelled photos: what it gets right there, and how that differs from what
its study measured."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import numpy as np
import numpy.typing as npt

from secateur import beside, catalogue, ledger
from secateur.data.facts import Facts
from secateur.data.listing import ENGLISH
from secateur.data.scan import scan
from secateur.data.seen import read as photos_of
from secateur.errors import UserError, no_file
from secateur.files import read
from secateur.forms import runtime
from secateur.measure.accuracy import evaluate
from secateur.measure.calibration import reliability
from secateur.measure.runtimes import USUAL, open_model
from secateur.measure.shift import shift
from secateur.names import nfc, plain
from secateur.overlap import overlap
from secateur.records import (
    NO_DEPTH,
    Depth,
    Evaluation,
    Judged,
    Looks,
    Photo,
    Problem,
    Reading,
    Results,
    Snapshot,
    Trained,
    Unknown,
)
from secateur.store import Store

BATCH = 16  # photos
DEPTH = "depth.json"  # of a folder that was handed on, beside models whose files say nothing
Logits = npt.NDArray[np.float32]  # (n, classes)
Report = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Model:
    """Photos in, logits out."""

    file: Path  # or the folder of a saved model
    labels: tuple[str, ...]
    input_px: int
    logits: Callable[[npt.NDArray[np.uint8]], Logits]
    depth: Depth = NO_DEPTH  # of photos of more than eight bits a channel, as its training had them


def judge(
    model: Path,
    folder: Path,
    *,
    reading: Reading | None = None,
    runs: Path = Path("runs"),
    index: Path | None = None,
    progress: Report | None = None,
    study: Trained | None = None,
) -> Judged:
    """`model`: an ONNX or packed file, another exported one beside its labels.json, the folder that `export` made, or
    a saved model. `runs`: where the study of the model is looked for, by the digest of its file, unless `study` says
    what it measured.

    Raises UserError: what the scan raises, a model that cannot be read, no photo of a class that it knows.
    """
    loaded = opened(model)
    reading = replace(reading or Reading(), least_classes=1)
    learnt: dict[str, Facts] = {}
    snapshot = scan(folder, index=index, reading=reading, progress=progress, learnt=learnt)
    study = study or _study(loaded.file, runs)
    study = study and replace(study, classes=tuple(replace(c, name=nfc(c.name)) for c in study.classes))
    homes = _homes(loaded.file, runs)
    met = overlap(snapshot, learnt, study.snapshot_digest if study else "", homes)
    names = _names(snapshot.classes, loaded.labels)
    hashes = [*(p.sha256 for p in snapshot.photos), *met.theirs]
    looks = _look(loaded, hashes, homes) if names else None  # before they are opened
    logits, gone, doubts = _answers(loaded, snapshot, progress)
    doubts += _too_dark(loaded, snapshot)
    photos = [p for p in snapshot.photos if p.path not in gone]
    known = [i for i, p in enumerate(photos) if snapshot.classes[p.label] in names]
    if not known:
        raise UserError(_strangers(model, folder, snapshot, loaded.labels))
    place = {name: i for i, name in enumerate(loaded.labels)}
    labels = np.array([place[names[snapshot.classes[photos[i].label]]] for i in known])
    groups = np.array([photos[i].group for i in known])
    own = logits[known]
    made = _figures(labels, own, loaded.labels, snapshot.digest, groups)
    new = np.array([photos[i].path not in met.how for i in known])
    fresh = None
    if 0 < new.sum() < len(known):
        fresh = _figures(labels[new], own[new], loaded.labels, snapshot.digest, groups[new])
    return Judged(
        model=str(model),
        folder=str(folder),
        labels=loaded.labels,
        evaluation=made,
        paths=tuple(photos[i].path for i in known),
        true=tuple(labels.tolist()),
        confidence=float(runtime.softmax(own).max(1).mean()),
        absent=tuple(row.name for row in made.classes if not row.n),
        unknown=tuple(_unknown(snapshot, photos, names, logits, loaded.labels)),
        renamed=tuple((name, said) for name, said in sorted(names.items()) if name != said),
        seen_before=len(met.how),
        problems=(*snapshot.problems, *gone.values(), *doubts),
        taken=snapshot.taken,
        trained=study,
        shift=shift(fresh or made, study) if study else None,
        met=tuple(met.how.get(photos[i].path, "") for i in known),
        compared=met.known,
        fresh=fresh,
        places=met.places,
        not_compared=met.unknown,
        looks=looks,
    )


def _figures(
    labels: npt.NDArray[np.int64], logits: Logits, names: Sequence[str], digest: str, groups: npt.NDArray[np.int64]
) -> Evaluation:
    made = evaluate(labels, logits.argmax(1), names, digest, groups)
    return replace(made, reliability=reliability(runtime.softmax(logits), labels, groups))


def _strangers(model: Path, folder: Path, snapshot: Snapshot, labels: Sequence[str]) -> str:
    """Where no class is known: what there is, and the level of the paths where the model's classes stand."""
    said = (
        f"{folder} has no photo of a class that {model} knows; it has {', '.join(snapshot.classes)}, the model "
        f"knows {', '.join(labels)}"
    )
    folders = [PurePosixPath(p.path).parts[:-1] for p in snapshot.photos]
    for level in range(1, max(map(len, folders), default=0) + 1):
        if _names({nfc(f[level - 1]) for f in folders if len(f) >= level}, labels):
            return f"{said}; folders that are called so stand further down: --label-level {level}"
    return said


# ------------------------------------------------------------ the model


def opened(path: Path) -> Model:
    """Raises UserError for what is no model, or does not say what its answers are called."""
    if path.is_dir() and (path / "architecture.json").is_file():
        names, px, answer, depth = catalogue.load("secateur.steps.look:answering")(path)
        labels, together = runtime.one_each(names)
        return Model(path, labels, px, lambda photos: together(answer(photos)), depth)
    if path.is_dir():
        path = _inside(path)
    if path.suffix == ".pt2":
        raise UserError(f"{path}: torch.export's files are read with pickle, which may run code; give the ONNX file")
    if path.suffix in USUAL and USUAL[path.suffix] != "onnxruntime":
        return _elsewhere(path, USUAL[path.suffix])
    loaded = runtime.load(path)
    return Model(path, loaded.labels, loaded.input_px, loaded.logits, loaded.depth)


def _inside(folder: Path) -> Path:
    """The model of a folder that `export` made."""
    files = dict.fromkeys(row.file for row in catalogue.EXPORTS)
    found = [folder / name for name in files if (folder / name).is_file()]
    if not found:
        raise UserError(
            f"{folder} holds no model: a saved one has architecture.json, an exported one {', '.join(files)}"
        )
    return found[0]


def _elsewhere(file: Path, kind: str) -> Model:
    """A file for another run-time; its labels stand beside it."""
    if not file.is_file():
        raise no_file(file)
    words = file.parent / "labels.json"
    try:
        names = [str(name) for name in json.loads(words.read_text(encoding="utf-8"))]
    except (OSError, ValueError, TypeError) as error:
        raise UserError(f"{words} is needed beside {file.name}, to know what its answers are called") from error
    labels, together = runtime.one_each(names)
    model = open_model(file, kind, threads=0)
    height, width, channels = model.shape
    if model.dtype != np.uint8 or height != width or channels != 3:
        raise UserError(f"{file} takes {model.dtype} of {model.shape}; only files that Secateur wrote can be evaluated")
    size = model.fixed_batch or BATCH

    def logits(photos: npt.NDArray[np.uint8]) -> Logits:
        """A file with a fixed batch gets the last photo again until it is full."""
        parts = []
        for i in range(0, len(photos), size):
            some = photos[i : i + size]
            short = size - len(some) if model.fixed_batch else 0
            said = np.array(model.call(np.concatenate([some, some[-1:].repeat(short, 0)]) if short else some))
            if said.shape[1:] != (len(names),):
                raise UserError(f"{words} names {len(names)} classes; {file.name} answers with {said.shape[1:]}")
            parts.append(said[: len(some)])
        return together(np.concatenate(parts))

    beside = file.parent / DEPTH
    depth = read(Depth, beside) if beside.is_file() else NO_DEPTH
    return Model(file, labels, model.shape[0], logits, depth)


# ------------------------------------------------------------ the photos


def _names(classes: Iterable[str], labels: Sequence[str]) -> dict[str, str]:
    """Class of the folder → class of the model: the same name, the same but for case and spaces, or Kaggle's Italian
    for the English one. A name that is as near to two classes of the model is neither."""
    count = Counter(map(plain, labels))
    near = {plain(name): name for name in labels if count[plain(name)] == 1}
    found = {}
    for name in classes:
        for said in (name, near.get(plain(name), ""), ENGLISH.get(name, "")):
            if said in labels:
                found[name] = said
                break
    return found


def _answers(
    model: Model, snapshot: Snapshot, progress: Report | None
) -> tuple[Logits, dict[str, Problem], list[Problem]]:
    """(n, classes) of the photos that are still there, in their order; those that are not; and what is to be doubted of
    the depth of others."""
    root, said = Path(snapshot.root), []
    gone: dict[str, Problem] = {}
    doubts: list[Problem] = []
    done, n = 0, len(snapshot.photos)
    paths = [root / p.path for p in snapshot.photos]
    for some in photos_of(paths, model.input_px, BATCH, depth=model.depth, keep_damaged=True):  # as the scan decided
        pixels = [seen.pixels for seen in some if seen.pixels is not None]
        if pixels:
            said.append(model.logits(np.stack(pixels)))
        for photo, seen in zip(snapshot.photos[done : done + len(some)], some, strict=True):
            if seen.pixels is None:
                gone[photo.path] = Problem(photo.path, "vanished", seen.problem)
            elif seen.depth_doubt:
                kind, _, why = seen.depth_doubt.partition(": ")
                doubts.append(Problem(photo.path, kind, why, left_out=False))
        done += len(some)
        if progress:
            progress(done, n)
    if not said:
        raise UserError(f"no photo of {snapshot.root} can be read any more")
    return np.concatenate(said), gone, doubts


def _too_dark(model: Model, snapshot: Snapshot) -> list[Problem]:
    """A folder of another camera, or written by another program."""
    own, white = snapshot.depth.whole, model.depth.whole
    if not own or own >= white:
        return []
    why = f"photos of more than 8 bits stay under {own + 1:,} here; for this model {white:,} is white, so they are dark"
    return [Problem(snapshot.root, "below the depth", why, left_out=False)]


def _unknown(
    snapshot: Snapshot, photos: Sequence[Photo], names: dict[str, str], logits: Logits, labels: Sequence[str]
) -> Iterable[Unknown]:
    for label, name in enumerate(snapshot.classes):
        own = [i for i, p in enumerate(photos) if p.label == label]
        if name in names or not own:
            continue
        chances = runtime.softmax(logits[own])
        said = Counter(labels[i] for i in chances.argmax(1).tolist())
        yield Unknown(name, len(own), tuple(said.most_common()), float(chances.max(1).mean()))


def _look(model: Model, photos: Sequence[str], homes: Sequence[Path]) -> Looks | None:
    """Where some of these (their sha256s) are test photos of a split: that this file was shown them, written down
    beside that study, before they are opened. None: they are other photos, which any model may see at will."""
    found = None
    for home in homes:
        store = Store(home)
        seen = ledger.seen(store, photos)
        if seen:
            made = ledger.note(store, seen, ledger.key_of_file(model.file), f"evaluate {model.file.name}")
            found = found or made
    return found


def _homes(file: Path, runs: Path) -> tuple[Path, ...]:
    """Where a study of this file may lie: under `runs`, or where the file does."""
    return tuple(dict.fromkeys((runs.resolve(), *file.resolve().parents)))


# ------------------------------------------------------------ its study


def _study(file: Path, runs: Path) -> Trained | None:
    """What the figures.json beside a file says of it; else of the run whose model has the same bytes."""
    if found := beside.of(file):
        return found
    homes = [file.parent.parent] if file.parent.name == "models" else []
    homes += sorted(p.parent for p in runs.glob("*/results.json"))
    digests = {beside.digest(f) for f in (file, file.with_suffix(".onnx")) if f.is_file()}
    for home in homes:
        if not (home / "results.json").is_file():
            continue
        try:
            results = read(Results, home / "results.json")
        except UserError:
            continue  # another release's, or cut off: not this model's in any case
        model = next((m for m in results.models if m.file_sha256 in digests), None)
        if model:
            return beside.trained(results, model)
    return None
