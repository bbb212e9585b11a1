"""Minutes, disk and memory of a plan, from a probe; and a study shrunk to a budget. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from secateur import catalogue
from secateur.arms import config_of, targets
from secateur.chains import links
from secateur.checking import FILE
from secateur.choice import MethodChoice
from secateur.plan import plan
from secateur.quantities import seconds
from secateur.records import Choice, Step
from secateur.settings import Study, joined, networks

PHOTOS_A_CLASS_AT_LEAST = 40
BASE_BYTES = 450_000_000  # this process with its libraries loaded and no network
HEAD_SECONDS = 2e-5  # a photo whose features are kept, in a head's training
FEATURE_BYTES = 4 * 1536  # between EfficientNet-B0's 1,280 features and B3's 1,536
EVIDENCE_PHOTOS = 1024  # as steps.evidence takes
ALONE = 1.7  # of a training's time a photo, for a photo whose gradient is taken alone
REMOVAL_SECONDS = 1.5e-4  # a weight; its turn takes the longer the more inputs its layer has
SCAN_PHOTOS, SCAN_POINTS = 512, 8  # as steps.scan takes
CNN_LAYERS, TIMM_LAYERS = 8, 60  # the second roughly
QUANTIZE_PHOTOS = 200  # as export.int8 calibrates with
AGAIN = 0.1  # of an export: what is built alike is not traced again
TRAINED = ("train", "retrain", "regularise")  # kinds of steps
SQUARE = ("macs", "params", "latency")
BENCH_SECONDS = 6.0  # a file: processes started afresh, its memory, its layers; 3.5 to 5.5 were measured
CORRUPT_SECONDS = 0.001  # a photo of 100 px, in one way
RIVALS = 10  # networks exported and timed beside a chosen one
SEARCH_TURNS = 3  # as measure.search makes
DECODE_SECONDS = 0.002  # a photo; decoding is a small part of a study, and a wrong guess moves little


@dataclass(frozen=True, slots=True)
class Costs:
    """What the probe found: seconds a photo, seconds an export, bytes."""

    train_seconds: float
    eval_seconds: float
    export_seconds: float
    model_bytes: int
    memory_bytes: int


@dataclass(frozen=True, slots=True)
class Estimate:
    """Of one step."""

    id: str
    kind: str
    title: str
    seconds: float
    disk_bytes: int
    memory_bytes: int  # of the whole process while it runs


def estimate(
    steps: Sequence[Step], of: Mapping[str, Costs], photos: int, fractions: tuple[float, float, float]
) -> list[Estimate]:
    """A row a step. `of`: backbone → what it costs.

    Networks whose filters were cut by r are taken to cost (1 − r)² of the dense one's time.
    """
    train, val, test = (photos * f for f in fractions)
    rows = []
    traced: set[tuple[str, float]] = set()
    for step in steps:
        costs = _costs(step, of)
        kept = (1 - _cut(step)) ** 2
        took, disk = 0.05, 0
        if step.kind in TRAINED:
            epoch = train * costs.train_seconds + val * costs.eval_seconds
            if "features" in step.inputs:
                epoch = (train + val) * HEAD_SECONDS
            took, disk = step.params["epochs"] * epoch * kept, int(costs.model_bytes * kept)
        elif step.kind == "features":
            views = step.params["views"]
            took = (train * views + val) * costs.eval_seconds
            disk = int((train * views + val) * FEATURE_BYTES)
        elif step.kind == "lessons":
            took, disk = step.params["epochs"] * train * costs.eval_seconds, int(step.params["epochs"] * train * 40)
        elif step.kind == "evidence":
            alone = ALONE if step.params.get("what") in (None, "slopes") else 1.0
            took = min(train, EVIDENCE_PHOTOS) * costs.train_seconds * alone
            if step.params.get("what") == "removals":
                took += costs.model_bytes / 4 * REMOVAL_SECONDS
            disk = costs.model_bytes
        elif step.kind == "scan":
            layers = CNN_LAYERS if step.id.split("/")[1] == "cnn" else TIMM_LAYERS
            took = layers * SCAN_POINTS * min(val, SCAN_PHOTOS) * costs.eval_seconds / 2  # beginnings are shared
        elif step.kind in ("adopt", "begin"):
            disk = costs.model_bytes
        elif step.kind == "search":
            took = len(step.params["multiples"]) * SEARCH_TURNS * (costs.export_seconds + BENCH_SECONDS)
        elif step.kind == "rival":
            took = RIVALS * (costs.export_seconds + 2) if step.params.get("timed") is None else 1.0
        elif step.kind == "prune":
            took, disk = 0.3 + val * costs.eval_seconds, int(costs.model_bytes * kept)
        elif step.kind == "export":
            built = (step.id.split("/")[1], kept)
            took, disk = costs.export_seconds * (AGAIN if built in traced else 1), int(costs.model_bytes * kept)
            traced.add(built)
        elif step.kind == "quantize":
            took, disk = 0.2 + 4 * QUANTIZE_PHOTOS * costs.eval_seconds * kept, int(costs.model_bytes * kept) // 4
        elif step.kind == "parity":
            took = 2 * val * costs.eval_seconds * kept
        elif step.kind == "evaluate":
            took = 0.5 + test * costs.eval_seconds * kept
        elif step.kind == "robustness":
            files = sum(role.startswith(FILE) for role in step.inputs)
            took = 36 * min(test, step.params["photos"]) * (files * costs.eval_seconds + CORRUPT_SECONDS)
        elif step.kind == "profile":
            took = 0.2 + costs.model_bytes * kept / 2.4e6  # deflate, zstandard and the packed form: some MB a second
        elif step.kind == "bench":
            files = len(step.inputs)
            took = files * (BENCH_SECONDS + 4 * step.params["rounds"] * costs.eval_seconds)
        elif step.kind == "pixels":
            took, disk = photos * DECODE_SECONDS, photos * step.params["px"] ** 2 * 3
        training = step.kind in TRAINED and "features" not in step.inputs
        memory = costs.memory_bytes if training else min(costs.memory_bytes, BASE_BYTES + 4 * costs.model_bytes)
        rows.append(Estimate(step.id, step.kind, step.title, took, disk, memory))
    return rows


def _costs(step: Step, of: Mapping[str, Costs]) -> Costs:
    """Those of the network that a step's name holds; of the first, for steps that are no network's."""
    return of.get([*step.id.split("/"), ""][1]) or next(iter(of.values()))


def _cut(step: Step) -> float:
    """The fraction of filters that the network of this step has lost."""
    words = step.id.split("/")
    if len(words) != 5 or not words[2].startswith("filter"):
        return 0.0
    first, chained, _ = words[2].partition("+")  # the first stage of a chain is the one that cuts filters
    cut = float(first.rpartition("-")[2] if chained else words[3])
    # of multiply-adds, parameters or time, each of which falls with the square of the width, more or less
    return 1 - (1 - cut) ** 0.5 if any(f"-{w}" in words[2] for w in SQUARE) else cut


def expected(study: Study) -> list[Step]:
    """The plan as it will be once validation has chosen: the target in the middle stands for each method's choice, of
    which, and of chance at its structure, INT8 files are made."""
    return plan(study, (), [c for net in networks(study) if net.controls for c in _likely(net)])


def _likely(net: Study) -> Iterator[Choice]:
    for choice in net.methods:
        own = targets(net, choice)
        middle = own[len(own) // 2]
        yield Choice(net.backbone, choice.id, config_of(net, choice, middle), middle, "", ())
    for link in links(net):
        yield Choice(net.backbone, link.method, link.config, link.target, "", ())


def photos_of(study: Study, there: int) -> int:
    """How many of the photos that are there a study takes."""
    return min(study.photos or there, there)


def shrink(
    study: Study, costs: Mapping[str, Costs], there: int, classes: int, jobs: int = 1
) -> tuple[Study, list[str]]:
    """Fewer seeds, then fewer sparsities, then fewer photos, until the study fits its budget; and what was done."""
    limit = seconds(study.budget)
    notes: list[str] = []
    if not limit:
        return study, notes

    def takes(s: Study) -> float:
        return sum(e.seconds for e in estimate(expected(s), costs, photos_of(s, there), s.fractions)) / jobs

    asked = takes(study)
    while takes(study) > limit and len(study.seeds) > 1:
        study = study.model_copy(update={"seeds": study.seeds[:-1]})
    while takes(study) > limit and any(len(net.sparsities) > 1 for net in networks(study)):
        thinner = [net.model_copy(update={"sparsities": _thinner(net.sparsities)}) for net in networks(study)]
        study = joined(thinner)
    while takes(study) > limit and photos_of(study, there) > classes * PHOTOS_A_CLASS_AT_LEAST:
        fewer = max(classes * PHOTOS_A_CLASS_AT_LEAST, int(photos_of(study, there) * 0.8))
        study = study.model_copy(update={"photos": fewer})
    if asked > limit:
        now = takes(study)
        what = f"{len(study.seeds)} seed(s), sparsities {', '.join(f'{s:g}' for s in study.sparsities)}"
        what += f", {photos_of(study, there):,} photos"
        notes.append(
            f"shrunk to the budget of {study.budget}: the study asked for would take about {asked / 60:.0f} min; "
            f"it runs with {what}, about {now / 60:.0f} min" + ("; even that is over" if now > limit else "")
        )
    return study, notes


def _thinner(sparsities: tuple[float, ...]) -> tuple[float, ...]:
    """One fewer: of the inner ones, that which stands closest to its neighbours; of two, the higher stays."""
    if len(sparsities) <= 2:
        return sparsities[-1:]
    inner = range(1, len(sparsities) - 1)
    drop = min(inner, key=lambda i: sparsities[i + 1] - sparsities[i - 1])
    return sparsities[:drop] + sparsities[drop + 1 :]


def describe(choice: MethodChoice) -> str:
    """A method in a printed plan: what it is, what it spares."""
    row = catalogue.method(choice.name)
    spared = f", spares {', '.join(choice.spare)}" if choice.spare else ""
    return f"{choice.id} ({row.family}, {row.kind}{spared})"
