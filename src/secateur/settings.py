"""Study: flags, TOML keys, documentation and keys of results come from this one record.

Over 300 lines because it is one record, every field with its help and its panel.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from secateur import catalogue, grouped
from secateur.chained import Chain, parsed
from secateur.chained import check as check_chain
from secateur.choice import MethodChoice, Table, sparsity
from secateur.errors import NotKnown
from secateur.names import nfc
from secateur.panels import (
    Column,
    File,
    First,
    Folder,
    Limits,
    Measuring,
    Name,
    Network,
    Photos,
    Pruning,
    Running,
    Says,
    Size,
    Time,
    one_of,
)
from secateur.quantities import in_bytes, milliseconds, seconds

SOURCES = ("hub", "package", "random")  # of weights; anything else is a file


class Study(Table):
    """Everything that decides what a study does. Its defaults suit a folder of a few thousand photos."""

    name: Photos[Name] = Field(default="", description="name of the run; empty: the folder's")
    folder: Photos[Folder] = Field(
        default="", description="folder of class folders of photos, or 'demo' for drawn animals"
    )
    labels: Photos[First[File]] = Field(
        default="",
        description="file that says what is on the photos: CSV or COCO-CameraTraps JSON; empty: class folders",
    )
    path_column: Photos[Column] = Field(
        default="", description="of a CSV of labels: the photos' paths; empty: by its usual names"
    )
    label_column: Photos[Column] = Field(
        default="",
        description="of a CSV of labels: the classes; 'genus + species' puts two together; empty: by its usual names, "
        "the finest rank that nearly all rows know",
    )
    time_column: Photos[Column] = Field(
        default="", description="of the labels: when photos were taken, as 'Date + Time'; empty: by its usual names"
    )
    date_order: Photos[Literal["", "day", "month"]] = Field(
        default="",
        description="what stands first in 03/05/2021 in the labels; empty: as its column allows, else the day",
    )
    label_level: Photos[int] = Field(
        default=0,
        description="folder of the path that is the label: 1 the first, -1 the photo's own; 0: the first that is no "
        "train, val or test",
    )
    classes: Photos[Annotated[dict[str, str], Says("OLD=NEW,…")]] = Field(
        default={}, description="classes renamed or merged, as 'hare=lagomorph,rabbit=lagomorph'; 'human=' drops one"
    )
    empty: Photos[Name] = Field(
        default="", description="class of photos with a blank label or no annotation; empty: they are left out"
    )
    rare_below: Photos[int] = Field(default=20, ge=0, description="classes with fewer photos are listed")
    keep_rare: Photos[bool] = Field(default=True, description="keep such classes, or leave them out")
    keep_damaged: Photos[bool] = Field(
        default=False, description="use photos of which rows are missing, or leave them out"
    )
    group_by: Photos[First[Annotated[tuple[str, ...], Says("RULE,…")]]] = Field(default=(), description=grouped.HELP)
    claims: Photos[bool] = Field(
        default=False,
        description="train the dense network on a random split too, to show what that would have claimed",
    )
    photos: Photos[int] = Field(default=0, ge=0, description="take so many photos, the classes in proportion; 0: all")
    split: Photos[Annotated[str, one_of(catalogue.SPLITS)]] = Field(
        default="stratified", description="how photos are shared out to train, validate and test"
    )
    fractions: Photos[Annotated[tuple[float, float, float], Says("TRAIN,VAL,TEST")]] = Field(
        default=(0.7, 0.15, 0.15), description="train, validation, test"
    )
    split_seed: Photos[int] = Field(default=0, ge=0, description="seed of the split; fixed while training seeds vary")
    input_px: Network[First[int]] = Field(
        default=0, le=2048, description="side of the square that photos are resized to; 0: the network's usual"
    )
    backbone: Network[First[Annotated[str, Says("cnn|NAME")]]] = Field(
        default="", description="network: cnn or any of timm's; empty: the best whose weights are at hand"
    )
    weights: Network[Annotated[str, Says("hub|package|random|FILE")]] = Field(
        default="", description="of a timm network: hub, package, a file, or random; empty: package, else hub"
    )
    pool: Network[Literal["avg", "max", "flatten", "own"]] = Field(
        default="avg", description="how a timm network pools its last map or tokens; flatten: not; own: as timm does"
    )
    head: Network[str] = Field(
        default="linear", description="what stands on a timm network: linear, study, or dense layers (dense-256-128)"
    )
    tune: Network[Literal["head", "all"]] = Field(
        default="head", description="the dense timm network: its head alone is trained, or then all of it"
    )
    tune_epochs: Network[int] = Field(
        default=0, ge=0, description="epochs of whole-network fine-tuning; 0: the recipe's"
    )
    views: Network[int] = Field(
        default=0, ge=0, le=64, description="augmented views a photo whose features are kept; 0: 1, or 4 if augmented"
    )
    distil: Pruning[float] = Field(
        default=0.0,
        ge=0,
        le=1,
        description="in retraining, that of the control too: weight of the dense network's answers",
    )
    recalibrate: Pruning[Literal["auto", "on", "off"]] = Field(
        default="auto",
        description="batch-norm statistics taken anew on training photos right after pruning; auto: timm's networks",
    )
    memory: Running[Size] = Field(
        default="", description="such as '4GiB': fine-tuning keeps its anonymous memory under this"
    )
    start: Network[Folder] = Field(
        default="", description="folder of a saved model to begin from, instead of training one"
    )
    methods: Pruning[First[Annotated[tuple[MethodChoice, ...], Says("NAME,…")]]] = Field(
        default=(MethodChoice(name="magnitude"), MethodChoice(name="filter-l1")),
        description="ways to prune: names, or tables with options; unset, timm's networks take fisher and "
        "filter-taylor, each by one ranking",
    )
    sparsities: Pruning[First[Annotated[tuple[float, ...], Says("FRACTION,…")]]] = Field(
        default=(0.3, 0.5, 0.7, 0.9), description="targets for every method"
    )
    chains: Pruning[Annotated[tuple[Chain, ...], Says("CHAIN")]] = Field(
        default=(),
        description="networks pruned in stages, such as 'filter-fpgm 50% > lamp 80% > int8 > packed': each stage is "
        "retrained, measured, and held against dense trained on as often",
    )
    seeds: Measuring[First[tuple[int, ...]]] = Field(
        default=(0, 1, 2), description="training seeds; every one trains all networks"
    )
    recipe: Network[Annotated[str, one_of(catalogue.RECIPES)]] = Field(
        default="fast", description="how the dense network is trained"
    )
    epochs: Network[int] = Field(default=0, ge=0, description="epochs of the dense network; 0: the recipe's")
    retrain_recipe: Pruning[Annotated[str, one_of(catalogue.RECIPES)]] = Field(
        default="", description="how pruned networks are retrained; empty: as `recipe`"
    )
    retrain_epochs: Pruning[int] = Field(
        default=0, ge=0, description="epochs of retraining; 0: half of the dense network's"
    )
    augment: Network[Annotated[str, one_of(catalogue.AUGMENTATIONS)]] = Field(
        default="", description="augmentation; empty: the recipe's"
    )
    balance: Network[Literal["", "none", "sampling", "loss"]] = Field(
        default="",
        description="rare classes: shown as often as others (sampling), or weighed more (loss); with controls the "
        "dense network is trained without it, too; empty: the recipe's",
    )
    controls: Measuring[bool] = Field(default=True, description="dense trained on as long, and random pruning")
    rivals: Measuring[bool] = Field(
        default=True,
        description="dense networks as fast as a chosen cut one, and its shape from scratch",
    )
    bench: Measuring[int] = Field(
        default=200, ge=0, description="timed calls of every exported file on this machine; 0: time is not measured"
    )
    robustness: Measuring[int] = Field(
        default=500,
        ge=0,
        description="test photos made worse in 35 ways, for the networks of the first seed; 0: none",
    )
    exports: Measuring[Annotated[tuple[str, ...], Says("NAME,…")]] = Field(
        default=(),
        description="further forms of each file, of the first seed, every one checked against ONNX: "
        + ", ".join(row.name for row in catalogue.EXPORTS[1:]),
    )
    margin: Measuring[float] = Field(default=1.0, gt=0, description="points of accuracy that count as equally good")
    max_size: Limits[Size] = Field(default="", description="such as '1MB': the file to deploy may be no larger")
    max_latency: Limits[Time] = Field(
        default="",
        description="such as '20ms': one photo on one thread may take no longer, where it was timed",
    )
    max_memory: Limits[Size] = Field(
        default="", description="such as '200MiB': a process that loads the file and predicts may take no more"
    )
    precision: Network[Literal["auto", "fp32", "bf16"]] = Field(
        default="auto", description="arithmetic of training; auto: bf16 where it is faster"
    )
    threads: Running[int] = Field(
        default=0, ge=0, description="threads of training; 0: all physical cores, shared by the jobs. Bits depend on it"
    )
    device: Running[Annotated[str, Says("cpu|cuda")]] = Field(
        default="cpu", pattern="^(cpu|cuda)$", description="cpu or cuda"
    )
    budget: Running[First[Time]] = Field(
        default="", description="time such as '2h' or '40m'; shrinks seeds, sparsities, photos"
    )
    also: Network[tuple[dict[str, Any], ...]] = Field(
        default=(), description="further networks on the same photos: tables of what differs, `backbone` among it"
    )
    published: Measuring[dict[str, Any]] = Field(default={}, description="published figures to stand beside ours")

    @field_validator("methods", mode="before")
    @classmethod
    def _names(cls, value: Any) -> Any:
        if not isinstance(value, list | tuple):
            return value
        return [{"name": v} if isinstance(v, str) else v for v in value]

    @field_validator("head")
    @classmethod
    def _top(cls, value: str) -> str:
        if not re.fullmatch(r"linear|study|dense(-[1-9][0-9]{0,4})+", value):
            raise ValueError("a head is linear, study, or dense layers such as dense-256-128")
        return value

    @field_validator("chains", mode="before")
    @classmethod
    def _stages(cls, value: Any) -> Any:
        return parsed(value)

    @field_validator("classes", mode="before")
    @classmethod
    def _renamed(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return {nfc(k): nfc(v) for k, v in value.items()} if _words(value) else value
        pairs = [pair.partition("=") for pair in value.split(",") if pair.strip()]
        wrong = next((name for name, equals, _ in pairs if not equals), None)
        if wrong is not None:
            raise ValueError(f"classes are written as old=new, or old= to drop one; got '{wrong}'")
        renamed: dict[str, str] = {}
        for name, new in ((nfc(name.strip()), nfc(new.strip())) for name, _, new in pairs):
            if renamed.setdefault(name, new) != new:
                raise ValueError(f"class '{name}' stands twice: as '{renamed[name]}' and as '{new}'")
        return renamed

    @field_validator("group_by", mode="before")
    @classmethod
    def _rules(cls, value: Any) -> Any:
        return grouped.separated(value) if isinstance(value, str) else value

    @field_validator("group_by")
    @classmethod
    def _grouping(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(str(grouped.parse(value)) for value in values))

    @field_validator("sparsities")
    @classmethod
    def _sparsities(cls, values: tuple[float, ...]) -> tuple[float, ...]:
        return tuple(sorted({sparsity(v) for v in values}))

    @field_validator("seeds")
    @classmethod
    def _seeds(cls, values: tuple[int, ...]) -> tuple[int, ...]:
        if not values:
            raise ValueError("name at least one seed")
        if min(values) < 0:
            raise ValueError(f"a seed must not be negative; got {min(values)}")
        return tuple(dict.fromkeys(values))

    @field_validator("fractions")
    @classmethod
    def _fractions(cls, values: tuple[float, float, float]) -> tuple[float, float, float]:
        if not all(math.isfinite(v) and v > 0 for v in values) or abs(sum(values) - 1) > 1e-6:
            raise ValueError(f"train, validation and test must be positive and add up to 1; got {list(values)}")
        return values

    @field_validator("budget")
    @classmethod
    def _budget(cls, value: str) -> str:
        seconds(value)
        return value

    @field_validator("memory", "max_size", "max_memory")
    @classmethod
    def _bytes(cls, value: str) -> str:
        in_bytes(value)
        return value

    @field_validator("max_latency")
    @classmethod
    def _latency(cls, value: str) -> str:
        milliseconds(value)
        return value

    @field_validator("input_px")
    @classmethod
    def _px(cls, value: int) -> int:
        if value and value < 8:
            raise ValueError(f"photos must be at least 8 px; got {value}")
        return value

    @model_validator(mode="after")
    def _known(self) -> Study:
        if self.backbone:
            own = bool(catalogue.backbone(self.backbone).where)
            if own and self.weights:
                raise ValueError(
                    f"backbone '{self.backbone}' starts from fresh weights: weights is for timm's networks"
                )
            odd = next((m.id for m in self.methods if m.part != "all"), "")
            if own and odd:
                raise ValueError(f"method '{odd}': backbone '{self.backbone}' has no separate head: part is 'all'")
        catalogue.named(catalogue.SPLITS, "split", self.split)
        for recipe in filter(None, (self.recipe, self.retrain_recipe)):
            catalogue.named(catalogue.RECIPES, "recipe", recipe)
        if self.augment:
            catalogue.named(catalogue.AUGMENTATIONS, "augmentation", self.augment)
        for name in self.exports:
            catalogue.export(name)
        if catalogue.EXPORTS[0].name in self.exports or len(set(self.exports)) < len(self.exports):
            raise ValueError("exports: every network has its ONNX file; name further forms, each once")
        ids = [m.id for m in self.methods]
        if len(set(ids)) < len(ids):
            raise ValueError("the same method stands twice in `methods`")
        for chain in self.chains:
            check_chain(chain)
        self._further()
        return self

    def _further(self) -> None:
        named = [self.backbone]
        for table in self.also:
            for key in table:
                if key not in OWN:
                    raise NotKnown("key of `also`", key, OWN, see="secateur study --help")
            named.append(str(table.get("backbone", "")))
        if len(named) > 1 and ("" in named or len(set(named)) < len(named)):
            raise ValueError("with `also`, every network names its backbone, and each another")
        if self.also:
            networks(self)


def _words(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(word, str) for row in value.items() for word in row)


# What a further network may have of its own.
OWN = (
    *("backbone", "weights", "input_px", "pool", "head", "tune", "start"),
    *("recipe", "retrain_recipe", "epochs", "retrain_epochs", "tune_epochs", "augment", "views", "balance"),
    *("methods", "sparsities", "chains", "distil", "recalibrate", "memory", "precision"),
)
_AGREE = (
    "recipe",
    "retrain_recipe",
    "methods",
    "sparsities",
    "chains",
    "distil",
    "balance",
    "recalibrate",
    "memory",
    "precision",
)  # unless it says else


def networks(study: Study) -> tuple[Study, ...]:
    """The study of each network: the first as it stands, the further ones with what they have of their own."""
    first = study.model_dump(exclude={"also"})
    fresh = {k: v for k, v in first.items() if k not in OWN or (k in _AGREE and k in study.model_fields_set)}
    return (study.model_copy(update={"also": ()}), *(Study.model_validate(fresh | table) for table in study.also))


def joined(parts: Sequence[Study]) -> Study:
    """`networks` backwards: what was filled in stays filled in."""
    tables = tuple(part.model_dump(mode="json", include=set(OWN)) for part in parts[1:])
    return parts[0].model_copy(update={"also": tables})
