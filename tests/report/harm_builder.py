"""Who pays, in the study of results_builder: one class that certainly loses, photos of hostile names, curves."""

from __future__ import annotations

import base64

import numpy as np
import simplejpeg
from results_builder import CLASSES, TEST

from secateur.records import Churn, ClassChange, Comparison, Harm, Measured, Paid, Robustness, RobustnessRow, Victim

KINDS = ("noise", "blur", "brightness", "contrast", "jpeg", "occlusion", "night")
DENSE = "cnn/dense-longer"
NEEDED = (5000, 5200, 400, 4800, 5100, None, 5000, 5000, 5000, 11_000)  # photos that would tell; None: seeds
CHOSEN = ("cnn/magnitude/0.5", "cnn/filter-l1/0.3")


def harm() -> Harm:
    configs = ("cnn/dense", DENSE, *CHOSEN, "cnn/filter-l1/0.9")
    return Harm(
        backbone="cnn",
        paid=tuple(Paid(c, DENSE, tuple(change(i, loses=i == 0) for i in range(len(CLASSES)))) for c in CHOSEN),
        victims=tuple(victim(i) for i in range(30)),
        victims_in_all=41,
        dense=3,
        pruned=36,
        robustness=tuple(robustness(c, 0.77 - 0.05 * i) for i, c in enumerate(configs)),
        churn=Churn(pairs=6, dense=31.5, least=28, most=36, of_pruned=38.0),
    )


def change(i: int, loses: bool) -> ClassChange:
    points = -12.0 if loses else -0.4
    found = Measured(points, "points", points - 3, points + 3, TEST[i], "bootstrap over groups of photos")
    compared = Comparison("pruned", "dense", found, 1.0, "worse" if loses else "not shown", 0.001 if loses else 1.0)
    return ClassChange(CLASSES[i], TEST[i], 0.8, compared, needed=NEEDED[i])


def victim(i: int) -> Victim:
    pixels = np.full((16, 16, 3), 8 * i, np.uint8)
    picture = base64.b64encode(simplejpeg.encode_jpeg(pixels)).decode("ascii") if i < 24 else ""
    return Victim(i, i % 10, 1 - i / 100, (i + 1) % 10, f'raw-img/"><script>alert({i})</script>.jpeg', picture)


def robustness(config: str, clean: float) -> Robustness:
    def share(value: float) -> Measured:
        return Measured(value, "fraction", value - 0.03, value + 0.03, 500, "Wilson over photos")

    rows = [RobustnessRow("", 0, share(clean))]
    rows += [RobustnessRow(kind, s, share(clean - 0.1 * s)) for kind in KINDS for s in range(1, 6)]
    mean = Measured(clean - 0.3, "fraction", clean - 0.32, clean - 0.28, 500, "bootstrap over groups of photos")
    if config in ("cnn/dense", DENSE):
        return Robustness(config, tuple(rows), mean)
    paired = Measured(-5.0, "points", -6.0, -4.0, 500, "bootstrap over groups of photos")
    return Robustness(config, tuple(rows), mean, DENSE, paired)
