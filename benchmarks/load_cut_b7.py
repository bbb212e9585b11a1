"""Loading a cut EfficientNet-B7 from its folder, against building, tracing and cutting it again.

Claim: at least 3 times as fast, and in no more memory than loading the dense network. Each measurement is a fresh
process with torch and timm imported beforehand (torch-pruning is part of cutting again); the other way starts from the
known kept filters and ends with the saved weights in place. The dense network lies in a folder of the same kind.

    python benchmarks/load_cut_b7.py [--rounds 5]
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import torch
from safetensors.torch import load_file

from _fresh import B7, CLASSES, OPTIONS, PX, alone, status, timed, told, verdict, where
from cut_b7 import cut
from secateur.models import saved, timm_zoo
from secateur.models.build import build

FASTER = 3
LABELS = tuple("abcdefghij")


def again(folder: Path) -> None:
    from secateur.pruning import channels

    model = build(B7, CLASSES, PX, options=OPTIONS)
    kept = json.loads((folder / "architecture.json").read_text())["kept"]
    channels.cut(model, kept, torch.zeros(1, 3, PX, PX))
    model.load_state_dict(load_file(folder / "weights.safetensors"))


def one(what: str, folder: Path) -> None:
    timm_zoo.timm()
    wall, own = timed(lambda: again(folder / "cut") if what == "again" else saved.load(folder / what))
    print(json.dumps({"wall": wall, "own": own, "peak": status("VmHWM")}))


def prepare(folder: Path) -> None:
    model = build(B7, CLASSES, PX, options=OPTIONS)
    for name in ("dense", "cut"):
        kept = cut(model)[1] if name == "cut" else None
        (folder / name).mkdir()
        about = {"backbone": B7, "labels": LABELS, "input_px": PX, "made": {}, "options": OPTIONS}
        saved.save(model, folder / name, kept=kept, **about)
    print("{}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--one", nargs=2, metavar=("WHAT", "FOLDER"), help="one measurement, in this process")
    given = parser.parse_args()
    if given.one:
        what, folder = given.one[0], Path(given.one[1])
        prepare(folder) if what == "prepare" else one(what, folder)
        return
    print(where())
    rounds = []
    with tempfile.TemporaryDirectory() as folder:
        alone(__file__, "--one", "prepare", folder)
        for number in range(given.rounds):
            order = ("cut", "again", "dense") if number % 2 else ("dense", "again", "cut")
            rounds.append({what: alone(__file__, "--one", what, folder) for what in order})
    for key, name in (("wall", "wall"), ("own", "processor")):
        ratios = [r["again"][key] / r["cut"][key] for r in rounds]
        middle = sorted(ratios)[len(ratios) // 2]
        print(
            f"{name} time: {told(ratios, '×', 1)} as fast, {told([r['cut'][key] for r in rounds], ' s')} against "
            f"{told([r['again'][key] for r in rounds], ' s')}; target {FASTER}× {verdict(middle >= FASTER)}"
        )
    cut_peak, dense_peak = ([r[what]["peak"] for r in rounds] for what in ("cut", "dense"))
    print(
        f"peak of the process: {told(cut_peak, ' MiB', 0)} against {told(dense_peak, ' MiB', 0)} for the dense one; "
        f"target no more {verdict(max(cut_peak) <= min(dense_peak))}"
    )


if __name__ == "__main__":
    main()
