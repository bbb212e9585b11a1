"""`latency = 0.5` on EfficientNet-Lite0: the cut that a study finds, measured, beside the same multiply-adds with
widths as they fall.

    python benchmarks/latency_target.py --photos raw-img

Weights are the packaged ones; a head is trained on 1,200 photos, all of the network for one epoch, and gradients are
gathered, as any study does; then the search runs alone. About eight minutes on two cores; use a quiet machine.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from secateur import studying
from secateur.records import Measured
from secateur.study_file import make

TARGET = 1.8  # at least, where half of the time was asked for


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, required=True, help="a folder of class folders")
    parser.add_argument("--px", type=int, default=224)
    parser.add_argument("--latency", type=float, default=0.5)
    asked = parser.parse_args()
    values = {
        "name": "latency-target",
        "folder": str(asked.photos.resolve()),
        "photos": 1200,
        "backbone": "tf_efficientnet_lite0",
        "weights": "package",
        "input_px": asked.px,
        "epochs": 5,
        "tune_epochs": 1,
        "retrain_epochs": 1,
        "seeds": [0],
        "controls": False,
        "bench": 0,
        "robustness": 0,
        "methods": [{"name": "filter-taylor", "scope": "global", "latency": [asked.latency], "round": "auto"}],
    }
    with tempfile.TemporaryDirectory() as runs:
        results = studying.run(make(values, "latency_target.py"), Path(runs))
    (found,) = results.searches
    rows = {"taken": found.found, "the same work, widths as they fall": found.unrounded}
    rows |= {f"tried {i}": t for i, t in enumerate(found.tried, start=1)}
    for name, t in rows.items():
        if t:
            print(f"{name:<36} multiples of {t.multiple:<3} {t.macs:.1%} of the work  {_said(t.speedup)}")
    print("doubts:", "; ".join(found.doubts) or "none")
    speedup = found.found.speedup
    print(json.dumps({"speedup": speedup.value, "low": speedup.low, "high": speedup.high, "target": TARGET}))
    return 0 if speedup.value >= TARGET else 1


def _said(m: Measured) -> str:
    return f"{m.value:.2f} [{m.low:.2f}, {m.high:.2f}]"


if __name__ == "__main__":
    raise SystemExit(main())
