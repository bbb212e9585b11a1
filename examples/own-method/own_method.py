"""A method of one's own, as a package beside Secateur: filters whose weights hardly differ go first.

    pip install ./examples/own-method
    secateur methods filter-spread
    secateur study photos --methods filter-spread

A blurring filter, all of whose weights are alike, says less than one that looks for something.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from secateur.methods import Method

if TYPE_CHECKING:  # a list of methods needs no torch
    from torch import Generator, Tensor

ROW = Method(
    name="filter-spread",
    family="structured",
    kind="score",
    cuts="filters",
    role="pruned",
    control="filter-random",
    source="an example",
    cost="one look at the weights",
    where="own_method:spread",
    help="Cut the filters whose weights differ least.",
    page="""# filter-spread

## Idea

A filter whose weights are all alike only blurs. Filters of least standard deviation go.

## Equation

`s(F) = std(w)` over the weights of a filter.

## Use it when

You want to see how a method of your own is added.

## It hurts when

A layer needs a blur.
""",
)


def spread(weight: Tensor, generator: Generator) -> Tensor:
    """Standard deviation of each filter's weights: (o, …) → (o,)."""
    return weight.detach().flatten(1).std(dim=1)
