"""Steps that decide and compare, from what others measured."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from secateur.arms import UNBALANCED, title
from secateur.claiming import SPLIT
from secateur.data.split import oversized, straddling
from secateur.errors import StepFailed, first_line
from secateur.files import dump, read
from secateur.measure.apart import apart
from secateur.measure.balance import balanced_difference
from secateur.measure.choose import choose as choosing
from secateur.measure.compare import compare_all
from secateur.pruning.groups import CLASSES
from secateur.records import (
    Bench,
    Choice,
    Claim,
    Comparison,
    DataFacts,
    Evaluation,
    Exported,
    Harm,
    History,
    ModelResult,
    Parity,
    Profile,
    Rival,
    Scan,
    Search,
    Sizes,
    Snapshot,
    Split,
    Summary,
    Weighed,
)
from secateur.steps.context import Context
from secateur.steps.convert import parts
from secateur.steps.harm import harms
from secateur.steps.photos import snapshot
from secateur.steps.prune import Pruned
from secateur.steps.summaries import Pair, family, summaries, untrained

T = TypeVar("T")
IntArray = npt.NDArray[np.int64]
Part = Callable[[str, Callable[[], Any], Any], Any]  # of what, how it is made, and what stands there without it
Correct = dict[str, dict[int, npt.NDArray[np.bool_]]]  # configuration → seed → is each test photo right


@dataclass(frozen=True, slots=True)
class Collected:
    """collected.json: what a report is drawn from, less what belongs to one run."""

    data: DataFacts
    models: tuple[ModelResult, ...]
    summaries: tuple[Summary, ...]
    choices: tuple[Choice, ...]
    comparisons: tuple[Comparison, ...]
    benches: tuple[Bench, ...] = ()
    harm: tuple[Harm, ...] = ()
    searches: tuple[Search, ...] = ()
    scans: tuple[Scan, ...] = ()
    rivals: tuple[Rival, ...] = ()
    rankings: tuple[Comparison, ...] = ()
    exports: tuple[Exported, ...] = ()
    claims: tuple[Claim, ...] = ()
    weighed: tuple[Weighed, ...] = ()


def choose(ctx: Context) -> None:
    """choice.json; tolerant: a target whose networks failed is no candidate."""
    found: dict[float, dict[int, float]] = {}
    for role, folder in ctx.inputs.items():
        target, _, seed = role.partition("/")
        found.setdefault(float(target), {})[int(seed)] = read(Parity, folder / "parity.json").val_accuracy.value
    dense = found.pop(0.0, {})
    if not found:
        raise StepFailed("no network of this method was made")
    p = ctx.params
    dump(choosing(p["backbone"], p["method"], found, dense, p["margin"]), ctx.out / "choice.json")


def collect(ctx: Context) -> None:
    """collected.json; tolerant: what failed is left out, and stands in the outcomes."""
    dump(_collected(ctx, lambda what, make, without: make()), ctx.out / "collected.json")


def parts_of(params: Mapping[str, Any], inputs: Mapping[str, Path]) -> tuple[Collected, tuple[str, ...]]:
    """What `collect` would write, each part by itself, and which could not be had, each with its reason: for a study
    whose step failed. Nothing is kept."""
    lost: list[str] = []

    def tried(what: str, make: Callable[[], Any], without: Any) -> Any:
        try:
            return make()
        except Exception as error:
            lost.append(f"{what} could not be put together: {type(error).__name__}: {first_line(error)}")
            return without

    made = _collected(Context(params, inputs, Path(), Path(), lambda done, total, note: None), tried)
    return made, tuple(lost)


def _collected(ctx: Context, part: Part) -> Collected:
    photos, p = snapshot(ctx), ctx.params
    split = read(Split, ctx.inputs["split"] / "split.json")
    models = _models(ctx, part)
    test = list(split.test)
    labels = np.array([photos.photos[i].label for i in test])
    groups = np.array([photos.photos[i].group for i in test])
    correct: Correct = {}
    for m in models:
        if m.evaluation:
            correct.setdefault(m.config, {})[m.seed] = np.array(m.evaluation.predictions) == labels

    def both(pairs: list[list[str]]) -> list[Pair]:
        return [(a, b) for a, b in pairs if correct.get(a, {}).keys() & correct.get(b, {}).keys()]

    pairs, alike = both(p["against"]), both(p.get("ranked") or [])
    choices: tuple[Choice, ...] = part("what validation chose", lambda: _all(ctx, Choice, "choose", "choice.json"), ())
    chosen = _with_files({c.config for c in choices}, p)
    quantised, made_of = {m.config for m in models if m.form != "fp32"}, p.get("made_of") or {}
    bare = {pair for pair in pairs if untrained(pair, made_of, quantised)}
    trained_as = {config: made_of[config] for config in quantised if config in made_of}

    def compared() -> tuple[Comparison, ...]:
        families = [family(pair, p["roles"], chosen, bare) for pair in pairs]
        return compare_all(
            pairs, correct, groups, p["margin"], families=families, untrained=bare, trained_as=trained_as
        )

    def scanned() -> tuple[Scan, ...]:
        return tuple({(s.config, s.method): s for s in reversed(_all(ctx, Scan, "scan"))}.values())

    return Collected(
        _facts(photos, split),
        tuple(models),
        part("the summaries", lambda: tuple(summaries(models, labels, groups, photos.classes, chosen, p)), ()),
        choices,
        part("the comparisons", compared, ()),
        part("times", lambda: _all(ctx, Bench, "bench"), ()),
        part("who pays", lambda: harms(ctx, photos, np.array(test), models, chosen, bare), ()),
        searches=part("the searches", lambda: _all(ctx, Search, "search"), ()),
        scans=part("the scans", scanned, ()),
        rivals=part("the rivals", lambda: _all(ctx, Rival, "rival"), ()),
        exports=part("further files", lambda: tuple(_exports(ctx)), ()),
        claims=part("what a random split claims", lambda: tuple(_claims(ctx, photos)), ()),
        weighed=part("class weights", lambda: tuple(_weighed(ctx, photos, split, labels, groups, correct)), ()),
        rankings=part("the ranking", lambda: compare_all(alike, correct, groups, p["margin"]), ()),
    )


def _with_files(chosen: set[str], params: Any) -> set[str]:
    """What validation chose, and the INT8 files of that: of the stages of a chain each was chosen for itself."""
    made, roles = params.get("made_of") or {}, params["roles"]
    return chosen | {config for config, source in made.items() if source in chosen and roles[config] == roles[source]}


def _all(ctx: Context, kind: type[T], name: str, file: str = "") -> tuple[T, ...]:
    """The records of all steps of a kind."""
    file = file or f"{name}.json"
    return tuple(read(kind, f / file) for role, f in ctx.inputs.items() if role.startswith(f"{name}/"))


def _exports(ctx: Context) -> Iterator[Exported]:
    for role, folder in ctx.inputs.items():
        kind, _, at = role.partition("/")
        if kind == "convert":
            name, _, form = at.rpartition("@")
            config, _, seed = name.rpartition("/seed")
            size = sum(p.stat().st_size for p in parts(folder))
            yield Exported(config, int(seed), form, size, _optional(ctx, f"parity/{at}", "parity.json", Parity))


def _claims(ctx: Context, photos: Snapshot) -> Iterator[Claim]:
    for role, folder in ctx.inputs.items():
        held = role.removeprefix("claim/")
        if held == role or held not in ctx.inputs:
            continue
        made = read(Evaluation, folder / "evaluation.json").accuracy
        own = read(Evaluation, ctx.inputs[held] / "evaluation.json").accuracy
        split = read(Split, ctx.inputs[SPLIT] / "split.json")
        trained = {photos.photos[i].group for i in split.train}
        torn = sum(photos.photos[i].group in trained for i in split.test)
        _, backbone, *_, seed = held.split("/")
        gap = apart(made, own, trained=True)
        yield Claim(backbone, int(seed.removeprefix("seed")), made, own, gap, torn)


def _weighed(
    ctx: Context, photos: Snapshot, split: Split, labels: IntArray, groups: IntArray, correct: Correct
) -> Iterator[Weighed]:
    count = np.bincount([photos.photos[i].label for i in split.train], minlength=len(photos.classes))
    rarest = int(count.argmin())
    for config, how in (ctx.params.get("weighed") or {}).items():
        without = config + UNBALANCED
        both = sorted(correct.get(config, {}).keys() & correct.get(without, {}).keys())
        if not both:
            continue
        a, b = (np.stack([correct[c][s] for s in both]) for c in (config, without))
        compared = compare_all([(config, without)], correct, groups, ctx.params["margin"])[0]
        mine = labels == rarest
        recalls = (float(a[:, mine].mean()), float(b[:, mine].mean())) if mine.any() else (0.0, 0.0)
        balanced = balanced_difference(labels, a, b, groups)
        name = photos.classes[rarest]
        backbone = config.split("/")[0]
        yield Weighed(backbone, how, config, without, len(both), balanced, compared.difference, name, recalls)


def _models(ctx: Context, part: Part) -> list[ModelResult]:
    found: list[ModelResult] = []
    for role, folder in ctx.inputs.items():
        kind, _, name = role.partition("/")
        if kind in ("train", "retrain", "adopt", "quantize") and f"profile/{name}" in ctx.inputs:
            found += part(role, partial(lambda *its: [_model(ctx, *its)], role, name, folder), [])
    order = list(ctx.params["roles"])
    taught = ctx.params.get("taught") or ()
    arrived = (m if m.backbone in taught else _arrived(m, found) for m in found)
    return sorted(arrived, key=lambda m: (order.index(m.config), m.seed))


def _arrived(model: ModelResult, models: list[ModelResult]) -> ModelResult:
    """A dense network counts as converged only if training on, at a full learning rate again, gained under a point of
    validation accuracy: a schedule that ends at rest makes any curve flat. Not asked of one that was taught meanwhile:
    learning from itself gains without any further epoch's help."""
    if model.role != "dense" or not model.history.converged:
        return model
    on = [m for m in models if m.seed == model.seed and m.config == f"{model.config}-longer"]
    if not on or on[0].val_accuracy - model.val_accuracy < 0.01:
        return model
    return replace(model, history=replace(model.history, converged=False))


