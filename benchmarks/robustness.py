"""Photos made worse in 35 ways, six files over 2,000 of them: how many plain evaluations does that cost?

    python benchmarks/robustness.py --photos raw-img

Six EfficientNet-Lite0 files at 96 px (random weights: time does not depend on them). A plain evaluation is all six
files over the same decoded photos, as they are, timed before and after; the target is at most 40 of them.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np

from secateur.data.pixels import decode
from secateur.forms import onnx, runtime
from secateur.measure.robustness import BATCH, robustness
from secateur.models import saved
from secateur.models.build import build

MOST = 40.0
FILES = 6


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, required=True, help="a folder of class folders")
    parser.add_argument("--n", type=int, default=2000)
    parser.add_argument("--px", type=int, default=96)
    asked = parser.parse_args()
    paths = sorted(p for p in asked.photos.glob("*/*") if p.suffix.lower() in (".jpg", ".jpeg", ".png", ".webp"))
    every = np.linspace(0, len(paths) - 1, asked.n).astype(int)
    pixels = np.stack([decode(paths[i], asked.px) for i in every])
    labels = np.zeros(len(pixels), np.int64)
    with tempfile.TemporaryDirectory() as folder:
        files = {}
        for i in range(FILES):
            model = build("tf_efficientnet_lite0", 10, asked.px, i, {"pool": "avg", "head": "linear"})
            path = Path(folder) / f"{i}.onnx"
            onnx.export(model, saved.preprocess_for(asked.px), [str(c) for c in range(10)], path, {})
            files[f"file {i}"] = runtime.load(path).logits

        def plain() -> float:
            began = time.perf_counter()
            for at in range(0, len(pixels), BATCH):
                for answer in files.values():
                    answer(pixels[at : at + BATCH]).argmax(1)
            return time.perf_counter() - began

        plain()
        before = plain()
        began = time.perf_counter()
        robustness(files, pixels, np.arange(len(pixels)), labels)
        took = time.perf_counter() - began
        after = plain()
    one = (before + after) / 2
    print(f"{len(pixels):,} photos at {asked.px} px, {FILES} files: {took:.0f} s; a plain evaluation {one:.1f} s")
    print(
        json.dumps({"evaluations": took / one, "with_before": took / before, "with_after": took / after, "most": MOST})
    )
    return 0 if took / one <= MOST else 1


if __name__ == "__main__":
    raise SystemExit(main())
