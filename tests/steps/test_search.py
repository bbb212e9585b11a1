"""A target in time: where the next cut is tried, which is taken, and the whole of it on a real network and run-time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import onnx
import pytest
import torch

from secateur.errors import StepFailed, UserError
from secateur.files import read
from secateur.measure import runtimes
from secateur.measure import search as searching
from secateur.measure.entries import Entry
from secateur.measure.search import _best, _next, search
from secateur.models import saved
from secateur.models.build import build
from secateur.records import Measured, Search, Tried
from secateur.steps.context import Context
from secateur.steps.search import find

PX = 32
PREPROCESS = {"input_px": PX, "mean": [0.5] * 3, "std": [0.5] * 3}


def tried(multiple: int, macs: float, speedup: float, half: float = 0.0) -> Tried:
    return Tried(multiple, macs, macs, Measured(speedup, "ratio", speedup - half, speedup + half, 60))


def test_the_next_cut_lies_where_the_line_through_dense_meets_the_target():
    # half of the work takes 0.6 of the time, so a tenth of the time is an eighth of the work; 0.49 is aimed at
    assert _next([tried(8, 0.5, 1 / 0.6)], 8, 0.5) == pytest.approx(0.5 - (0.6 - 0.49) * 0.5 / 0.4, abs=1e-4)
    assert _next([tried(16, 0.5, 2.0)], 8, 0.5) is None


def test_then_through_the_two_that_are_nearest():
    own = [tried(8, 0.5, 1 / 0.6), tried(8, 0.4, 1 / 0.52)]
    assert _next(own, 8, 0.5) == pytest.approx(0.4 - (0.52 - 0.49) * 0.1 / 0.08, abs=1e-4)


def test_noise_that_makes_less_work_slower_falls_back_to_dense():
    own = [tried(8, 0.5, 1 / 0.5), tried(8, 0.4, 1 / 0.52)]
    asked = _next(own, 8, 0.5)
    assert asked is not None
    assert 0.4 < asked < 0.5


def test_a_rounding_that_is_slower_than_dense_is_given_up():
    assert _next([tried(1, 0.5, 0.8)], 1, 0.5) is None


def test_of_those_that_meet_it_surely_the_one_that_keeps_most():
    slow, lucky, sure, small = (
        tried(4, 0.5, 1.7),
        tried(8, 0.49, 2.02, 0.1),
        tried(16, 0.46, 2.1, 0.05),
        tried(32, 0.4, 3),
    )
    assert _best([slow, lucky, sure, small], "latency", 0.5) == sure
    assert _best([slow, lucky], "latency", 0.5) == lucky
    assert _best([slow], "latency", 0.5) is None
    assert _best([slow, lucky, sure, small], "macs", 0.5) == small


def work_of(file: Path) -> float:
    """Multiply-adds of a file's convolutions and matrix products, by onnx's own shapes."""
    graph = onnx.shape_inference.infer_shapes(onnx.load(file)).graph
    values = (*graph.value_info, *graph.output)
    shapes = {v.name: [d.dim_value or 1 for d in v.type.tensor_type.shape.dim] for v in values}
    weights = {w.name: list(w.dims) for w in graph.initializer}
    return sum(
        math.prod(shapes[n.output[0]]) * math.prod(weights[n.input[1]][1:])
        for n in graph.node
        if n.op_type in ("Conv", "Gemm")
    )


@pytest.fixture
def steady(monkeypatch: pytest.MonkeyPatch) -> None:
    """A device that takes a fifth of dense's time whatever the work, and the rest by multiply-adds: a test that reads
    this machine's clock would fail with its weather. Every file is still run once, by the run-time.
    """

    def bench(files: Sequence[Entry], reference: str, ways: object, effort: object) -> SimpleNamespace:
        for f in files:
            opened = runtimes.open_model(f.file, f.runtime, 1)
            opened.call(opened.photos(1))
        work = {f.name: work_of(f.file) for f in files}
        times = {name: 0.2 + 0.8 * w / work[reference] for name, w in work.items()}
        ratios = {n: Measured(1 / t, "ratio", 1 / t, 1 / t, 60) for n, t in times.items()}
        return SimpleNamespace(timings=[SimpleNamespace(model=n, speedup=r) for n, r in ratios.items()], doubts=())

    monkeypatch.setattr(searching, "bench", bench)


@pytest.mark.usefixtures("steady")
def test_a_real_network_is_cut_until_its_file_takes_less_time(tmp_path: Path):
    torch.manual_seed(0)
    model = build("resnet18", 10, 64, 1, {"pool": "avg", "head": "linear"})
    folder, out, work = tmp_path / "model", tmp_path / "out", tmp_path / "work"
    for f in (folder, out, work):
        f.mkdir()
    labels = [str(i) for i in range(10)]
    about = {"input_px": 64, "mean": [0.5] * 3, "std": [0.5] * 3}
    options = {"pool": "avg", "head": "linear"}
    saved.save(
        model, folder, backbone="resnet18", labels=labels, input_px=64, made={}, options=options, preprocess=about
    )
    params = {"method": "filter-l1", "measure": "latency", "target": 0.4, "scope": "layer", "spare": [], "seed": 0}
    params |= {"hidden_units": None, "part": None, "config": "resnet18/filter-l1-latency/0.4", "multiples": [8]}
    find(Context(params, {"model": folder}, out, work, lambda done, total, note: None))
    made = read(Search, out / "search.json")
    assert (made.measure, made.target, made.found.multiple) == ("latency", 0.6, 8)
    assert 1 / 0.6 <= made.found.speedup.value < 1.8  # a fifth, and half of the rest
    assert made.found.macs == pytest.approx(0.5, abs=0.05)
    assert made.unrounded is not None
    assert made.unrounded.macs == pytest.approx(made.found.macs, abs=0.02)
    assert not list(work.iterdir())  # no candidate is left behind


def test_nothing_that_can_be_cut_so_far_is_one_clear_line(tmp_path: Path):
    def build_(multiple: int, asked: float) -> tuple[Path, float]:
        raise UserError("0.5 of the multiply-adds cannot be reached")

    with pytest.raises(
        StepFailed, match=r"no cut was found that takes 0\.5 of dense's time: 0\.5 of the multiply-adds"
    ):
        search("a", "latency", 0.5, [8], tmp_path / "dense.onnx", build_, "here")
