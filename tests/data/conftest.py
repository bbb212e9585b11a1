"""Pictures with texture, unlike each other, for tests that need no real photos."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


def draw(seed: int, width: int = 96, height: int = 72) -> Image.Image:
    """A smooth random picture: scaled decoding and recoding change it little."""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 7, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


@pytest.fixture
def picture() -> Callable[..., Image.Image]:
    return draw


@pytest.fixture
def folder_of(tmp_path: Path) -> Callable[..., Path]:
    """Writes class folders of pictures: folder_of({"cat": 4, "dog": 5}) → their root."""

    def make(counts: dict[str, int], root: str = "photos", suffix: str = ".jpg") -> Path:
        seed = 0
        for name, n in counts.items():
            (tmp_path / root / name).mkdir(parents=True, exist_ok=True)
            for i in range(n):
                draw(seed).save(tmp_path / root / name / f"{i:03d}{suffix}", quality=92)
                seed += 1
        return tmp_path / root

    return make
