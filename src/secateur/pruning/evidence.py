"""What is kept of what gradients and activations say, for every method that asks.

Pieces, each a table from a name to a tensor (o filters, i and c channels, k kernel side):

    squares   weight → its shape: E[(∂L/∂w)²], the diagonal of the empirical Fisher matrix     (need "gradients")
    gates     batch norm → (c,): E[(γ ∂L/∂γ + β ∂L/∂β)²], of a gate behind it that stands at 1
    filters   layer → (o,): E[(Σ w ∂L/∂w + b ∂L/∂b)²], of a gate behind the layer itself
    sizes     weight → its shape: E[|∂L/∂w|]                                                   (need "slopes")
    means     weight → its shape: E[∂L/∂w], batch norms as in training                         (need "connections")
    inputs    weight → (i, k, k) or (i,): E[x²] of what each weight is multiplied with         (need "inputs")
    removals  weight → its shape: what its going costs the layer when its turn comes, see `obs`  (need "removals")
    bends     weight → its shape: E[H] E[∂L/∂w], the Hessian times the gradient                (need "bends")
    alive     weight → (i, k, k) or (i,): E[x ≠ 0] of what each weight is multiplied with      (need "alive")
    grams     group → (c, c): E[z zᵀ], z the channels' shares of an output of the next layer   (need "samples")

E is over photos; for what layers are given, over places, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from safetensors.torch import load_file, save_file
from torch import Tensor

FILE = "evidence.safetensors"
Evidence = dict[str, dict[str, Tensor]]  # piece → name → tensor


def save(evidence: Mapping[str, Mapping[str, Tensor]], folder: Path) -> None:
    """evidence.safetensors."""
    flat = {f"{piece}/{name}": t.cpu().contiguous() for piece, own in evidence.items() for name, t in own.items()}
    save_file(flat, folder / FILE)


def load(*folders: Path) -> Evidence:
    """As saved, of all of them together."""
    found: Evidence = {}
    for folder in folders:
        for name, tensor in load_file(folder / FILE).items():
            piece, _, own = name.partition("/")
            found.setdefault(piece, {})[own] = tensor
    return found


def of(evidence: Mapping[str, Mapping[str, Tensor]], name: str) -> dict[str, Tensor]:
    """All pieces of one layer's weight."""
    return {piece: own[name] for piece, own in evidence.items() if name in own}
