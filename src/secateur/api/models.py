"""Networks: trained, pruned, trained on. Each is a step of the study that its settings describe, so that figures are
those that a study would give, and a study finds what was made here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from secateur import catalogue, prepare
from secateur.api.photos import Place, plain, usual_rule
from secateur.api.telling import telling
from secateur.arms import config_of, longer, targets, way_of
from secateur.checking import SNAPSHOT
from secateur.engine import Walk
from secateur.errors import StepFailed, UserError
from secateur.files import read
from secateur.plan import plan
from secateur.records import History, Snapshot, Split, Step
from secateur.records.brief import line
from secateur.report.names import short_names
from secateur.resolve import bare, settle
from secateur.settings import Study
from secateur.showing import of_model
from secateur.store import Store
from secateur.study_file import make

if TYPE_CHECKING:
    from torch import nn

ALONE = {"controls": False, "rivals": False, "robustness": 0, "bench": 0, "methods": (), "chains": ()}


@dataclass(frozen=True, slots=True)
class Model:
    """A network that is kept under `runs`, and how it was made."""

    folder: Path  # a saved model: architecture.json, weights.safetensors, labels.json, preprocess.json
    labels: tuple[str, ...]
    input_px: int
    history: History | None  # of its last training; None right after pruning
    study: Study  # the settings it was made with
    step: str  # what made it: "train/cnn/dense/seed0"
    snapshot: Snapshot  # the photos
    keys: dict[str, str]  # of everything that was made on the way
    runs: Path

    @property
    def config(self) -> str:
        """'cnn/filter-l1/0.5': the same for all seeds."""
        return self.step.split("/", 1)[1].rpartition("/seed")[0]

    def __repr__(self) -> str:
        """In one line: of a network nobody reads the paths of twenty thousand photos."""
        name = short_names((self.config,))[self.config]
        h = self.history
        reached = next((e.val_accuracy for e in h.epochs if e.epoch == h.best_epoch), None) if h else None
        facts = [("classes", len(self.labels)), ("input_px", self.input_px), ("val_accuracy", reached)]
        return line("Model", [("name", name), *facts, ("step", self.step), ("folder", str(self.folder))])

    def _repr_html_(self) -> str:
        seed = self.step.rpartition("/seed")[2]
        facts = f"{len(self.labels):,} classes, {self.input_px} px, {len(self.snapshot.photos):,} photos, seed {seed}"
        return of_model(short_names((self.config,))[self.config], self.history, facts, self.folder)

    def module(self) -> nn.Module:
        """The network itself, in eval mode: photos (n, 3, px, px) float32, normalised as `folder/preprocess.json` says
        → logits (n, classes). A pruned one is small where filters were cut, and has zeros where weights were."""
        network: nn.Module = catalogue.load("secateur.models.saved:load")(self.folder).model
        return network.eval()


def train(
    photos: Place | Snapshot,
    split: Split | None = None,
    *,
    seed: int = 0,
    runs: Place = "runs",
    progress: bool | None = None,
    **settings: Any,
) -> Model:
    """Train a dense network.

    Args:
        photos: a folder, or what `scan` found in it.
        split: what `split` made of the same photos; unset: the usual one.
        seed: of initial weights, order and augmentation.
        runs: folder that keeps what is made; the same call again finds it there.
        progress: a bar; None: on a terminal or in a notebook.
        settings: any setting of a study that concerns training: `backbone`, `input_px`, `epochs`, `recipe`, `augment`,
            `balance`, `tune`, `weights`, `threads`, `device`; see the reference of settings.

    Returns:
        The network with its history, which holds accuracy and loss of every epoch.

    Raises:
        UserError: a setting that is not known, weights that are not here, too few photos.
        StepFailed: a training that diverged.
    """
    folder = photos.root if isinstance(photos, Snapshot) else str(photos)
    asked = ALONE | settings | {"folder": str(Path(folder).resolve()), "seeds": (seed,)}
    if split:
        asked |= {"split": split.rule, "split_seed": split.seed, "fractions": split.fractions}
    store = Store(Path(runs))
    with telling(progress) as told:
        if isinstance(photos, Snapshot):
            snapshot = photos
        else:
            first = make(plain(asked), "secateur.train")
            told.began("reading the photos", 0, 0)
            snapshot = prepare.photos(first, store, lambda done, total: told.progress(done, total, "photos"))
        usual = bare("", len(snapshot.photos)) | {"split": usual_rule(snapshot), "budget": ""}
        study = settle(make(plain(usual | asked), "secateur.train"))
        given = prepare.given(study, store)
    again = catalogue.load("secateur.data.split:split")
    if split and again(snapshot, rule=split.rule, fractions=split.fractions, seed=split.seed) != split:
        raise UserError(
            "this split is not what secateur.split makes of these photos; a split by hand is a label file's"
        )
    keys = {SNAPSHOT: prepare.keep(snapshot, store)} | given
    config = f"{study.backbone}/dense"
    made = [s for s in plan(study) if s.kind in ("train", "retrain", "adopt")]
    last = next(s.id for s in reversed(made) if s.id.split("/", 1)[1] == f"{config}/seed{seed}")
    return reached(study, last, keys, Path(runs), snapshot, progress)


def prune(model: Model, method: str, sparsity: float = 0.0, *, progress: bool | None = None, **options: Any) -> Model:
    """Prune a dense network, without any training afterwards.

    Args:
        model: what `train` made.
        method: a name that `secateur methods` lists, such as "lamp" or "filter-taylor".
        sparsity: of the prunable weights, or of the filters, that go: between 0 and 1. Instead of it, for filters,
            `macs=0.5`, `params=0.5` or `latency=0.5` says what is kept.
        progress: a bar; None: on a terminal or in a notebook.
        options: `scope`, `spare`, `hidden_units`, `multiple`, `part`, `normalise`: see `MethodChoice`.

    Returns:
        The pruned network, smaller if filters were cut, with zeros if weights were. `retrain` it.

    Raises:
        UserError: a network that is pruned already, a method that prunes while it trains (then call `retrain` with it),
            a target outside (0, 1).
        NotKnown: the method.
    """
    if not model.config.endswith("/dense"):
        raise UserError(f"{model.config} is pruned already; several stages are a study's: chains = [...]")
    if catalogue.method(method).kind == "regime":
        raise UserError(f"method '{method}' prunes while it trains: secateur.retrain(model, '{method}', {sparsity})")
    study, config = _with(model.study, method, sparsity, options)
    id = f"prune/{config}/seed{study.seeds[0]}"
    return reached(study, id, model.keys, model.runs, model.snapshot, progress)


def retrain(
    model: Model,
    method: str = "",
    sparsity: float = 0.0,
    *,
    epochs: int = 0,
    progress: bool | None = None,
    **options: Any,
) -> Model:
    """Train a network on: a pruned one, whose zeros stay zero; a dense one, as the control of pruned ones; or a dense
    one with a method that prunes while it trains.

    Args:
        model: what `prune` or `train` made.
        method: of a dense network: a method of the kind "regime", such as "magnitude-gradual" or "movement".
        sparsity: its target.
        epochs: how many; 0: half of the dense network's.
        progress: a bar; None: on a terminal or in a notebook.
        options: of the method, as for `prune`.

    Returns:
        The network with its history.

    Raises:
        UserError: a method for a network that is pruned already.
        StepFailed: a training that diverged, or zeros that are not those asked for.
    """
    if epochs < 0:
        raise UserError(f"epochs must not be negative; got {epochs}")
    study, seed = model.study, model.study.seeds[0]
    if (options or sparsity) and not method:
        raise UserError(f"{', '.join(options) or 'sparsity'}: only with a method")
    if model.step.startswith("prune/"):
        if method:
            raise UserError(f"{model.config} is pruned already: retrain takes no method for it")
        config = model.config
    elif not model.config.endswith("/dense"):
        raise UserError(f"{model.config} was trained on already")
    elif method:
        if catalogue.method(method).kind != "regime":
            raise UserError(f"method '{method}' prunes at once: secateur.prune first, then retrain what it gives")
        study, config = _with(study, method, sparsity, options)
    else:
        study = study.model_copy(update={"controls": True, "methods": ()})
        config = longer(study, way_of(study))
    id = f"retrain/{config}/seed{seed}"
    return reached(study, id, model.keys, model.runs, model.snapshot, progress, epochs)


def _with(study: Study, method: str, sparsity: float, options: dict[str, Any]) -> tuple[Study, str]:
    """The study of this network that also prunes so, and what the pruned network is called in it."""
    table = plain(options) | {"name": method}
    kept = [measure for measure in ("macs", "params", "latency") if measure in table]
    if len(kept) + bool(sparsity) != 1:
        raise UserError("name one target: a sparsity, or one of macs, params and latency")
    for measure in kept:
        value = table[measure]
        if not isinstance(value, float | int):
            raise UserError(f"{measure} is one number between 0 and 1; got {value!r}")
        table[measure] = [value]
    if not kept:
        table["sparsities"] = [sparsity]
    values = study.model_dump(mode="json", exclude_unset=True) | {"methods": [table], "controls": False}
    asked = make(values, "secateur.prune")
    study = study.model_copy(update={"methods": asked.methods, "controls": False})
    (choice,) = study.methods
    (target,) = targets(study, choice)
    return study, config_of(study, choice, target)


def reached(
    study: Study,
    id: str,
    keys: dict[str, str],
    runs: Path,
    snapshot: Snapshot,
    progress: bool | None,
    epochs: int = 0,
) -> Model:
    """The network that a step of the study's plan makes, with all that it needs. `epochs`: of that step, and of a
    teacher's lessons for it, instead of the plan's."""
    steps = plan(study)
    if epochs:
        step = next(s for s in steps if s.id == id)
        own = {id, step.inputs.get("lessons", "")}
        steps = [replace(s, params=s.params | {"epochs": epochs}) if s.id in own else s for s in steps]
    known = made(steps, (id,), keys, runs, study.name, progress)
    store = Store(runs)
    folder = store.folder(id.split("/")[0], known[id])
    loaded: Any = catalogue.load("secateur.models.saved:load")(folder)
    history = read(History, folder / "history.json") if (folder / "history.json").is_file() else None
    px = loaded.architecture.input_px
    return Model(folder, loaded.labels, px, history, study, id, snapshot, known, runs)


def made(
    steps: list[Step], wanted: Iterable[str], keys: dict[str, str], runs: Path, name: str, progress: bool | None
) -> dict[str, str]:
    """The keys of the wanted steps, once they and all that they need were made; what `keys` names already, and the
    store still holds, is taken as it is. Raises StepFailed."""
    store, by_id = Store(runs), {s.id: s for s in steps}
    known = {i: k for i, k in keys.items() if i not in by_id or store.has(by_id[i].kind, k)}
    needed = [id for id in wanted if id not in known]
    for id in needed:
        if id not in by_id:
            raise UserError(f"'{id}' is no step of this study")
        needed += [i for i in by_id[id].inputs.values() if i in by_id and i not in known and i not in needed]
    own = [s for s in steps if s.id in needed]
    with telling(progress) as told:
        walk = Walk(own, known, store, store.run(name), told, kinds={i: by_id[i].kind for i in known if i in by_id})
        outcomes = walk.run(record=False)
    failed = next((o for o in outcomes if o.state in ("failed", "skipped")), None)
    if failed:
        raise StepFailed(f"{failed.title}: {failed.why}")
    store.keep(walk.keys.values())
    return walk.keys
