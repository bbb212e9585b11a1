"""The depth of a model's photos goes with it: in its file, in every form of it, in the folder that is handed on."""

from __future__ import annotations

import importlib.util
import io
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import secateur
from secateur.data import aside, images
from secateur.data.images import BadPhoto, square
from secateur.forms import bundle, fp16, int8, onnx, packing, runtime
from secateur.models import saved
from secateur.models.build import build
from secateur.records import Depth

PX = 16
TWELVE = Depth(whole=4095)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """model.onnx of a model that was trained on 12 bits, and old.onnx, which stores nothing."""
    out = tmp_path_factory.mktemp("files")
    model = build("cnn", 3, PX, 0)
    onnx.export(model, saved.preprocess_for(PX, depth=TWELVE), ["a", "b", "c"], out / "model.onnx", {})
    onnx.export(model, saved.preprocess_for(PX), ["a", "b", "c"], out / "old.onnx", {})
    return out


def test_every_form_says_it(files: Path, tmp_path: Path):
    assert runtime.load(files / "model.onnx").depth == TWELVE
    assert runtime.load(files / "old.onnx").depth == Depth()
    packing.exactly(files / "model.onnx", tmp_path)
    assert runtime.load(tmp_path / "model.packed").depth == TWELVE
    fp16.convert(files / "model.onnx", tmp_path)
    assert runtime.load(tmp_path / "model.onnx").depth == TWELVE
    photos = np.random.default_rng(0).integers(0, 256, (40, PX, PX, 3), dtype=np.uint8)
    int8.quantize(files / "model.onnx", photos, tmp_path / "8.onnx", family="x", in_16_bits=False)
    assert runtime.load(tmp_path / "8.onnx").depth == TWELVE


def test_a_preprocessing_without_depth_is_the_old_one():
    old = {"input_px": PX, "resize": "stretch", "mean": [0.0] * 3, "std": [1.0] * 3}
    assert saved.preprocess_for(PX) == saved.preprocess_for(PX, depth=Depth()) == old
    assert saved.deep(saved.preprocess_for(PX, depth=TWELVE), None) == old


# ------------------------------------------------------------ the folder that is handed on


def saved_photo(image: Image.Image, kind: str, **options) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


