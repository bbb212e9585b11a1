"""A study on real photos of the methods that go other ways than one look at the dense network: through its own plan, on
disk, to the figures. Made once, by whichever of the test processes comes first."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import shared
from secateur import beside, studying
from secateur.files import read
from secateur.models import prunable, saved
from secateur.models.build import build
from secateur.pruning import masks
from secateur.records import Results
from secateur.report.story import tell
from secateur.study_file import make

ASKED: dict[str, Any] = {
    "name": "ways",
    "backbone": "cnn",
    "input_px": 16,
    "epochs": 2,
    "retrain_epochs": 2,
    "seeds": [0],
    "bench": 0,
    "robustness": 0,
    "rivals": False,
    "controls": False,
    "recalibrate": "on",
    "threads": 1,
    "methods": [
        {"name": "synflow", "sparsities": [0.9]},
        {"name": "snip", "sparsities": [0.9]},
        {"name": "rigl", "sparsities": [0.9]},
        {"name": "sensitivity", "sparsities": [0.9]},
        {"name": "wanda", "sparsities": [0.9]},
        {"name": "obs", "sparsities": [0.9]},
        {"name": "movement", "sparsities": [0.9]},
        {"name": "grasp", "sparsities": [0.9]},
        "magnitude-2-4",
        {"name": "filter-thinet", "sparsities": [0.5]},
        {"name": "filter-slimming", "sparsities": [0.5]},
        {"name": "filter-activation", "sparsities": [0.5]},
        {"name": "filter-apoz", "sparsities": [0.5]},
        {"name": "filter-sensitivity", "macs": [0.5]},
    ],
    "chains": ["filter-activation 0.5 > magnitude 0.8 > int8 > packed"],
    "exports": ["packed"],
}


@pytest.fixture(scope="module")
def done(photos_112px: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Results, Path]:
    def fill(folder: Path) -> None:
        for name in ("cane", "ragno", "pecora"):
            (folder / "photos" / name).mkdir(parents=True)
            for photo in sorted((photos_112px / "raw-img" / name).iterdir())[:40]:
                shutil.copy(photo, folder / "photos" / name)
        studying.run(make(ASKED | {"folder": str(folder / "photos")}, "test"), folder / "runs")

    home = shared.once(tmp_path_factory, "ways", fill)
    return read(Results, home / "runs" / "ways" / "results.json"), home


def models(results: Results) -> dict[str, Any]:
    return {m.config.removeprefix("cnn/"): m for m in results.models}


def test_every_step_is_made(done: tuple[Results, Path]):
    results, _ = done
    assert [(o.id, o.why) for o in results.outcomes if o.state != "made"] == []
    assert all(m.parity and m.parity.ok and m.evaluation for m in results.models)


@pytest.mark.parametrize("method", ["synflow", "snip", "grasp", "rigl", "sensitivity", "obs", "movement"])
def test_as_many_weights_are_zero_as_were_asked_for(done: tuple[Results, Path], method: str):
    found = models(done[0])[f"{method}/0.9"]
    weights = {n: w.numel() for n, w in prunable.weights(build("cnn", 3, 16)).items()}
    asked = 0.9 * (1 - weights["conv1.weight"] / sum(weights.values())) if method == "rigl" else 0.9
    assert found.profile.sparsity_of_prunable == pytest.approx(asked, abs=1e-4)
    assert found.history.spared == (("conv1",) if method == "rigl" else ())  # its paper keeps the first layer dense


def test_every_output_and_every_block_of_four_loses_its_part(done: tuple[Results, Path]):
    found, home = models(done[0]), done[1]
    for folder in (home / "runs" / ".store" / "prune").iterdir():
        made = json.loads((folder / "made.json").read_text())["pruned"]
        loaded = saved.load(folder)
        for name, mask in (loaded.masks or {}).items():
            flat = mask.flatten(1)
            if made["method"] == "wanda":
                assert (~flat).sum(1).tolist() == [masks.count(0.9, flat.shape[1])] * len(flat), name
            if made["method"] == "magnitude-2-4":
                blocks = mask.movedim(1, -1).reshape(-1, 4)
                assert (blocks.sum(1) == 2).all(), name
    assert found["magnitude-2-4/0.5"].whole == {"conv1": "3 input channels are no multiple of 4"}


def test_epochs_are_counted_wherever_they_came(done: tuple[Results, Path]):
    found = models(done[0])
    assert len(found["synflow/0.9"].history.epochs) == 4
    slim = found["filter-slimming/0.5"].history
    assert (len(slim.epochs), slim.epochs_before) == (1, 1)
    begins = {s.config: s.begins for s in done[0].summaries}
    assert begins["cnn/rigl/0.9"] == "initialisation" and begins["cnn/filter-slimming/0.5"] == "slimming"
    assert begins["cnn/wanda/0.9"] == "dense"


def test_a_cut_by_a_scan_meets_its_target_and_differs_by_layer(done: tuple[Results, Path]):
    found = models(done[0])
    cut, dense = found["filter-sensitivity-macs/0.5"].profile, found["dense"].profile
    assert 0.4 < cut.macs / dense.macs <= 0.5
    widths = {r.name: r.output_shape[0] for r in cut.layers if r.kind == "Conv2d"}
    whole = {r.name: r.output_shape[0] for r in dense.layers if r.kind == "Conv2d"}
    assert len({round(widths[n] / whole[n], 2) for n in widths}) > 1


def test_the_scan_says_what_each_layer_costs(done: tuple[Results, Path]):
    scans = {s.method: s for s in done[0].scans}
    assert scans.keys() == {"sensitivity", "filter-sensitivity"}
    weights = scans["sensitivity"]
    assert {layer.name for layer in weights.layers} == {*(f"conv{i}" for i in range(1, 7)), "fc1", "fc2"}
    for layer in weights.layers:
        points = layer.points
        assert [p.sparsity for p in points] == sorted(p.sparsity for p in points)
        assert all(p.loss.low <= p.loss.value <= p.loss.high for p in points)  # type: ignore[operator]
        assert all(p.loss.n == weights.photos for p in points)
    assert np.isfinite(weights.loss)


def test_the_report_ranks_what_is_alike_and_draws_the_scan(done: tuple[Results, Path]):
    told = tell(done[0])
    weights, filters = sorted(told["compared"], key=lambda c: c["structured"])
    assert [r["method"] for r in weights["targets"][-1]["rows"]] and len(weights["targets"][-1]["rows"]) == 8
    assert {r["method"] for r in filters["targets"][0]["rows"]} == {
        *("filter-thinet", "filter-slimming", "filter-activation", "filter-apoz"),
    }
    for table in (*weights["targets"], *filters["targets"]):
        values = [r["val_accuracy"]["value"] for r in table["rows"]]
        assert values == sorted(values, reverse=True) and table["rows"][0]["behind"] is None
    assert {s["method"] for s in told["scans"]} == {"sensitivity", "filter-sensitivity"}


HEAD, SECOND = "cnn/filter-activation/0.5", "cnn/filter-activation-0.5+magnitude/0.8"
LAST = "cnn/filter-activation-0.5+magnitude-int8/0.8"


def test_a_chain_takes_away_at_every_stage(done):
    results, home = done
    found = {m.config: m for m in results.models}
    head, second, last = (found[config] for config in (HEAD, SECOND, LAST))
    assert second.profile.parameters == head.profile.parameters < found["cnn/dense"].profile.parameters
    assert second.profile.sparsity_of_prunable == pytest.approx(0.8, abs=0.01)
    assert second.sizes.onnx == head.sizes.onnx and second.sizes.packed < 0.4 * head.sizes.packed
    assert last.sizes.onnx < 0.4 * second.sizes.onnx and last.sizes.packed < 0.6 * second.sizes.packed
    assert last.parity and last.evaluation and second.evaluation
    stages = tell(results)["chains"]
    assert [[s["config"] for s in chain["stages"]] for chain in stages] == [[HEAD, SECOND, LAST]]
    there = {p.name: p.stat().st_size for p in (home / "runs" / "ways" / "models").iterdir()}
    name = LAST.split("/", 1)[1].replace("/", "-")
    assert (there[f"{name}.onnx"], there[f"{name}.packed"]) == (last.sizes.onnx, last.sizes.packed)
    for form in ("onnx", "packed"):  # both know what was measured, wherever they are taken
        known = beside.of(home / "runs" / "ways" / "models" / f"{name}.{form}")
        assert known and (known.accuracy, known.model) == (last.evaluation.accuracy, last.name)


def test_every_network_has_the_further_form_that_was_asked_for(done):
    results, _ = done
    trained = {m.config: m for m in results.models if not m.id.startswith("quantize/")}
    assert {e.config for e in results.exports} == trained.keys()
    for made in results.exports:
        assert made.parity and made.parity.relative_logit_difference == 0 and not made.why
        assert made.bytes == trained[made.config].sizes.packed
