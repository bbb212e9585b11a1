"""One seed out of several numbers."""

from __future__ import annotations


def mix(*numbers: int) -> int:
    """In [0, 2⁶³), the same for the same numbers in the same order. SplitMix64's finaliser."""
    h = 0
    for number in numbers:
        h = (h ^ number) + 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFF
        h = (h ^ h >> 30) * 0xBF58476D1CE4E5B9 & 0xFFFFFFFFFFFFFFFF
        h = (h ^ h >> 27) * 0x94D049BB133111EB & 0xFFFFFFFFFFFFFFFF
        h ^= h >> 31
    return h & 0x7FFFFFFFFFFFFFFF