def _model(ctx: Context, id: str, name: str, folder: Path) -> ModelResult:
    config, _, seed = name.rpartition("/seed")
    role, method, target = ctx.params["roles"][config]
    measured = ctx.inputs[f"profile/{name}"]
    history = read(History, folder / "history.json")
    parity = _optional(ctx, f"parity/{name}", "parity.json", Parity)
    kept = history.epochs[history.best_epoch - 1].val_accuracy if history.best_epoch else 0.0
    if not history.epochs and parity:  # a model that was brought, not trained here
        kept = parity.val_accuracy.value
    accuracy = parity.val_accuracy.value if parity else kept
    pruned = _optional(ctx, f"prune/{name}", "pruned.json", Pruned)
    if pruned:
        history = replace(history, spared=pruned.spared, notes=history.notes + pruned.notes)
    return ModelResult(
        id=id,
        config=config,
        name=title(config),
        role=role,
        backbone=config.split("/")[0],
        method=method,
        target=target,
        seed=int(seed),
        profile=read(Profile, measured / "profile.json"),
        sizes=read(Sizes, measured / "sizes.json"),
        val_accuracy=accuracy,
        val_accuracy_before=pruned.val_accuracy if pruned else accuracy,
        history=history,
        parity=parity,
        evaluation=_optional(ctx, f"evaluate/{name}", "evaluation.json", Evaluation),
        file_sha256=_digest(folder if id.startswith("quantize/") else ctx.inputs.get(f"export/{name}")),
        whole={n: why for n, why in pruned.whole.items() if why != CLASSES} if pruned else {},
        form="int8" if id.startswith("quantize/") else "fp32",
    )


def _digest(exported: Path | None) -> str:
    return hashlib.sha256((exported / "model.onnx").read_bytes()).hexdigest() if exported else ""


def _optional(ctx: Context, role: str, file: str, kind: type[Any]) -> Any:
    return read(kind, ctx.inputs[role] / file) if role in ctx.inputs else None


def _facts(photos: Snapshot, split: Split) -> DataFacts:
    def counts(positions: tuple[int, ...]) -> tuple[int, ...]:
        n = [0] * len(photos.classes)
        for i in positions:
            n[photos.photos[i].label] += 1
        return tuple(n)

    sizes: dict[int, int] = {}
    for p in photos.photos:
        sizes[p.group] = sizes.get(p.group, 0) + 1
    return DataFacts(
        folder=photos.root,
        classes=photos.classes,
        train=counts(split.train),
        val=counts(split.val),
        test=counts(split.test),
        snapshot_digest=photos.digest,
        split_rule=split.rule,
        split_seed=split.seed,
        groups_tied=sum(n for n in sizes.values() if n > 1),
        problems=(*photos.problems, *oversized(photos, split), *straddling(photos, split)),
        synthetic=photos.synthetic,
        ties=photos.ties,
        depth=photos.depth,
    )
