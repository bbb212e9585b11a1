"""One way to prune, as a study asks for it."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from secateur import catalogue
from secateur.methods import Begins, Method
from secateur.records.brief import line

_BEGINS = {  # in a method's id
    "dense": "dense",
    "initialisation": "init",
    "slimming": "slimmed",
    "group-lasso": "lassoed",
}
AUTO = (4, 8, 16, 32)  # roundings that registers and caches of usual processors like


class Table(BaseModel):
    """A table of a study file: no key that is not known, no number that is none."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    def __repr__(self) -> str:
        """What differs from the defaults, in one line."""
        said = ((name, getattr(self, name)) for name in type(self).model_fields)
        usual = {name: field.default for name, field in type(self).model_fields.items()}
        return line(type(self).__name__, ((name, value) for name, value in said if value != usual[name]))

    __str__ = __repr__  # pydantic's own says everything


def sparsity(value: float) -> float:
    """Raises ValueError for what is none."""
    if not (math.isfinite(value) and 0 < value < 1):
        hint = f": {value:g} % is {value / 100:g}" if 1 < value < 100 else ""
        raise ValueError(f"a sparsity must lie between 0 and 1, both excluded{hint}; got {value}")
    return value


class MethodChoice(Table):
    """One way to prune, as a study asks for it."""

    name: str = Field(description="a name that `secateur methods` lists")
    scope: Literal["layer", "global", "row", "block", "erk", "sensitivity"] = Field(
        default="layer",
        description="every layer loses the same part; one ranking runs over the whole network; every output's weights "
        "lose the same part; every block of four; wide layers more than narrow ones (erk); or as a scan of every layer "
        "alone says. Unset: the method's usual",
    )
    begins: Literal["", "dense", "initialisation", "slimming", "group-lasso"] = Field(
        default="",
        description="the network that is pruned: the trained one, the one with its initial weights (trained for all "
        "epochs afterwards), or one trained on with that penalty; empty: the method's usual",
    )
    spare: tuple[str, ...] = Field(default=(), description="layers left whole; part of the method, and printed")
    hidden_units: bool = Field(
        default=False, description="filters: dense layers lose units too (the study's rule did not)"
    )
    recipe: str = Field(default="", description="recipe for retraining; empty: the study's `retrain_recipe`")
    part: Literal["all", "head", "backbone"] = Field(
        default="all", description="of a transfer network: all of it, its head alone (as the study did), its backbone"
    )
    multiple: Annotated[int, Field(ge=0, le=64)] | Literal["auto"] = Field(
        default=0,
        description="filters: widths are a multiple of this (`round` is the same); 0: 8 for timm's networks, else 1; "
        "auto: the fastest of 4, 8, 16 and 32 on this machine",
    )
    sparsities: tuple[float, ...] = Field(default=(), description="targets of this method alone; empty: the study's")
    macs: tuple[float, ...] = Field(
        default=(), description="filters: keep at most these fractions of the multiply-adds, instead of sparsities"
    )
    params: tuple[float, ...] = Field(
        default=(), description="filters: keep at most these fractions of the parameters, instead of sparsities"
    )

    latency: tuple[float, ...] = Field(
        default=(),
        description="filters: take at most these fractions of the dense file's time on this machine, one photo on one "
        "thread, instead of sparsities; found by timing cuts",
    )
    like: str = Field(
        default="",
        description="random pruning: layers as sparse or narrow as this method makes them, where its scope leaves that "
        "to a ranking or it keeps the first layer whole",
    )
    normalise: Literal["", "group", "none"] = Field(
        default="",
        description="filters with scope global: scores are ranked over their group's mean (group), or as they are "
        "(none); empty: the method's usual, none for batch norms' scales and group for all others",
    )

    @model_validator(mode="before")
    @classmethod
    def _rounded(cls, values: Any) -> Any:
        if isinstance(values, dict) and "round" in values:
            if "multiple" in values:
                raise ValueError("round and multiple are the same: set one")
            values = {k: v for k, v in values.items() if k != "round"} | {"multiple": values["round"]}
        if isinstance(values, dict) and "scope" not in values and isinstance(values.get("name"), str):
            usual = catalogue.method(values["name"]).scopes[0]
            values = values if usual == "layer" else values | {"scope": usual}
        return values

    @field_validator("sparsities")
    @classmethod
    def _sparsities(cls, values: tuple[float, ...]) -> tuple[float, ...]:
        return tuple(sorted({sparsity(v) for v in values}))

    @field_validator("macs", "params", "latency")
    @classmethod
    def _fractions(cls, values: tuple[float, ...]) -> tuple[float, ...]:
        for value in values:
            if not (math.isfinite(value) and 0 < value < 1):
                raise ValueError(f"a fraction to keep must lie between 0 and 1, both excluded; got {value}")
        return tuple(sorted(set(values), reverse=True))

    @model_validator(mode="after")
    def _known(self) -> MethodChoice:
        row = catalogue.method(self.name)
        if self.recipe:
            catalogue.named(catalogue.RECIPES, "recipe", self.recipe)
        if self.like and catalogue.method(self.like).cuts != row.cuts:
            raise ValueError(f"method '{self.name}' cuts {row.cuts}, '{self.like}' does not")
        if not row.knows(self.scope):
            raise ValueError(f"method '{self.name}' knows scope {' and '.join(row.scopes)}, not {self.scope}")
        odd = next((s for s in self.sparsities if row.targets and s not in row.targets), 0)
        if odd:
            raise ValueError(f"method '{self.name}' prunes {' or '.join(map(str, row.targets))}; got {odd}")
        if row.cuts == "weights" and self.hidden_units:
            raise ValueError(f"method '{self.name}' cuts no units: hidden_units is for filter methods")
        if row.cuts == "weights" and (self.macs or self.params or self.latency or self.multiple):
            raise ValueError(
                f"method '{self.name}' sets weights to zero: macs, params, latency and multiple are for filters"
            )
        if self.normalise and (row.cuts == "weights" or self.scope != "global"):
            raise ValueError(f"method '{self.name}': normalise is for filters ranked over the whole network")
        if sum(map(bool, (self.sparsities, self.macs, self.params, self.latency))) > 1:
            raise ValueError("set one of sparsities, macs, params and latency: name the method twice")
        if self.multiple == "auto" and not (self.macs or self.latency):
            raise ValueError(f"method '{self.name}': widths are chosen by time at a target in macs or latency")
        return self

    @property
    def start(self) -> Begins:
        """The network that is pruned."""
        return self.begins or catalogue.method(self.name).begins

    @property
    def measure(self) -> Literal["sparsity", "macs", "params", "latency"]:
        """What its targets are fractions of."""
        return "macs" if self.macs else "params" if self.params else "latency" if self.latency else "sparsity"

    @property
    def multiples(self) -> tuple[int, ...]:
        """Roundings to be tried on this machine; empty where none is searched."""
        if self.multiple == "auto" or (self.latency and not self.multiple):
            return AUTO
        return (int(self.multiple),) if self.latency else ()

    @property
    def _usual(self) -> Method:
        """The row whose structure this takes."""
        return catalogue.method(self.like or self.name)

    @property
    def unusual_ranking(self) -> Literal["group", "none"] | None:
        """How scores are ranked, where that is not the method's usual way."""
        return self.normalise if self.normalise and self.normalise != self._usual.normalise else None

    @property
    def id(self) -> str:
        """What names this choice in a plan and a chart; the plain name when nothing was chosen beside it."""
        words = [self.name]
        words += [self.part] if self.part != "all" else []
        words += [self.measure] if self.measure != "sparsity" else []
        words += [f"x{self.multiple}"] if self.multiple else []
        row = catalogue.method(self.name)
        words += [self.scope] if self.scope != row.scopes[0] else []
        words += [_BEGINS[self.start]] if self.start != row.begins else []
        words += [f"like-{self.like}"] if self.like else []
        words += [f"normalise-{self.unusual_ranking}"] if self.unusual_ranking else []
        words += ["units"] if self.hidden_units else []
        words += ["spare-" + "+".join(self.spare)] if self.spare else []
        return "-".join(words)


def keeps_first(choice: MethodChoice) -> bool:
    """Does the first layer stay whole, because the method, or that of which this is the control, keeps it so?"""
    return choice.scope == "layer" and catalogue.method(choice.like or choice.name).keeps_first
