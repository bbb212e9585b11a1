"""What the catalogue says of a way to prune. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Family = Literal["unstructured", "structured", "sensitivity", "regularisation"]
Scope = Literal["layer", "global", "row", "block", "erk", "sensitivity"]
Begins = Literal["dense", "initialisation", "slimming", "group-lasso"]  # the last two: trained on with that penalty
Normalise = Literal["group", "none"]  # over their group's mean; as they are
Need = Literal["gradients", "slopes", "connections", "bends", "inputs", "alive", "samples", "removals"]


@dataclass(frozen=True, slots=True)
class Method:
    """A way to prune.

    `kind` "score": one look at the network gives a number an element, the lowest go. `where` is then called so:

        cuts weights                     (weight, generator) → scores of the weight's shape
        cuts weights, with needs         (weight, generator, seen) → the same; `seen`: piece of evidence → tensor
        cuts filters                     (weight, generator) → (o,), a number a filter
        cuts filters, rates "groups"     (groups, tensors, evidence) → group name → (c,), a number a channel

    `kind` "transform": several looks. (model, weights, target, example) → masks.
    `kind` "regime": hooks in the training loop move the masks while it trains. (weights, target, course) → hooks.
    """

    name: str
    family: Family
    kind: Literal["score", "transform", "regime"]
    cuts: Literal["weights", "filters"]
    role: Literal["pruned", "control"]
    control: str  # the control of the same structure; "" for a control itself
    source: str
    cost: str
    where: str  # "module:function"
    help: str
    needs: tuple[Need, ...] = ()  # evidence that the function is handed
    rates: Literal["layer", "groups"] = "layer"
    scopes: tuple[Scope, ...] = ("layer", "global")  # what is compared with what; the first is the usual
    begins: Begins = "dense"  # the network that is pruned
    requires: tuple[Literal["batch norm"], ...] = ()  # of the network
    targets: tuple[float, ...] = ()  # the only sparsities there are
    nests: bool = True  # what goes at a sparsity goes at every higher one
    exact: bool = True  # as many elements go as were asked for
    refits: bool = False  # the layers that lose inputs are fitted again by least squares
    normalise: Normalise = "group"  # how one ranking over the network takes the scores of channels
    keeps_first: bool = False  # where every layer loses the same part, the first one stays whole
    page: str = ""  # what teaches it, where that is no file of this package

    def knows(self, scope: str) -> bool:
        """Can it be asked for this scope? A scan says how much of each layer goes for every score that rates layers."""
        layered = self.kind == "score" and "layer" in self.scopes
        by_layer = scope == "sensitivity" or (scope == "erk" and self.cuts == "weights")
        return scope in self.scopes or (layered and by_layer)
