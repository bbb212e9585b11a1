"""Files: a network as it is handed on, what it says, what it gets right, and how long it takes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, overload

from secateur import beside, catalogue, prepare, writing
from secateur.api.models import Model, made
from secateur.api.photos import Place, plain
from secateur.api.telling import telling
from secateur.checking import SNAPSHOT, converted, name_of
from secateur.engine import key_of
from secateur.errors import UserError
from secateur.files import read
from secateur.outputs import refuse_folder, said
from secateur.plan import plan
from secateur.records import Answers, Bench, Evaluation, Judged, Step, Trained
from secateur.store import Store
from secateur.study_file import make

BATCH = 16  # photos


def export(model: Model, out: Place, *, to: str = "onnx", progress: bool | None = None) -> Path:
    """Write a network as a file with its preprocessing inside: uint8 RGB photos (n, px, px, 3) in, logits (n, classes)
    out; and compare its answers with the network's on validation photos.

    Args:
        model: what `train`, `prune` or `retrain` made.
        out: the folder to make.
        to: "onnx", "onnx-fp16", "onnx-int8", "packed", "packed-fp16", "packed-int8", "pt2"; with their extras
            "openvino", "litert" and "executorch".
        progress: a bar; None: on a terminal or in a notebook.

    Returns:
        The file that is loaded; beside it lie labels.json, and figures.json: what it gets right of its study's test
        photos where `evaluate` has opened them, else of validation. By that `evaluate` knows it wherever it is taken.

    Raises:
        UserError: a folder that exists, a converter that is not installed.
        StepFailed: what the form cannot hold, or a file that does not answer as the network does.
        NotKnown: the form.
    """
    row = catalogue.export(to)
    folder = Path(out)
    refuse_folder(folder)
    at, onnx = model.step.split("/", 1)[1], f"export/{model.step.split('/', 1)[1]}"
    steps = _exporting(model)
    wanted = [onnx, f"parity/{at}"]
    if row.name != "onnx":
        more = converted(row.name, at, model.step, onnx, model.input_px)
        steps, wanted = [*steps, *more], [*wanted, *(s.id for s in more)]
    keys = made(steps, wanted, model.keys, model.runs, model.study.name, progress)
    source = Store(model.runs)
    if row.name == "onnx":
        files = [source.folder("export", keys[onnx]) / "model.onnx"]
    else:
        step = steps[-2]
        files = catalogue.load("secateur.steps.convert:parts")(source.folder(step.kind, keys[step.id]))
    form = "" if row.name in ("onnx", "packed") else "onnx"
    with said(folder), writing.folder(folder) as place:
        for file in files:
            shutil.copy(file, place / file.name)
        (place / "labels.json").write_text(json.dumps(list(model.labels), ensure_ascii=False), encoding="utf-8")
        beside.keep(place / row.file, replace(_known(model, steps, keys, at), form=form))
    return folder / row.file


def _known(model: Model, steps: Sequence[Step], keys: Mapping[str, str], at: str) -> Trained:
    """What is known of an exported file: of its test photos where `evaluate` opened them, else of validation, which was
    looked at already."""
    store = Store(model.runs)
    tested = next(s for s in steps if s.id == f"evaluate/{at}")
    try:
        made = store.folder("evaluate", key_of(tested, {role: keys[i] for role, i in tested.inputs.items()}))
    except KeyError:
        made = Path()
    if (made / "evaluation.json").is_file():
        return _trained(model, read(Evaluation, made / "evaluation.json"))
    kinds = {s.id: s.kind for s in steps} | {SNAPSHOT: "snapshot"}
    folders = {role: store.folder(kinds[i], keys[i]) for role, i in tested.inputs.items()}
    context = catalogue.load("secateur.steps.context:Context")
    given = context({}, folders, store.results, store.works, lambda done, total, note: None)
    said = catalogue.load("secateur.steps.measure:evaluated")(given, "val")
    return replace(_trained(model, said), photos="validation")


def _exporting(model: Model) -> list[Step]:
    """The plan of the model's study, and how a network that was pruned and not trained on is exported."""
    steps = plan(model.study)
    if any(s.id == f"export/{model.step.split('/', 1)[1]}" for s in steps) and not model.step.startswith("prune/"):
        return steps
    own = next(s for s in steps if s.id == model.step)
    checks = catalogue.load("secateur.checking:checks")
    evaluated = catalogue.load("secateur.checking:evaluate")
    others = {f"{kind}/{name_of(own)}" for kind in ("export", "parity", "profile", "evaluate")}
    return [*(s for s in steps if s.id not in others), *checks(model.study, own), evaluated(model.study, own)]


