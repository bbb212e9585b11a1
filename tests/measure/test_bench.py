"""Real files in real processes; what is said is checked, how long it takes is not."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from secateur.errors import NotKnown, StepFailed, UserError
from secateur.forms.int8 import FAMILY
from secateur.measure import energy as energies
from secateur.measure import limits
from secateur.measure.bench import Effort, bench
from secateur.measure.entries import entries
from secateur.measure.helper import Helper
from secateur.measure.layers import layer_times, of_events
from secateur.measure.peak import peak
from secateur.measure.rounds import rounds_of
from secateur.measure.runtimes import INT8_FOR
from secateur.records import Way

LITTLE = Effort(rounds=4, processes=2)


def network(path: Path, *, filters: int = 4, batch: str | int = "n", op: str = "Relu") -> Path:
    """uint8 (n, 16, 16, 3) → (n, filters)."""
    weight = np.random.default_rng(0).normal(size=(filters, 3, 3, 3)).astype(np.float32)
    nodes = [
        helper.make_node("Transpose", ["photos"], ["first"], "input/Transpose", perm=[0, 3, 1, 2]),
        helper.make_node("Cast", ["first"], ["x"], "input/Cast", to=TensorProto.FLOAT),
        helper.make_node("Conv", ["x", "stem.weight"], ["stem/Conv"], "stem/Conv", kernel_shape=[3, 3]),
        helper.make_node(op, ["stem/Conv"], ["stem/Act"], "stem/Act"),
        helper.make_node("GlobalAveragePool", ["stem/Act"], ["pooled"], "stem/Pool"),
        helper.make_node("Flatten", ["pooled"], ["logits"], "stem/Flatten"),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("photos", TensorProto.UINT8, [batch, 16, 16, 3])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [batch, filters])],
        [onnx.numpy_helper.from_array(weight, "stem.weight")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), path)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("nets")
    network(home / "small.onnx")
    network(home / "big.onnx", filters=64)
    network(home / "one.onnx", batch=1)
    network(home / "odd.onnx", op="Unheard")
    (home / "torn.onnx").write_bytes((home / "big.onnx").read_bytes()[:900])
    return home


def test_every_file_in_every_way_beside_the_reference_and_its_control(folder: Path):
    files = entries([folder / "small.onnx", folder / "big.onnx", folder / "one.onnx"])
    ways = (Way(1, 1), Way(1, 4))
    found = bench(files, "big", ways, effort=LITTLE)
    at = {(t.model, t.way): t for t in found.timings}
    assert set(at) == {(n, w) for n in ("small", "big", "control") for w in ways} | {("one", Way(1, 1))}
    for way in ways:
        assert at["big", way].verdict == "reference"
        assert at["control", way].verdict == "control"
        assert at["big", way].speedup.value == 1
    small = at["small", Way(1, 1)]
    assert small.speedup.low <= small.speedup.value <= small.speedup.high
    for timing in (small, at["control", Way(1, 1)]):
        assert timing.first.n == 4 and timing.speedup.how == "t over 2 processes; first calls and repeated ones"
        assert timing.speedup.low <= timing.first.low and timing.first.high <= timing.speedup.high
    assert at["big", Way(1, 1)].first is None
    assert small.median.n == 4
    assert small.p95.value >= small.median.value > 0
    assert at["small", Way(1, 4)].photos_per_second == pytest.approx(4000 / at["small", Way(1, 4)].median.value)
    assert found.left_out == ("one, 1 thread, batch 4: it takes 1 at a time, not 4",)
    assert [c.input_px for c in found.candidates] == [16, 16, 16]
    assert found.machine.cpu


def test_a_file_that_does_not_run_is_left_out_with_its_reason(folder: Path):
    files = entries([folder / "small.onnx", folder / "odd.onnx", folder / "torn.onnx"])
    found = bench(files, "small", (Way(1, 1),), effort=LITTLE)
    assert {t.model for t in found.timings} == {"small", "control"}
    odd, torn = found.left_out
    assert "Unheard" in odd
    assert "torn.onnx does not load in onnxruntime" in torn


def test_a_reference_that_does_not_run_ends_it(folder: Path):
    with pytest.raises(UserError, match="the reference, does not run"):
        bench(entries([folder / "odd.onnx", folder / "small.onnx"]), "odd", (Way(1, 1),), effort=LITTLE)
    with pytest.raises(UserError, match="'smal' is not among small"):
        bench(entries([folder / "small.onnx"]), "smal", (Way(1, 1),), effort=LITTLE)


def test_a_file_that_is_called_as_the_control_is_is_refused(folder: Path, tmp_path: Path):
    with pytest.raises(UserError, match="may be called 'control'"):
        bench(entries([network(tmp_path / "control.onnx")]), "control", (Way(1, 1),), effort=LITTLE)


def test_a_turn_is_a_first_call_and_those_that_find_its_traces(folder: Path, monkeypatch: pytest.MonkeyPatch):
    asked: list[dict] = []
    real = Helper.ask
    monkeypatch.setattr(Helper, "ask", lambda self, **said: (asked.append(said), real(self, **said))[1])
    (small,) = entries([folder / "small.onnx"])
    met = rounds_of({"small": small}, 1, [(1, 4)], 60.0, np.random.default_rng(0))
    (found,) = met.found
    assert asked[2:] == [{"batch": 1, "runs": 3, "before": 0}] * 4
    assert len(found.first["small"]) == len(found.times["small"]) == 4
    assert found.first["small"] != found.times["small"]


def test_long_calls_are_called_less_often(folder: Path):
    files = entries([folder / "small.onnx"])
    found = bench(files, "small", (Way(1, 1),), effort=Effort(rounds=400, processes=2, seconds=0.0))
    control = next(t for t in found.timings if t.verdict == "control")
    assert control.median.n == 4  # two rounds in each of two processes, at least
    assert any("4 timed calls, not 200" in d for d in control.speedup.doubts)


def test_what_is_no_model_is_refused_in_one_line(folder: Path, tmp_path: Path):
    with pytest.raises(UserError, match="no such file"):
        entries([tmp_path / "none.onnx"])
    (tmp_path / "photo.jpg").write_bytes(b"x")
    with pytest.raises(UserError, match="is no model: its name ends in none of"):
        entries([tmp_path / "photo.jpg"])
    with pytest.raises(NotKnown, match="openvino"):
        entries([folder / "small.onnx"], "openvin")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="holds no model"):
        entries([tmp_path / "empty"])
    with pytest.raises(UserError, match="two models are called"):
        entries([folder / "small.onnx", folder / "small.onnx"])


def test_another_input_is_refused_by_name(tmp_path: Path):
    graph = helper.make_graph(
        [helper.make_node("Identity", ["ids"], ["out"])],
        "g",
        [helper.make_tensor_value_info("ids", TensorProto.INT64, ["n", 12])],
        [helper.make_tensor_value_info("out", TensorProto.INT64, ["n", 12])],
    )
    file = tmp_path / "words.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), file)
    with pytest.raises(UserError, match="no image classifier: it takes 'ids' int64 n×12"):
        bench(entries([file]), "words", (Way(1, 1),), effort=LITTLE)


def test_a_folder_is_all_models_in_it(folder: Path):
    assert [e.name for e in entries([folder])] == ["big", "odd", "one", "small", "torn"]


def test_files_of_one_name_are_told_apart_by_their_folders(folder: Path, tmp_path: Path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        network(tmp_path / name / "model.onnx")
    assert [e.name for e in entries([tmp_path / "a", tmp_path / "b"])] == ["a/model", "b/model"]
    assert [e.name for e in entries([tmp_path / "a", folder / "one.onnx"])] == ["a/model", "one"]


def test_memory_of_a_big_file_shows(folder: Path, tmp_path: Path):
    bulky = network(tmp_path / "bulky.onnx")
    model = onnx.load(bulky)
    ballast = onnx.numpy_helper.from_array(np.ones((64, 1 << 18), np.float32), "ballast")  # 64 MiB
    model.graph.initializer.append(ballast)
    model.graph.node.append(helper.make_node("ReduceSum", ["ballast"], ["sum"], "s", keepdims=0))
    model.graph.node.append(helper.make_node("Add", ["pooled", "sum"], ["pooled2"], "a"))
    for node in model.graph.node:
        if node.op_type == "Flatten":
            node.input[0] = "pooled2"
    flatten = next(n for n in model.graph.node if n.op_type == "Flatten")
    model.graph.node.remove(flatten)
    model.graph.node.append(flatten)
    onnx.save(model, bulky)
    large, small = peak(entries([bulky])[0], times=1), peak(entries([folder / "small.onnx"])[0], times=1)
    assert large.resident.value - small.resident.value > 50 << 20
    assert large.process - large.empty == large.resident.value


def test_under_a_limit_it_runs_or_dies_and_both_are_findings(folder: Path):
    entry = entries([folder / "small.onnx"])[0]
    enough = limits.under_limit(entry, 1 << 30, 1, calls=3)
    assert enough.runs
    assert enough.median.n == 3
    little = limits.under_limit(entry, 12 << 20, 1, calls=3)
    assert not little.runs
    assert little.why_not


def test_where_no_control_group_may_be_made_private_memory_is_limited(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(limits, "_control_group", lambda _: None)
    entry = entries([folder / "small.onnx"])[0]
    assert limits.under_limit(entry, 1 << 30, 1, calls=3).how == "RLIMIT_DATA"
    assert not limits.under_limit(entry, 12 << 20, 1, calls=3).runs
    with pytest.raises(UserError, match="processors were asked for"):
        limits.under_limit(entry, 1 << 30, 4096)


def test_layers_are_named_after_their_nodes(folder: Path):
    found = {row.layer: row for row in layer_times(entries([folder / "big.onnx"])[0], calls=3)}
    assert {"input", "stem"} <= set(found)
    assert "Conv" in found["stem"].ops
    assert all(row.microseconds >= 0 for row in found.values())


def test_what_belongs_to_one_layer_is_added_up_and_warm_ups_are_not():
    def event(name: str, op: str, us: float) -> dict[str, object]:
        return {"cat": "Node", "name": f"{name}_kernel_time", "dur": us, "args": {"op_name": op}}

    events = [
        event("stem/Conv_nchwc", "Conv", 900),  # the warm-up
        event("stem/Conv_nchwc", "Conv", 10),
        event("stem/Conv_nchwc", "Conv", 12),
        event("stem/Conv_nchwc", "Conv", 50),
        event("stem/Relu", "Relu", 1),
        event("ReorderOutput", "ReorderOutput", 4),
        {"cat": "Session", "name": "model_run", "dur": 1000},
    ]
    found = of_events(events, calls=3)
    assert [(r.layer, r.ops, r.microseconds) for r in found] == [
        ("stem", ("Conv", "Relu"), 13),
        ("", ("ReorderOutput",), 4),
    ]


def packages(root: Path, *values: int) -> None:
    for i, value in enumerate(values):
        folder = root / f"intel-rapl:{i}"
        folder.mkdir(exist_ok=True)
        (folder / "energy_uj").write_text(str(value))
        (folder / "max_energy_range_uj").write_text("1000000")
    (root / "intel-rapl:0:0").mkdir(exist_ok=True)  # a part of the first package: counted there


def test_energy_is_the_sum_of_packages_and_counters_begin_anew(tmp_path: Path):
    packages(tmp_path, 900_000, 100_000)
    counter = energies.Counter(tmp_path)
    packages(tmp_path, 100_000, 400_000)
    assert counter.joules() == pytest.approx(0.2 + 0.3)
    assert counter.joules() == 0


def test_without_counters_energy_is_left_out_with_the_reason(tmp_path: Path, folder: Path):
    with pytest.raises(StepFailed, match="this machine counts none"):
        energies.energy(entries([folder / "small.onnx"])[0], root=tmp_path)


def test_energy_of_a_photo_is_above_that_of_rest(folder: Path, tmp_path: Path):
    packages(tmp_path, 0)
    found = energies.energy(entries([folder / "small.onnx"])[0], seconds=0.05, root=tmp_path)
    assert found.value == 0
    assert found.unit == "joules"
    assert "0.0 W at rest" in found.how


def test_the_process_that_runs_a_file_loads_no_torch(folder: Path):
    code = (
        "import sys, io\nsys.stdin = io.StringIO('{\"runs\": 1}\\n')\n"
        "from secateur.measure.worker import main\n"
        f"main([{str(folder / 'small.onnx')!r}, '--runtime', 'onnxruntime'])\n"
        "assert 'torch' not in sys.modules and 'scipy' not in sys.modules and 'pydantic' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    ready, answer = (json.loads(line) for line in done.stdout.splitlines())
    assert ready["input_px"] == 16
    assert len(answer["ns"]) == 1


def test_an_int8_file_that_was_calibrated_for_another_family_says_so(tmp_path: Path):
    plain, foreign = network(tmp_path / "plain.onnx"), network(tmp_path / "foreign.onnx")
    model = onnx.load(foreign)
    helper.set_model_props(model, {INT8_FOR: "PDP-11"})
    onnx.save(model, foreign)
    found = bench(entries([plain, foreign]), "plain", [Way(1, 1)], effort=LITTLE)
    (said,) = [d for d in found.doubts if "calibrated" in d]
    assert said.startswith("foreign was calibrated for PDP-11, and this is ")
    assert INT8_FOR == FAMILY


def test_a_bench_while_another_process_loads_a_core_says_so(folder: Path):
    burn = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2)]
    try:
        found = bench(entries([folder / "small.onnx"]), "small", [Way(1, 1)], effort=Effort(rounds=300, processes=2))
    finally:
        for process in burn:
            process.kill()
            process.wait()
    assert any("the machine was busy" in doubt for doubt in found.doubts), found.doubts
