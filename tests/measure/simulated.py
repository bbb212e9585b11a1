"""Studies drawn by chance, whose truth is known: how often intervals hold it, and how often words are wrong.

`python tests/measure/simulated.py` prints the table that docs/numbers.md quotes.

Letters: R studies, S seeds, n photos, G groups of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from secateur.measure import crossed
from secateur.measure.calibration import reliability

CONTESTED = 0.25  # of the photos two networks may differ on: others both have right, or both wrong
CHUNK = 4_000_000  # numbers at a time


@dataclass(frozen=True)
class Drawn:
    """R studies: the difference that each saw, in points, and what it knows of its noise."""

    value: np.ndarray  # (R,)
    noise: crossed.Noise

    def half(self):
        return self.noise.half()


def studies(rounds, seeds, n, size, spread, truth, rng, trained=True):
    """Two networks whose true difference is `truth` points and whose differences vary by `spread` points between seeds
    (a number, or one a study), on n photos in groups of `size`. Some groups one network likes better than the other,
    whatever its seed; within a group answers are tied."""
    groups = n // size
    spread = np.broadcast_to(np.asarray(spread, float), (rounds,))
    step = max(1, CHUNK // (seeds * groups * size))
    parts = [
        _some(min(step, rounds - at), seeds, groups, size, spread[at : at + step], truth, rng)
        for at in range(0, rounds, step)
    ]
    values, photos, interaction, between = (np.concatenate(part) for part in zip(*parts, strict=True))
    found = crossed.Noise(photos, interaction, between, seeds, groups)
    return Drawn(values, crossed.with_prior(found) if trained else found)


def _some(rounds, seeds, groups, size, spread, truth, rng):
    contested = round(CONTESTED * groups)
    share = contested / groups
    liked = rng.random((rounds, 1, contested, 1), np.float32) < 0.5  # which of the two does better on this group
    shift = spread[:, None] / 100 / share * rng.standard_normal((rounds, seeds))
    chance_a = np.where(liked, 0.8, 0.2).astype(np.float32) + np.float32(truth / 100 / share)
    chance_a = chance_a + shift[:, :, None, None].astype(np.float32)
    chance_b = np.where(liked, 0.2, 0.8).astype(np.float32)
    # half of a group's answers follow one draw, so that they are tied
    one = rng.random((2, rounds, seeds, contested, 1), np.float32)
    own = rng.random((2, rounds, seeds, contested, size), np.float32)
    tied = rng.random((rounds, 1, contested, size), np.float32) < 0.5 if size > 1 else np.zeros((1, 1, 1, 1), bool)
    a = np.where(tied, one[0], own[0]) < chance_a
    b = np.where(tied, one[1], own[1]) < chance_b
    d = a.astype(np.int8) - b  # (R, S, contested, size)
    sums = np.zeros((rounds, seeds, groups))
    sums[:, :, :contested] = d.sum(axis=3)
    n = groups * size
    mean = sums.sum(axis=2) / n  # (R, S)
    table = (mean[:, :, None] * n - sums) / (n - size) - mean[:, :, None]
    noise = crossed.noise(100 * table, 100 * mean)
    squares = (d.mean(axis=1) ** 2).sum(axis=(1, 2))
    effect = crossed.design_effect(sums.mean(axis=1), squares, np.full(groups, size))
    pair = crossed.made_up_pair(sums.mean(axis=1), effect, n)
    return 100 * mean.mean(axis=1), noise.photos + 100**2 * pair, noise.interaction, noise.seeds


def rates(rounds, seeds, n, size, spread, rng, margin=1.0):
    """(coverage, false "better", false "as good as") of single comparisons: no truth, and a true loss of the margin."""
    same = studies(rounds, seeds, n, size, spread, 0.0, rng)
    lost = studies(rounds, seeds, n, size, spread, -margin, rng)
    covered = np.abs(same.value) <= same.half()
    held = np.abs(lost.value + margin) <= lost.half()
    better = same.value > same.half()
    as_good = lost.value - lost.half() > -margin
    return float((covered.mean() + held.mean()) / 2), float(better.mean()), float(as_good.mean())


def of_the_prior(rounds, rng, times=1.0):
    """Spreads between seeds, drawn from the stated prior: a scaled inverse χ²."""
    return times * crossed.PRIOR_POINTS * np.sqrt(crossed.PRIOR_DF / rng.chisquare(crossed.PRIOR_DF, rounds))


def calibration(rounds, n, rng, off=0.05):
    """How often the interval of the expected calibration error holds a network's true one: over-sure by `off`
    everywhere."""
    hits = 0
    for _ in range(rounds):
        sure = rng.uniform(0.5, 1.0, n)
        right = rng.random(n) < sure - off
        found = reliability(np.stack([sure, 1 - sure], 1), np.where(right, 0, 1)).ece
        hits += found.low <= off <= found.high
    return hits / rounds


if __name__ == "__main__":
    rng = np.random.default_rng(0)
    print("seeds  photos  in a group  spread   covered  false better  false as good as")
    for seeds in (1, 2, 3, 5):
        for n in (300, 1000, 4000):
            for size in (1, 8):
                kinds = {"prior": of_the_prior(4000, rng), "2 × prior": of_the_prior(4000, rng, 2)}
                for name, spread in kinds.items() if seeds == 1 else {str(s): s for s in (0, 0.6, 1.2)}.items():
                    row = rates(4000, seeds, n, size, spread, rng)
                    print(
                        f"{seeds:5}  {n:6}  {size:10}  {name:>9}   {row[0]:.3f}    {row[1]:.3f}         {row[2]:.3f}",
                        flush=True,
                    )
    for n in (300, 1000, 4000):
        print(f"calibration error of {n} photos: covered {calibration(300, n, rng):.2f}", flush=True)