@pytest.fixture
def reads(files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The `seen` of a script that was handed on, with nothing of ours to import but what lies beside it."""
    beside = aside.scripts() | {"depth.json": json.dumps({"whole": 4095, "floats": 0.0}).encode()}
    bundle.write(tmp_path / "handed", {"model.onnx": files / "model.onnx"}, "onnxruntime", ["a"], "", "", beside)
    monkeypatch.syspath_prepend(str(tmp_path / "handed"))
    monkeypatch.setitem(sys.modules, "simplejpeg", None)  # which it may lack
    for name in ("depth", "damage"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    spec = importlib.util.spec_from_file_location("handed_predict", tmp_path / "handed/predict.py")
    assert spec and spec.loader
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    white = json.loads((tmp_path / "handed/depth.json").read_text())

    def read(data: bytes):
        (tmp_path / "photo").write_bytes(data)
        return script.seen(str(tmp_path / "photo"), PX, white)

    yield read
    for name in ("depth", "damage"):
        sys.modules.pop(name, None)


def smooth(seed: int) -> np.ndarray:
    small = np.random.default_rng(seed).integers(0, 256, (4, 5, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(small).resize((60, 40), Image.Resampling.BICUBIC))


def test_what_is_handed_on_sees_the_same(reads):
    colour = Image.fromarray(smooth(0))
    alpha = colour.copy()
    alpha.putalpha(Image.fromarray(smooth(1)[..., 0]))
    grey = Image.fromarray(smooth(2)[..., 0].astype(np.uint16) * 16)
    turned = Image.Exif()
    turned[0x0112] = 6
    photos = {
        "JPEG": saved_photo(colour, "JPEG", exif=turned, quality=95),
        "progressive": saved_photo(colour, "JPEG", progressive=True, quality=95),
        "with alpha": saved_photo(alpha, "PNG"),
        "12 bits": saved_photo(grey, "PNG"),
        "12 bits, turned": saved_photo(grey, "PNG", exif=turned),
        "12 bits in a TIFF": saved_photo(grey, "TIFF"),
    }
    for name, data in photos.items():
        ours, (theirs, doubt) = square(data, PX, depth=TWELVE), reads(data)
        assert np.abs(ours.pixels.astype(int) - theirs).max() <= 3 and doubt == "", name
    above = saved_photo(Image.fromarray(smooth(2)[..., 0].astype(np.uint16) * 200), "PNG")
    assert reads(above)[1] == square(above, PX, depth=TWELVE).doubt != ""


def test_what_is_handed_on_answers_no_photo_that_lacks_rows(reads):
    noise = np.random.default_rng(3).normal(0, 9, (200, 300, 3))
    large = np.asarray(Image.fromarray(smooth(4)).resize((300, 200)))
    for options in ({}, {"progressive": True}, {"restart_marker_rows": 1}):
        data = saved_photo(Image.fromarray(np.clip(large + noise, 0, 255).astype(np.uint8)), "JPEG", **options)
        reads(data)
        reads(data + bytes(5000))
        for spoilt in (data[: len(data) // 3] + b"\xff\xd9", data[:3000] + bytes(len(data) - 3002) + data[-2:]):
            with pytest.raises(ValueError, match=r"rows|coarse"):
                reads(spoilt)
            with pytest.raises(BadPhoto):
                images.square(spoilt, PX)


# ------------------------------------------------------------ a study of them


def test_a_study_trains_and_answers_by_one_depth(tmp_path: Path):
    """One photo alone, in its folder and in another: equal logits, from the library and from the file."""
    for name, seed in (("a", 0), ("b", 50)):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for i in range(8):
            values = smooth(seed + i)[..., 0].astype(np.uint16) * 16
            Image.fromarray(values).save(tmp_path / "photos" / name / f"{i}.png")
    snapshot = secateur.scan(tmp_path / "photos", runs=tmp_path / "runs")
    assert snapshot.depth.whole == 4095
    words = {"backbone": "cnn", "input_px": PX, "epochs": 1, "threads": 1, "progress": False}
    dense = secateur.train(snapshot, runs=tmp_path / "runs", **words)
    assert json.loads((dense.folder / "preprocess.json").read_text())["depth"] == {"whole": 4095, "floats": 0.0}
    store = np.load(next((tmp_path / "runs/.store/pixels").rglob("pixels.npy")))
    assert store.max() > 200
    file = secateur.export(dense, tmp_path / "out", progress=False)
    loaded = runtime.load(file)
    assert loaded.depth == TWELVE
    photo = tmp_path / "photos/a/3.png"
    (tmp_path / "other").mkdir()
    (tmp_path / "other/3.png").write_bytes(photo.read_bytes())
    Image.fromarray(np.full((40, 60), 65535, np.uint16)).save(tmp_path / "other/bright.png")
    alone = secateur.predict(file, photo)[0].classes
    for model, place in ((file, "photos"), (file, "other"), (dense, "other"), (dense, "photos")):
        answers = {Path(a.photo).relative_to(tmp_path).as_posix(): a for a in secateur.predict(model, tmp_path / place)}
        said = answers["other/3.png" if place == "other" else "photos/a/3.png"]
        assert not said.doubt and dict(said.classes) == pytest.approx(dict(alone), abs=1e-6)
    assert (
        "above the depth"
        in {a.photo: a for a in secateur.predict(file, tmp_path / "other")}[str(tmp_path / "other/bright.png")].doubt
    )
    judged = secateur.evaluate(file, tmp_path / "photos", runs=tmp_path / "runs", progress=False)
    assert not [p for p in judged.problems if "depth" in p.what]
    mine = [i for i, p in enumerate(snapshot.photos) if p.path == "a/3.png"]
    logits = loaded.logits(store[mine])
    assert (logits == loaded.logits(square(photo.read_bytes(), PX, depth=TWELVE).pixels[None])).all()
