"""What a teacher says is asked once, and is what it would say of each batch while another network trains."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from secateur.data.scan import scan
from secateur.files import dump
from secateur.models import saved
from secateur.models.build import build
from secateur.steps import lessons, photos
from secateur.steps.batches import drawn
from secateur.steps.context import Context

PX, SIZE, EPOCHS = 16, 8, 3


@pytest.fixture
def folders(few_photos: Path, tmp_path: Path) -> dict[str, Path]:
    """Everything that the step needs, of 72 real photos."""
    made = {name: tmp_path / name for name in ("snapshot", "split", "pixels", "teacher", "lessons", "work")}
    for folder in made.values():
        folder.mkdir()
    seen = scan(few_photos)
    dump(seen, made["snapshot"] / "snapshot.json")
    photos.split(context(made, "split", rule="stratified", fractions=[0.6, 0.2, 0.2], seed=0))
    photos.pixels(context(made, "pixels", px=PX))
    teacher = build("cnn", len(seen.classes), PX, 3)
    saved.save(teacher, made["teacher"], backbone="cnn", labels=seen.classes, input_px=PX, made={})
    return made


def context(made: dict[str, Path], out: str, progress: Any = None, **params: Any) -> Context:
    return Context(params, made, made[out], made["work"], progress or (lambda done, total, note: None))


def training(made: dict[str, Path], progress: Any = None) -> Context:
    params: dict[str, Any] = {"recipe": {"batch_size": SIZE}, "epochs": EPOCHS, "augment": "light", "seed": 5}
    return context(made, "lessons", progress, **params, precision="fp32", device="cpu", threads=1)


def test_they_are_what_the_teacher_says_of_each_batch(folders: dict[str, Path]):
    ctx = training(folders)
    lessons.lessons(ctx)
    found = lessons.open_lessons(folders["lessons"])
    loaded = saved.load(folders["teacher"])
    teacher = loaded.model.to(memory_format=torch.channels_last).eval()
    draw = drawn(ctx, saved.normal(loaded.preprocess))
    assert found.shape == (EPOCHS, draw.train_photos, len(loaded.labels))
    for epoch in range(1, EPOCHS + 1):
        with torch.no_grad():
            said = torch.cat([teacher(x) for x, _ in draw.train(epoch, 0)])
        np.testing.assert_array_equal(found[epoch - 1], said.numpy())
    assert not np.array_equal(found[0], found[1])  # other views, in another order


class Stop(Exception):
    """What a kill is to a test."""


@pytest.mark.parametrize("at", [1, 7, 11])
def test_what_was_asked_before_a_kill_is_not_asked_again(folders: dict[str, Path], at: int):
    calls = []

    def stop(done: float, total: float, note: str) -> None:
        calls.append(done)
        if len(calls) == at:
            raise Stop

    with pytest.raises(Stop):
        lessons.lessons(training(folders, stop))
    lessons.lessons(training(folders, lambda done, total, note: calls.append(done)))
    assert calls == sorted(set(calls)) and len(calls) == EPOCHS * drawn(training(folders)).train_batches
    resumed = np.array(lessons.open_lessons(folders["lessons"]))
    for file in folders["work"].iterdir():
        file.unlink()
    lessons.lessons(training(folders))
    np.testing.assert_array_equal(resumed, lessons.open_lessons(folders["lessons"]))
