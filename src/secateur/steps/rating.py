"""What goes of a network by a row of the catalogue: masks, or channels and what speaks for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from secateur import catalogue
from secateur.arms import USUAL
from secateur.errors import StepFailed, UserError
from secateur.files import read
from secateur.methods import Method
from secateur.models import saved
from secateur.pruning import allocate, channels, evidence, groups, masks, ranking, widths
from secateur.pruning.evidence import Evidence
from secateur.pruning.masks import Masks
from secateur.records import Scan
from secateur.steps import tracing

EVIDENCE = "evidence"  # begins the roles of what is gathered


def seen_in(inputs: Mapping[str, Path]) -> Evidence:
    """All that was gathered for a step."""
    return evidence.load(*(folder for role, folder in inputs.items() if role.split("/")[0] == EVIDENCE))


@dataclass(frozen=True, slots=True)
class Rater:
    """A method at work on a network."""

    model: nn.Module
    row: Method
    p: Any  # the options of the pruning
    seen: Evidence
    generator: torch.Generator
    px: int
    scan: Scan | None = None
    traces: Callable[[], groups.Traced] | None = None  # where what is coupled is known already

    def structure(self) -> Method:
        """The method that says how much goes from each layer: a control takes another's."""
        return catalogue.method(self.p.get("like") or USUAL[self.row.cuts]) if self.row.role == "control" else self.row

    # ------------------------------------------------------------ weights

    def weight_masks(self, weights: Mapping[str, Tensor]) -> tuple[Masks, dict[str, str]]:
        """(what stays, layer → why it was left whole). Raises StepFailed where nothing can go."""
        whole: dict[str, str] = {}
        if self.p["scope"] == "block":
            odd = {n: masks.undivided(w) for n, w in weights.items()}
            whole = {n.removesuffix(".weight"): why for n, why in odd.items() if why}
            weights = {n: w for n, w in weights.items() if not odd[n]}
            if not weights:
                raise StepFailed(f"no layer has blocks of {masks.BLOCK} input channels")
        if self.p["scope"] == "sensitivity":
            return masks.lowest_counts(self.scores(weights), self._allocated(weights)), whole
        if self.p["scope"] == "erk":
            sizes = {n: tuple(w.shape) for n, w in weights.items()}
            return masks.lowest_counts(self.scores(weights), allocate.erk(sizes, self.p["target"])), whole
        if self.row.role != "control" or self.p["scope"] != "global":
            return self._masks(self.row, weights, self.p["scope"]), whole
        # The same structure: every layer as sparse as the method would make it, the places by chance.
        like = self._masks(self.structure(), weights, "global")
        found: Masks = {}
        for n, w in weights.items():
            if bool(like[n].any()):
                found |= masks.lowest(self.scores({n: w}), masks.sparsity({n: like[n]}), "layer")
            else:
                found[n] = like[n]  # the threshold took all of this layer
        return found, whole

    def _masks(self, row: Method, weights: Mapping[str, Tensor], scope: str) -> Masks:
        if row.kind == "transform":
            found: Masks = catalogue.load(row.where)(self.model, weights, self.p["target"], self._example())
            return found
        return masks.lowest(self.scores(weights, row), self.p["target"], scope)

    def _allocated(self, weights: Mapping[str, Tensor]) -> dict[str, int]:
        """How many of each weight's elements go, as the scan says."""
        assert self.scan is not None
        sizes = {n: w.numel() for n, w in weights.items()}
        curves = {f"{row.name}.weight": [(p.sparsity, p.loss.value) for p in row.points] for row in self.scan.layers}
        try:
            prune = masks.count(self.p["target"], sum(sizes.values()))
            return allocate.weights({n: curves[n] for n in weights}, sizes, prune)
        except UserError as error:
            raise StepFailed(str(error)) from error

    def scores(self, weights: Mapping[str, Tensor], row: Method | None = None) -> dict[str, Tensor]:
        """Weight → its shape."""
        row = row or self.row
        score = catalogue.load(row.where)
        if row.needs:
            return {n: score(w, self.generator, evidence.of(self.seen, n)) for n, w in weights.items()}
        return {n: score(w, self.generator) for n, w in weights.items()}

    def _example(self) -> Tensor:
        return torch.zeros(1, 3, self.px, self.px)

    # ------------------------------------------------------------ filters

    def channel_scores(self, row: Method, found: Iterable[groups.Group]) -> dict[str, Tensor]:
        """Group → (c,). Raises StepFailed for a group that the method has no word for."""
        score = catalogue.load(row.where)
        if row.rates == "layer":
            return groups.channel_scores(self.model, found, score, self.generator, row.role == "control")
        tensors = {**dict(self.model.named_parameters()), **dict(self.model.named_buffers())}
        try:
            scores: dict[str, Tensor] = score(tuple(found), tensors, self.seen)
        except UserError as error:
            raise StepFailed(f"{row.name}: {error}") from error
        return scores

    def whole(self) -> Whole:
        """The network as groups of channels, rated. Raises StepFailed where nothing can go."""
        p = self.p
        traced = self.traces() if self.traces else channels.trace(self.model, self._example())
        found = cuttable(traced, p)
        scores = self.channel_scores(self.row, found)
        if p["scope"] == "sensitivity":
            return Whole(traced, found, scores, self._priced(traced, found), as_they_are=True)
        ranked = self.channel_scores(self.structure(), found) if p["scope"] == "global" else None
        normalise = p.get("normalise") or self.structure().normalise
        return Whole(traced, found, scores, ranked, as_they_are=normalise == "none")

    def _priced(self, traced: groups.Traced, found: Iterable[groups.Group]) -> dict[str, Tensor]:
        """Group → (c,) rising: what the scan says that each further channel costs, over what it saves."""
        assert self.scan is not None
        curves = {row.name: [(p.sparsity, p.loss.value) for p in row.points] for row in self.scan.layers}
        measure = self.p.get("measure")
        prices = {}
        for group in found:
            saves = 1.0
            if measure:
                whole, less = (widths.cost(traced, (group,), {group.name: c}) for c in (group.size, group.size - 1))
                saves = float(whole[measure == "params"] - less[measure == "params"])
            prices[group.name] = allocate.prices(curves.get(group.name, []), group.size, saves)
        return prices


