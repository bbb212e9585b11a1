"""The embedded study's pictures: the ten classes of Animals-10, drawn, for a machine without photos."""

from __future__ import annotations

import contextlib
import functools
import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from secateur.data.demo_glyphs import ANIMALS, glyph
from secateur.data.demo_scene import draw_scene
from secateur.errors import UserError
from secateur.interrupts import deaf

SYNTHETIC = (
    "Synthetic drawings, not photos: ten kinds of animal from the OpenMoji font set into made-up scenes. "
    "All emojis designed by OpenMoji, the open-source emoji and icon project; licence CC BY-SA 4.0."
)


def draw_demo(
    folder: Path,
    *,
    per_class: int,
    px: int,
    seed: int,
    progress: Callable[[int, int], None] | None = None,
    workers: int | None = None,
) -> str:
    """Draw `folder/<class>/<number>.png`, px × px RGB, and return the sentence that says what they are.

    A picture follows from (seed, class, number) alone: the same bytes whatever the workers, and more a class
    only adds to those there were. `workers` processes draw; None draws in this one. `progress` is called with
    (pictures done, of how many). Raises UserError where the font is missing (extra `secateur[demo]`), or for
    fewer than 1 picture or 16 pixels.
    """
    if per_class < 1 or px < 16:
        raise UserError(f"demo: {per_class} pictures a class of {px} px; at least 1 of 16 px")
    glyph("🐕")  # a missing font is one clear error here, not one in every worker
    for animal in ANIMALS:
        (folder / animal).mkdir(parents=True, exist_ok=True)
    work = [(animal, number) for animal in ANIMALS for number in range(per_class)]
    draw = functools.partial(_draw, folder, px, seed)
    with _pool(workers) as pool:
        for done, _ in enumerate(pool(draw, work), start=1):
            if progress is not None:
                progress(done, len(work))
    return SYNTHETIC


def _draw(folder: Path, px: int, seed: int, which: tuple[str, int]) -> None:
    animal, number = which
    rng = np.random.default_rng([seed, list(ANIMALS).index(animal), number])
    draw_scene(animal, px, rng).save(folder / animal / f"{number:05d}.png", compress_level=1)


@contextlib.contextmanager
def _pool(workers: int | None) -> Iterator[Callable[..., Iterator[None]]]:
    """A `map` over that many processes, or over none: a few thousand scenes take seconds even alone."""
    if workers is None or workers <= 1:
        yield map
        return
    # Spawned, not forked: the caller may have threads of torch or onnxruntime running.
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:

        def drawn(*work: Any) -> Iterator[None]:
            with deaf():  # all of the pool's processes start with the first piece of work
                return pool.map(*work, chunksize=50)

        yield drawn
