"""What of a network can be pruned, and why the rest cannot."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from torch import Tensor, nn

from secateur.errors import NotKnown

Layer = nn.Conv2d | nn.Linear


def layers(model: nn.Module) -> Iterator[tuple[str, Layer]]:
    """Convolutions and dense layers, in the order of the network."""
    for name, module in model.named_modules():
        if isinstance(module, Layer):
            yield name, module


def classifier(model: nn.Module) -> str:
    """The last dense layer: its outputs are the classes."""
    dense = [name for name, module in layers(model) if isinstance(module, nn.Linear)]
    return dense[-1] if dense else ""


def weights(model: nn.Module, spare: Iterable[str] = ()) -> dict[str, Tensor]:
    """Parameter name → weight of every convolution and dense layer that is not spared; biases and batch-norm
    are never pruned. Raises NotKnown for a spared layer that is not there."""
    found = dict(layers(model))
    spared = set(spare)
    for name in spared:
        if name not in found:
            raise NotKnown("layer to spare", name, found)
    return {f"{name}.weight": module.weight for name, module in found.items() if name not in spared}


def weights_named(model: nn.Module, names: Iterable[str]) -> dict[str, Tensor]:
    """The parameters of these names."""
    own: dict[str, Tensor] = dict(model.named_parameters())
    return {name: own[name] for name in names}


def why(model: nn.Module, name: str, module: nn.Module) -> str:
    """In words: what can be pruned of this module, or why nothing can."""
    if isinstance(module, nn.Conv2d):
        return "weights, filters"
    if isinstance(module, nn.Linear):
        if name == classifier(model):
            return "weights; not its units: they are the classes"
        return "weights, hidden units"
    if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
        return "no: scale and shift follow the layer before"
    return "no: has no weights"
