"""A model of a finished run in another form: made from what its study kept, checked, kept beside it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from secateur import catalogue
from secateur.at_hand import converter
from secateur.checking import SNAPSHOT, converted
from secateur.engine import Walk, Watcher
from secateur.errors import StepFailed, UserError
from secateur.files import read
from secateur.forms.int8 import LEAST
from secateur.prepare import snapshot_key
from secateur.records import Converted, ModelResult, Parity, Results, Step
from secateur.steps.convert import parts
from secateur.store import Store


@dataclass(frozen=True, slots=True)
class Form:
    """A model in one form."""

    files: tuple[Path, ...]
    parity: Parity | None  # with the ONNX file; None: nothing was compared
    error: float = 0.0  # the largest difference of a weight, over the largest weight of its tensor


def made(results: Results, model: ModelResult, format: str, runs: Path, name: str, watcher: Watcher) -> Form:
    """The files of `model` as `format`. `runs`, `name`: where its run lies.

    Raises UserError for a converter that is not installed, an INT8 model asked for in another form, too few photos to
    calibrate with, or a store that no longer holds the model; StepFailed, with the figure, for what the form cannot
    hold or what does not answer as the ONNX file does.
    """
    row = catalogue.export(format)
    converter(row)
    if model.id.startswith("quantize/") and row.of != "onnx":
        raise UserError(
            f"'{model.name}' is in 8 bits already: it goes as onnx or packed; name the network it was made of"
        )
    if model.id.startswith("quantize/") and row.parity != "fp32":
        raise UserError(f"'{model.name}' is in 8 bits already: {format} would round it once more")
    photos = sum(results.data.train)
    if row.of == "photos" and photos < LEAST:
        raise UserError(f"INT8 needs at least {LEAST} training photos to calibrate with; this run has {photos}")
    store = Store(runs)
    keys = {o.id: o.key for o in results.outcomes if o.key and store.has(o.kind, o.key)}
    keys[SNAPSHOT] = snapshot_key(results.data.snapshot_digest, results.data.synthetic)
    at = model.id.split("/", 1)[1]
    onnx = model.id if model.id.startswith("quantize/") else f"export/{at}"
    steps = converted(format, at, model.id, onnx, model.profile.input_shape[0])
    missing = {i for step in steps for i in step.inputs.values()} - {s.id for s in steps} - keys.keys()
    if missing or not store.has(SNAPSHOT, keys[SNAPSHOT]):
        raise UserError(
            f"the run no longer holds '{min(missing, default=SNAPSHOT)}': give the study again, then export"
        )
    kinds = {o.id: o.kind for o in results.outcomes}
    walk = Walk(steps, keys, store, store.run(name), watcher, kinds=kinds)
    for outcome in walk.run(record=False):
        if outcome.state == "failed":
            raise StepFailed(f"{format}: {outcome.why}")
    return _read(steps, walk.keys, store)


def _read(steps: list[Step], keys: dict[str, str], store: Store) -> Form:
    made, checked = (store.folder(step.kind, keys[step.id]) for step in steps)
    files = tuple(parts(made))
    about = made / "converted.json"
    error = read(Converted, about).error if about.is_file() else 0.0
    return Form(files, read(Parity, checked / "parity.json"), error)
