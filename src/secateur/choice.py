"""One way to prune, as a study asks for it."""

from __future__ import annotations

import math
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from secateur import catalogue


class Table(BaseModel):
    """A table of a study file: no key that is not known, no number that is none."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def sparsity(value: float) -> float:
    """Raises ValueError for what is none."""
    if not (math.isfinite(value) and 0 < value < 1):
        raise ValueError(f"a sparsity must lie between 0 and 1, both excluded; got {value}")
    return value


class MethodChoice(Table):
    """One way to prune, as a study asks for it."""

    name: str = Field(description="a name that `secateur methods` lists")
    scope: Literal["layer", "global"] = Field(
        default="layer", description="every layer loses the same part, or one ranking runs over the whole network"
    )
    spare: tuple[str, ...] = Field(default=(), description="layers left whole; part of the method, and printed")
    hidden_units: bool = Field(
        default=False, description="filters: dense layers lose units too (the study's rule did not)"
    )
    recipe: str = Field(default="", description="recipe for retraining; empty: the study's `retrain_recipe`")
    part: Literal["all", "head", "backbone"] = Field(
        default="all", description="of a transfer network: all of it, its head alone (as the study did), its backbone"
    )
    multiple: int = Field(
        default=0, ge=0, le=64, description="filters: widths are a multiple of this; 0: 8 for timm's networks, else 1"
    )
    sparsities: tuple[float, ...] = Field(default=(), description="targets of this method alone; empty: the study's")
    macs: tuple[float, ...] = Field(
        default=(), description="filters: keep at most these fractions of the multiply-adds, instead of sparsities"
    )
    params: tuple[float, ...] = Field(
        default=(), description="filters: keep at most these fractions of the parameters, instead of sparsities"
    )

    like: str = Field(
        default="", description="random pruning with scope global: layers as sparse or narrow as this method makes them"
    )

    @field_validator("sparsities")
    @classmethod
    def _sparsities(cls, values: tuple[float, ...]) -> tuple[float, ...]:
        return tuple(sorted({sparsity(v) for v in values}))

    @field_validator("macs", "params")
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
        if row.cuts == "weights" and self.hidden_units:
            raise ValueError(f"method '{self.name}' cuts no units: hidden_units is for filter methods")
        if row.cuts == "weights" and (self.macs or self.params or self.multiple):
            raise ValueError(f"method '{self.name}' sets weights to zero: macs, params and multiple are for filters")
        if sum(map(bool, (self.sparsities, self.macs, self.params))) > 1:
            raise ValueError("set one of sparsities, macs and params: name the method twice")
        return self

    @property
    def measure(self) -> Literal["sparsity", "macs", "params"]:
        """What its targets are fractions of."""
        return "macs" if self.macs else "params" if self.params else "sparsity"

    @property
    def id(self) -> str:
        """What names this choice in a plan and a chart; the plain name when nothing was chosen beside it."""
        words = [self.name]
        words += [self.part] if self.part != "all" else []
        words += [self.measure] if self.measure != "sparsity" else []
        words += [f"x{self.multiple}"] if self.multiple else []
        words += ["global"] if self.scope == "global" else []
        words += [f"like-{self.like}"] if self.like else []
        words += ["units"] if self.hidden_units else []
        words += ["spare-" + "+".join(self.spare)] if self.spare else []
        return "-".join(words)