def predict(
    model: Model | Place,
    photos: Place | Iterable[Place],
    *,
    top: int = 1,
    min_confidence: float = 0.0,
    keep_damaged: bool = False,
) -> Answers:
    """What a model says of photos; an exported one without torch.

    Args:
        model: an ONNX or packed file that Secateur wrote, or what `train`, `prune` or `retrain` made.
        photos: files, or folders of them in any depth.
        top: so many classes a photo.
        min_confidence: a probability below which the answer is "unsure".
        keep_damaged: answer photos of which rows are missing, with a doubt, instead of saying why not.

    Returns:
        An answer a photo, in order, as a list; one that cannot be read says why.

    Raises:
        UserError: no such file, no photos.
    """
    opened = catalogue.load("secateur.judging:opened" if isinstance(model, Model) else "secateur.forms.runtime:load")
    loaded = opened(model.folder if isinstance(model, Model) else Path(model))
    places = [photos] if isinstance(photos, str | Path) else list(photos)
    found, _ = catalogue.load("secateur.data.seen:find")([Path(p) for p in places])
    reading = catalogue.load("secateur.data.seen:read")
    seen = reading(found, loaded.input_px, BATCH, depth=loaded.depth, keep_damaged=keep_damaged)
    return Answers(catalogue.load("secateur.forms.answers:answers")(loaded, seen, top, min_confidence))


@overload
def evaluate(model: Model, *, progress: bool | None = None) -> Evaluation: ...
@overload
def evaluate(
    model: Model | Place, folder: Place, *, runs: Place = "", progress: bool | None = None, **reading: Any
) -> Judged: ...
def evaluate(
    model: Model | Place,
    folder: Place | None = None,
    *,
    runs: Place = "",
    progress: bool | None = None,
    **reading: Any,
) -> Evaluation | Judged:
    """What a model gets right.

    Args:
        model: what `train` or `retrain` made; or, with `folder`, a file too.
        folder: labelled photos that its study never had. Unset: the test photos of the model's own split; choose on
            validation accuracy (`model.history`) and open them once, at the end. How many networks and plans opened
            them is counted beside the runs, and printed by reports.
        runs: where the study of a file is looked for; unset: "runs". Of a `Model` its own test figures are taken.
        progress: a bar; None: on a terminal or in a notebook.
        reading: as for `scan`: labels, classes, group_by, empty.

    Returns:
        On its own test photos an `Evaluation` of the exported file, with accuracy, balanced accuracy, macro-F1, recall
        and precision a class, the confusion matrix and calibration, each with its 95 % interval. On other photos a
        `Judged`, which also holds unknown classes, and how the figures differ from those of its study.

    Raises:
        UserError: photos that cannot be read, no class that the model knows.
    """
    if folder is None:
        if not isinstance(model, Model):
            raise UserError("a file knows no test photos: name a folder of labelled ones")
        id = f"evaluate/{model.step.split('/', 1)[1]}"
        steps = [s for s in _exporting(model) if s.kind not in ("choose", "bench")]
        keys = made(steps, (id,), model.keys, model.runs, model.study.name, progress)
        return read(Evaluation, Store(model.runs).folder("evaluate", keys[id]) / "evaluation.json")
    asked = prepare.reading(make({"rare_below": 0} | plain(reading), "secateur.evaluate"))
    place = model.folder if isinstance(model, Model) else Path(model)
    study = _measured(model, progress) if isinstance(model, Model) else None
    with telling(progress) as told:
        told.began(f"evaluating on {folder}", 0, 0)
        found: Judged = catalogue.load("secateur.judging:judge")(
            place,
            Path(folder),
            reading=asked,
            runs=Path(runs or (model.runs if isinstance(model, Model) else "runs")),
            study=study,
            progress=lambda done, total: told.progress(done, total, "photos"),
        )
    return found


def _measured(model: Model, progress: bool | None) -> Trained:
    """What a network has right of its own test photos."""
    return _trained(model, evaluate(model, progress=progress))


def _trained(model: Model, said: Evaluation) -> Trained:
    ece = said.reliability.ece if said.reliability else None
    digest = model.snapshot.digest
    return Trained(model.study.name, model.config, said.accuracy, said.balanced_accuracy, said.classes, ece, digest)


def bench(
    files: Sequence[Place],
    *,
    against: str = "",
    threads: Sequence[int] = (),
    batches: Sequence[int] = (),
    rounds: int = 200,
    processes: int = 5,
    label: str = "",
    progress: bool | None = None,
) -> Bench:
    """How long exported files take on this machine, beside each other, and how much memory.

    Args:
        files: exported files, or folders of them.
        against: the name of the one that others are compared with; unset: the first.
        threads, batches: every pair is a way; unset: one thread, all cores, and all cores with eight photos.
        rounds: timed calls of every file in every way, in an order drawn anew each round.
        processes: fresh processes that the rounds are shared among.
        label: what to call this machine.
        progress: a bar; None: on a terminal or in a notebook.

    Returns:
        Median and p95 in ms, speed-up with its 95 % interval, the control of the reference against itself, and the peak
        memory of a fresh process in bytes.

    Raises:
        UserError: files that no run-time here can load.
    """
    places = catalogue.load("secateur.steps.bench:files_of")([Path(f) for f in files])
    effort = catalogue.load("secateur.steps.bench:Effort")(rounds, processes)
    with telling(progress) as told:
        told.began("measuring", 0, 0)
        found: Bench = catalogue.load("secateur.steps.bench:measured")(
            places,
            reference=against,
            threads=threads,
            batches=batches,
            effort=effort,
            label=label,
            progress=told.progress,
        )
    return found
