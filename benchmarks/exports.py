"""The ONNX file of a network that is built like one before it, against tracing it again; the same bytes.

Claim: at least ten times as fast. Interleaved rounds, other weights each time; processor time, since others work here.

    python benchmarks/exports.py [--networks cnn tf_efficientnet_lite0] [--rounds 3]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from statistics import median

from _fresh import where
from secateur.forms import onnx
from secateur.models import saved
from secateur.models.build import build

NETWORKS = {"cnn": (32, None), "tf_efficientnet_lite0": (96, {"pool": "avg", "head": "linear"})}


def seconds(name: str, seed: int, file: Path, built: str) -> float:
    px, options = NETWORKS[name]
    model = build(name, 10, px, seed, options)
    began = time.process_time()
    onnx.export(model, saved.preprocess_for(px), [str(n) for n in range(10)], file, {}, built)
    return time.process_time() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    print(where())
    with tempfile.TemporaryDirectory() as folder:
        again, kept = Path(folder, "again.onnx"), Path(folder, "kept.onnx")
        for name in given.networks:
            seconds(name, 0, kept, name)  # the first is traced
            pairs = []
            for seed in range(1, given.rounds + 1):
                pairs.append((seconds(name, seed, again, ""), seconds(name, seed, kept, name)))
                assert again.read_bytes() == kept.read_bytes()
            ratios = sorted(a / b for a, b in pairs)
            traced, alike = (median(side) for side in zip(*pairs, strict=True))
            print(
                f"{name}: {median(ratios):.1f}× [{ratios[0]:.1f}, {ratios[-1]:.1f}], "
                f"{traced:.2f} against {alike:.2f} s, n {len(pairs)}"
            )


if __name__ == "__main__":
    main()
