"""Says what is on photos:  python predict.py PHOTO …   Needs numpy, Pillow and the run-time that runtime.py imports."""

import contextlib
import hashlib
import io
import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

HERE = Path(__file__).parent


def check() -> None:
    """Checksums are compared, so that a broken download does not answer."""
    for line in (HERE / "SHA256SUMS").read_text(encoding="utf-8").splitlines():
        digest, name = line.split(maxsplit=1)
        if not (HERE / name).is_file() or hashlib.sha256((HERE / name).read_bytes()).hexdigest() != digest:
            sys.exit(f"{name} was altered or truncated, or is gone: its checksum is another")


def seen(path: str, side: int, white: dict[str, Any]) -> tuple[Any, str]:
    """A photo as the model was trained to see it, (side, side, 3), and what there is to doubt, in words.

    Raises what Pillow raises, and ValueError for a photo of which rows are missing."""
    import depth

    import damage

    data, doubt = Path(path).read_bytes(), ""
    with Image.open(io.BytesIO(data)) as image:
        raw = depth.raw_mode(image)
        image.load()
        if image.format in ("JPEG", "MPO") and (why := damage.of_jpeg(data)):
            raise ValueError(why)
        shown = image
        if raw:  # more than eight bits a channel
            made, doubt = depth.shown(depth.deep(image, raw, data, white["whole"]), white["whole"], white["floats"])
            shown = made or image
            shown.info["exif"] = image.getexif().tobytes()
        upright = ImageOps.exif_transpose(shown)
    if upright.has_transparency_data:  # on white, and small first, so that hidden colours do not bleed in
        front = upright.convert("RGBA").resize((side, side), Image.Resampling.BILINEAR)
        upright = Image.alpha_composite(Image.new("RGBA", (side, side), "white"), front)
    return np.array(upright.convert("RGB").resize((side, side), Image.Resampling.BILINEAR, reducing_gap=3)), doubt


def main() -> None:
    if isinstance(sys.stdout, io.TextIOWrapper):  # a terminal of Windows may lack the letters of a class
        sys.stdout.reconfigure(errors="backslashreplace")
    check()
    import runtime

    answer, side = runtime.load(HERE)  # (1, side, side, 3) uint8 RGB → (1, classes) logits
    labels = json.loads((HERE / "labels.json").read_text(encoding="utf-8"))
    white = {"whole": 0, "floats": 0.0}  # of photos of more than eight bits a channel; 0: not known
    if (HERE / "depth.json").is_file():
        white |= json.loads((HERE / "depth.json").read_text(encoding="utf-8"))
    for path in sys.argv[1:] or sys.exit(__doc__):
        try:
            pixels, doubt = seen(path, side, white)
        except Exception as error:  # Pillow's plugins raise a dozen types on broken files
            print(f"{path}: cannot be read: {error}")
            continue
        logits = answer(pixels[None])[0]
        chances = np.exp(logits - logits.max())
        best = int(chances.argmax())
        less = f" (doubt: {doubt})" if doubt else ""
        print(f"{path}: {labels[best]} {chances[best] / chances.sum():.1%}{less}")


if __name__ == "__main__":
    with contextlib.suppress(ImportError):  # HEIC, where it is installed
        import pillow_heif

        pillow_heif.register_heif_opener()
    try:
        main()
        sys.stdout.flush()
    except BrokenPipeError:  # `| head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