def cuttable(traced: groups.Traced, p: Mapping[str, Any]) -> tuple[groups.Group, ...]:
    """The groups that a pruning with the options `p` may cut. Raises UserError, StepFailed where there are none."""
    found = groups.cuttable(traced, p["spare"], bool(p["hidden_units"]))
    prefix = {"head": "head.", "backbone": "body."}.get(p.get("part") or "all", "")
    found = tuple(g for g in found if all(layer.startswith(prefix) for layer in g.layers))
    if not found:
        raise StepFailed(f"nothing to prune in the {p['part']}")
    return found


def goal(p: Mapping[str, Any]) -> tuple[widths.Target, float, int]:
    """What a pruning with the options `p` is to meet: of what, how much (see `widths.reach`), in which multiples."""
    of: widths.Target = "macs" if p.get("measure") == "latency" else p.get("measure") or "filters"
    return of, p["target"] if of == "filters" else 1 - p["target"], p.get("multiple") or 1


@dataclass(frozen=True, slots=True)
class Whole:
    """A network before it is cut: what may go, and what speaks for it."""

    traced: groups.Traced
    groups: tuple[groups.Group, ...]
    scores: dict[str, Tensor]
    ranked: dict[str, Tensor] | None  # where one ranking runs over the network: what it ranks
    as_they_are: bool = False  # numbers of one unit already: prices of a scan, or scores that a study wants so ranked

    def reach(self, target: float, of: widths.Target, multiple: int) -> widths.Widths:
        """The widths that meet a target; see `widths.reach` and `ranking.reach_ranked`."""
        if self.ranked is None:
            return widths.reach(self.traced, self.groups, target, of, multiple)
        return ranking.reach_ranked(self.traced, self.groups, self.ranked, target, of, multiple, self.as_they_are)


def rater(loaded: saved.Saved, p: Any, inputs: Mapping[str, Path]) -> Rater:
    """For a saved model and the options of a step."""
    generator = torch.Generator().manual_seed(p["seed"])
    row = catalogue.method(p["method"])
    scan = read(Scan, inputs["scan"] / "scan.json") if "scan" in inputs else None
    return Rater(
        loaded.model,
        row,
        p,
        seen_in(inputs),
        generator,
        loaded.architecture.input_px,
        scan,
        partial(tracing.traced, loaded),
    )
