"""How far seeds lie apart: what the stated prior of one seed rests on (secateur.measure.crossed).

    python benchmarks/seed_spread.py studies/results/animals10.report.json studies/results/methods.report.json

Of every paired difference of at most five points in a kept report of several seeds: the standard deviation between its
seeds, photos included; root mean square and median, of differences to dense and to random pruning.
"""

from __future__ import annotations

import json
import math
import re
import sys
from pathlib import Path
from statistics import median, stdev

from scipy import special

NEAR = 5.0  # points


def of_seeds(claim: dict) -> float | None:
    """Standard deviation between seeds, points; of reports of version 0.1 from the interval of Student's t that they
    had."""
    if len(claim.get("by_seed") or ()) > 1:
        return stdev(claim["by_seed"])
    texts = [f"paired t over seeds: [{claim['difference']['low']}, {claim['difference']['high']}]"]
    texts = texts if claim["difference"]["how"].startswith("paired t") else claim["difference"]["doubts"]
    found = [re.search(r"paired t over seeds: \[([-\d.]+), ([-\d.]+)\]", text) for text in texts]
    ends = next((m.groups() for m in found if m), None)
    if ends is None:
        return None
    seeds = 3
    return (float(ends[1]) - float(ends[0])) / 2 / (float(special.stdtrit(seeds - 1, 0.975)) / math.sqrt(seeds))


def main(files: list[str]) -> None:
    count = 0
    for file in files:
        claims = json.loads(Path(file).read_text(encoding="utf-8"))["claims"]
        near = [c for c in claims if abs(c["difference"]["value"]) <= NEAR and "int8" not in c["subject"].lower()]
        for name, word in (("to dense", "dense-longer"), ("to random", "random")):
            spreads = [s for s in (of_seeds(c) for c in near if word in c["against"]) if s is not None]
            count += len(spreads)
            if spreads:
                rms = math.sqrt(sum(s * s for s in spreads) / len(spreads))
                print(f"{file}: {len(spreads)} {name}: root mean square {rms:.2f}, median {median(spreads):.2f} points")
    print(f"{count} differences")


if __name__ == "__main__":
    main(sys.argv[1:])
