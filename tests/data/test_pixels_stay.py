"""Whole photos are decoded to the bytes that they always were: kept results rest on them."""

from __future__ import annotations

import hashlib
import io

import numpy as np
import pytest
from PIL import Image

from secateur.data.images import square

# Made by the version before rows were looked for and depths were kept (0.2.0), with the pinned libraries.
OLD = {
    "jpeg": "ea107643508bd71c",
    "jpeg, turned": "4d701a46b03a38a6",
    "jpeg, progressive": "e1b6cfb8a1490782",
    "jpeg, restarts": "ea107643508bd71c",
    "jpeg, grey": "82d0f0ff7d2f1b8e",
    "jpeg, CMYK": "6bf21070964425fe",
    "jpeg, wide": "7a0f0917ac1799e1",
    "jpeg, wide and grey": "c5627f40c4fc5f54",
    "mpo": "ea107643508bd71c",
    "png": "927ba2dbd22c4f78",
    "png, alpha": "0d5b1e5c4d8b4000",
    "png, palette": "23ff8ed45b8b4a3a",
    "png, 16 bits": "7b835f09f97a6dc5",
    "tiff, 16 bits": "7b835f09f97a6dc5",
    "tiff, floats": "7b835f09f97a6dc5",
    "webp": "50ffa1c1478502e0",
    "gif": "f6fba43b4c3c4ca8",
    "bmp": "927ba2dbd22c4f78",
}


def saved(image: Image.Image, kind: str, **options) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def photos() -> dict[str, bytes]:
    rng = np.random.default_rng(7)
    small = Image.fromarray(rng.integers(0, 256, (9, 12, 3), dtype=np.uint8))
    image = small.resize((500, 380), Image.Resampling.BICUBIC)
    grey = np.asarray(image.convert("L")).astype(np.uint16)
    alpha = image.copy()
    alpha.putalpha(Image.linear_gradient("L").resize(image.size))
    wide = image.resize((1600, 90))
    turned = Image.Exif()
    turned[0x0112] = 8
    return {
        "jpeg": saved(image, "JPEG"),
        "jpeg, turned": saved(image, "JPEG", exif=turned),
        "jpeg, progressive": saved(image, "JPEG", progressive=True, quality=95, subsampling=0),
        "jpeg, restarts": saved(image, "JPEG", restart_marker_rows=1),
        "jpeg, grey": saved(image.convert("L"), "JPEG"),
        "jpeg, CMYK": saved(image.convert("CMYK"), "JPEG"),
        "jpeg, wide": saved(wide, "JPEG"),
        "jpeg, wide and grey": saved(wide.convert("L"), "JPEG"),
        "mpo": saved(image, "MPO", save_all=True, append_images=[wide]),
        "png": saved(image, "PNG"),
        "png, alpha": saved(alpha, "PNG"),
        "png, palette": saved(image.quantize(64), "PNG"),
        "png, 16 bits": saved(Image.fromarray(grey * 257), "PNG"),
        "tiff, 16 bits": saved(Image.fromarray(grey * 257), "TIFF"),
        "tiff, floats": saved(Image.fromarray((grey / 255).astype(np.float32)), "TIFF"),
        "webp": saved(image, "WEBP"),
        "gif": saved(image, "GIF"),
        "bmp": saved(image, "BMP"),
    }


def digest(data: bytes) -> str:
    """As a scan sees it, and as two networks do."""
    h = hashlib.sha256()
    for px, grey in ((32, True), (32, False), (100, False)):
        h.update(square(data, px, grey=grey).pixels.tobytes())
    return h.hexdigest()[:16]


@pytest.mark.parametrize("name", photos())
def test_pixels_of_whole_photos_are_the_old_ones(name: str):
    assert digest(photos()[name]) == OLD[name]
