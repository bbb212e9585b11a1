"""One seed out of several numbers."""

from __future__ import annotations

import torch


def mix(*numbers: int) -> int:
    """In [0, 2⁶³), the same for the same numbers in the same order. SplitMix64's finaliser."""
    h = 0
    for number in numbers:
        h = (h ^ number) + 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFF
        h = (h ^ h >> 30) * 0xBF58476D1CE4E5B9 & 0xFFFFFFFFFFFFFFFF
        h = (h ^ h >> 27) * 0x94D049BB133111EB & 0xFFFFFFFFFFFFFFFF
        h ^= h >> 31
    return h & 0x7FFFFFFFFFFFFFFF


def sow(seed: int, device: torch.device) -> None:
    """What torch.manual_seed does for one device; that formats three stack traces for those that are not there, a
    tenth of a step of a head on features."""
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        torch.cuda.manual_seed(seed)
