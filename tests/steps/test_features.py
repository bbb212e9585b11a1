"""Features computed once are what the backbone says each time, whatever interrupts the computing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from secateur import at_hand, catalogue
from secateur.data.scan import scan
from secateur.files import dump
from secateur.models import timm_zoo, weights
from secateur.models.transfer import study as study_head
from secateur.steps import features, photos
from secateur.steps.batches import plain
from secateur.steps.context import Context
from secateur.training.fit import Fit, Photos
from secateur.training.recipes import FAST_HEAD

NAME, PX = "tf_efficientnet_lite0", 32


class Stop(Exception):
    """What a kill is to a test."""


@pytest.fixture
def folders(few_photos: Path, tmp_path: Path) -> dict[str, Path]:
    """Everything that the step needs, of 72 real photos."""
    made = {name: tmp_path / name for name in ("snapshot", "split", "pixels", "weights", "features", "work")}
    for folder in made.values():
        folder.mkdir()
    dump(scan(few_photos), made["snapshot"] / "snapshot.json")
    photos.split(context(made, "split", rule="stratified", fractions=[0.6, 0.2, 0.2], seed=0))
    photos.pixels(context(made, "pixels", px=PX))
    row = catalogue.backbone(NAME)
    weights.keep(row, "package", str(at_hand.package_file(row)), "words", PX, made["weights"])
    return made


def context(made: dict[str, Path], out: str, progress: Any = None, **params: Any) -> Context:
    return Context(params, made, made[out], made["work"], progress or (lambda done, total, note: None))


def compute(made: dict[str, Path], views: int, augment: str, progress: Any = None) -> None:
    params = {"backbone": NAME, "input_px": PX, "pool": "max", "augment": augment, "views": views}
    features.features(context(made, "features", progress, **params, device="cpu", threads=1))


def backbone(made: dict[str, Path]) -> tuple[nn.Module, Any]:
    body = timm_zoo.create(NAME, PX, 0, "max").eval()
    about = weights.load(body, made["weights"])
    return body, (about.mean, about.std)


def test_they_are_what_the_backbone_says(folders: dict[str, Path]):
    compute(folders, 1, "none")
    body, normal = backbone(folders)
    found = features.cached(context(folders, "features"))
    for side, kept in (("train", found.train[0]), ("val", found.val)):
        part = photos.part(context(folders, "features"), side)
        said = np.concatenate([features.run(body, x) for x, _ in plain(part, normal=normal)])
        assert said.shape == kept.shape and said.std() > 0.1
        np.testing.assert_allclose(kept, said, rtol=0, atol=1e-5 * np.abs(said).max())


def test_test_photos_are_never_touched(folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch):
    asked = []
    monkeypatch.setattr(features, "part", lambda ctx, name: asked.append(name) or photos.part(ctx, name))
    compute(folders, 1, "none")
    assert asked == ["train", "val"]


def test_each_view_is_another_and_always_the_same(folders: dict[str, Path]):
    compute(folders, 3, "light")
    first = features.cached(context(folders, "features")).train
    assert len(first) == 3 and not np.allclose(first[0], first[1]) and not np.allclose(first[1], first[2])
    for file in folders["work"].iterdir():
        file.unlink()
    again = dict(folders) | {"features": folders["features"].with_name("again")}
    again["features"].mkdir()
    compute(again, 3, "light")
    assert np.array_equal(first, features.cached(context(again, "features")).train)


def test_what_was_computed_before_a_kill_is_not_computed_again(
    folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(features, "BATCH", 8)
    compute(folders, 2, "light")
    whole = np.array(features.cached(context(folders, "features")).train)
    for file in [*folders["work"].iterdir(), *folders["features"].iterdir()]:
        file.unlink()

    def kill(done: float, total: float, note: str) -> None:
        if done >= 60:
            raise Stop

    with pytest.raises(Stop):
        compute(folders, 2, "light", kill)
    torn = folders["work"] / "view1.f32"
    torn.write_bytes(torn.read_bytes() + b"half a row")
    seen = []
    compute(folders, 2, "light", lambda done, total, note: seen.append(done))
    assert min(seen) > 60
    assert np.array_equal(whole, features.cached(context(folders, "features")).train)


class Frozen(nn.Module):
    """A head on a backbone that runs each time and never changes: what the features stand in for."""

    def __init__(self, body: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.inner, self.top = [body], head  # in a list: no module of this one, so nothing sets it to training

    def forward(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            seen = self.inner[0](x)
        out: Tensor = self.top(seen)
        return out


def test_a_head_trains_on_them_as_on_the_backbone_itself(folders: dict[str, Path]):
    compute(folders, 1, "none")
    body, normal = backbone(folders)
    ctx = context(folders, "features")
    side = photos.part(ctx, "train")
    found = features.cached(ctx)
    rows = []
    for cached in (True, False):
        torch.manual_seed(3)
        head = study_head(found.train.shape[2], 3)
        n = len(found.train_labels)
        if cached:
            draw, model = features.batches(found, 16, 5, "cpu"), head
        else:
            draw, model = _through(side, normal), Frozen(body, head)
        val = (lambda: features.val_batches(found, "cpu")) if cached else (lambda: _val(ctx, normal))
        fit = Fit(model, FAST_HEAD, Photos(draw, val, -(-n // 16), n), epochs=4, seed=5)
        for _ in fit.run():
            pass
        rows.append([(r.train_loss, r.val_loss) for r in fit.rows])
    np.testing.assert_allclose(rows[0], rows[1], rtol=1e-4)


def _through(side: photos.Part, normal: Any) -> Any:
    from secateur.data.batches import batches

    def draw(epoch: int, start: int) -> Any:
        more = {"batch_size": 16, "seed": 5, "epoch": epoch, "start": start, "normal": normal}
        return batches(side.pixels, side.positions, side.labels, **more)

    return draw


def _val(ctx: Context, normal: Any) -> Any:
    return plain(photos.part(ctx, "val"), normal=normal)
