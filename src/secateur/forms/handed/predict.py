"""Says what is on photos:  python predict.py PHOTO …   Needs numpy, Pillow and the run-time that runtime.py imports."""

import hashlib
import io
import json
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

HERE = Path(__file__).parent


def check() -> None:
    """Checksums are compared, so that a broken download does not answer."""
    for line in (HERE / "SHA256SUMS").read_text(encoding="utf-8").splitlines():
        digest, name = line.split(maxsplit=1)
        if not (HERE / name).is_file() or hashlib.sha256((HERE / name).read_bytes()).hexdigest() != digest:
            sys.exit(f"{name} was altered or truncated, or is gone: its checksum is another")


def main() -> None:
    if isinstance(sys.stdout, io.TextIOWrapper):  # a terminal of Windows may lack the letters of a class
        sys.stdout.reconfigure(errors="backslashreplace")
    check()
    import runtime

    answer, side = runtime.load(HERE)  # (1, side, side, 3) uint8 RGB → (1, classes) logits
    labels = json.loads((HERE / "labels.json").read_text(encoding="utf-8"))
    for path in sys.argv[1:] or sys.exit(__doc__):
        try:
            with Image.open(path) as image:
                upright = ImageOps.exif_transpose(image).convert("RGB")
                pixels = np.array(upright.resize((side, side), Image.Resampling.BILINEAR, reducing_gap=3))
        except (OSError, ValueError, Image.DecompressionBombError) as error:
            print(f"{path}: cannot be read: {error}")
            continue
        logits = answer(pixels[None])[0]
        chances = np.exp(logits - logits.max())
        best = int(chances.argmax())
        print(f"{path}: {labels[best]} {chances[best] / chances.sum():.1%}")


if __name__ == "__main__":
    main()
