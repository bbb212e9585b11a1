"""Says what is on photos:  python predict.py PHOTO …   Needs numpy, Pillow and onnxruntime."""

import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image, ImageOps

HERE = Path(__file__).parent


def content() -> bytes:
    """The model as ONNX; its checksum is compared, so that a broken download does not answer."""
    name = "model.packed" if (HERE / "model.packed").is_file() else "model.onnx"
    data = (HERE / name).read_bytes()
    sums = {name: digest for digest, name in map(str.split, (HERE / "SHA256SUMS").read_text().splitlines())}
    if hashlib.sha256(data).hexdigest() != sums[name]:
        sys.exit(f"{name} was altered or truncated: its checksum is another")
    if name == "model.packed":
        import packed

        return bytes(packed.unpack(data))
    return data


def main() -> None:
    session = onnxruntime.InferenceSession(content(), providers=["CPUExecutionProvider"])
    labels = json.loads((HERE / "labels.json").read_text(encoding="utf-8"))
    side = session.get_inputs()[0].shape[1]
    for path in sys.argv[1:] or sys.exit(__doc__):
        try:
            with Image.open(path) as image:
                upright = ImageOps.exif_transpose(image).convert("RGB")
                pixels = np.asarray(upright.resize((side, side), Image.Resampling.BILINEAR, reducing_gap=3))
        except (OSError, ValueError, Image.DecompressionBombError) as error:
            print(f"{path}: cannot be read: {error}")
            continue
        logits = session.run(None, {"photos": pixels[None]})[0][0]
        chances = np.exp(logits - logits.max())
        best = int(chances.argmax())
        print(f"{path}: {labels[best]} {chances[best] / chances.sum():.1%}")


if __name__ == "__main__":
    main()
