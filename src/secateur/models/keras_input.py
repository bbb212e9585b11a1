"""What a Keras network does to its pixels before its first layer with a purpose, as one mean and one deviation.

Keras's EfficientNet divides by 255, subtracts a mean and divides by the root of a variance; files of ImageNet weights
hold the deviation in the variance's place (tensorflow#49930), and later releases divide by the root of the deviation
once more, which mends it. All such layers are affine in a channel, so that whatever stands there is two numbers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from secateur.errors import UserError
from secateur.models.keras_layers import Layer, misfit
from secateur.models.keras_walk import Walk

SMALLEST = 1e-7  # Keras's floor under the root of a variance
BYTE = 255
STORED = Callable[[Layer], Sequence[Sequence[float]]]  # a layer's weights as they lie in the file


@dataclass(frozen=True, slots=True)
class Normalisation:
    """x = (pixel / 255 − mean) / std, a channel; and what it was made from, in words."""

    mean: tuple[float, ...]
    std: tuple[float, ...]
    found: tuple[str, ...]


def normalisation(on: Walk, stored: STORED, bare: bool) -> Normalisation:
    """Step over the layers that scale and shift, to the first that does not.

    bare: a network with none of them is taken as fed with pixels in [0, 1], as the study fed its CNN.
    Otherwise pixels are 0 to 255, as files hold them; a first layer that does not scale bytes leaves that open.

    Raises UserError where the file does not say what the network was fed.
    """
    slope, shift = [1.0] * 3, [0.0] * 3  # x = slope · pixel + shift
    found: list[str] = []
    while (layer := on.next()) and layer.kind in ("Rescaling", "Normalization"):
        on.step(layer.kind)
        a, b, words = _rescaling(layer) if layer.kind == "Rescaling" else _normalization(layer, stored)
        if not found and (layer.kind == "Normalization" or max(a) > 0.1):
            raise misfit(
                layer, "it does not say if photos come as 0 to 255 or as 0 to 1; expected Rescaling(1/255) first"
            )
        slope = [s * k for s, k in zip(slope, a, strict=True)]
        shift = [s * k + c for s, k, c in zip(shift, a, b, strict=True)]
        found.append(words)
    if not found:
        if not bare:
            raise UserError("no layer rescales its input: how its photos were normalised cannot be told from the file")
        return Normalisation((0.0,) * 3, (1.0,) * 3, ("no layer; taken as fed with pixels in [0, 1]",))
    std = tuple(1 / (s * BYTE) for s in slope)
    mean = tuple(-b * d + 0.0 for b, d in zip(shift, std, strict=True))
    return Normalisation(mean, std, tuple(found))


def _rescaling(layer: Layer) -> tuple[list[float], list[float], str]:
    scale, offset = (_three(layer, layer.config.get(key, default)) for key, default in (("scale", 1), ("offset", 0)))
    if min(scale) <= 0:
        raise misfit(layer, f"scale is {min(scale)}, expected more than 0")
    return scale, offset, f"{layer.name}: × {_words(scale)}" + (f" + {_words(offset)}" if any(offset) else "")


def _normalization(layer: Layer, stored: STORED) -> tuple[list[float], list[float], str]:
    if layer.config.get("invert"):
        raise misfit(layer, "invert is True, expected False")
    axis = layer.config.get("axis")
    if axis not in (-1, 3, [-1], [3], None, []):
        raise misfit(layer, f"axis is {axis}, expected the channels")
    mean, variance = layer.config.get("mean"), layer.config.get("variance")
    if mean is None:
        mean, variance = stored(layer)[:2]
    mean, variance = _three(layer, mean), _three(layer, variance)
    if min(variance) < 0:
        raise misfit(layer, f"its variance is {min(variance)}")
    deviation = [max(math.sqrt(v), SMALLEST) for v in variance]
    words = f"{layer.name}: − {_words(mean)}, ÷ √{_words(variance)}"
    return [1 / d for d in deviation], [-m / d for m, d in zip(mean, deviation, strict=True)], words


def _three(layer: Layer, given: Any) -> list[float]:
    """A number a channel out of a number, a list of any depth, or the dict that Keras writes for an array."""
    flat = list(_flat(given))
    if len(flat) not in (1, 3) or not all(isinstance(x, int | float) and math.isfinite(x) for x in flat):
        raise misfit(layer, f"{str(given)[:60]} is no number a channel")
    return [float(x) for x in flat] * (3 // len(flat))


def _flat(given: Any) -> Any:
    if isinstance(given, Mapping):
        yield from _flat(given.get("config", given.get("value")))
    elif isinstance(given, list | tuple):
        for one in given:
            yield from _flat(one)
    else:
        yield given


def _words(values: Sequence[float]) -> str:
    short = [f"{v:.4g}" for v in values]
    return short[0] if len(set(short)) == 1 else f"({', '.join(short)})"
