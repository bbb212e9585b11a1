"""The packed form: exact where it says so, within its error elsewhere, small, and suspicious."""

from __future__ import annotations

import json
import lzma
import math
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from secateur.errors import UserError
from secateur.forms import packed, packing, runtime
from secateur.models import saved
from secateur.models.build import build


def file_of(*arrays: np.ndarray) -> bytes:
    """An ONNX file that holds these tensors, a small one behind each."""
    tensors = []
    for i, array in enumerate(arrays):
        tensors += [numpy_helper.from_array(array, f"w{i}"), numpy_helper.from_array(np.arange(3.0), f"small{i}")]
    out = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    nodes = [helper.make_node("Identity", ["w0"], ["y"])]
    return helper.make_model(helper.make_graph(nodes, "g", [], [out], tensors)).SerializeToString()


def tensors(content: bytes) -> dict[str, np.ndarray]:
    return {i.name: numpy_helper.to_array(i) for i in onnx.load_from_string(content).graph.initializer}


def sparse(shape: tuple[int, ...], sparsity: float, seed: int, dtype: str = "float32") -> np.ndarray:
    chance = np.random.default_rng(seed)
    values = chance.normal(0, 0.05, shape) if dtype == "float32" else chance.integers(-127, 128, shape)
    return np.where(chance.random(shape) >= sparsity, values, 0).astype(dtype)


SHAPES = st.one_of(
    st.tuples(st.integers(1, 40), st.integers(1, 40)),
    st.tuples(st.integers(1, 12), st.integers(1, 12), st.integers(1, 5), st.integers(1, 5)),
)


@settings(max_examples=50, deadline=None)
@given(
    SHAPES,
    st.floats(0, 1),
    st.integers(0, 1000),
    st.sampled_from(["float32", "int8", "uint8"]),
    st.sampled_from(["fp32", "fp16", "int8"]),
)
def test_round_trip(shape: tuple[int, ...], sparsity: float, seed: int, dtype: str, values: packing.Values):
    array, other = sparse(shape, sparsity, seed, dtype), sparse((9, 11), 0.5, seed + 1)
    content = file_of(array, other, np.ones((3, 3), np.float32))
    made = packing.pack(content, values)
    back = packed.unpack(made.content)
    if values == "fp32":
        assert back == content and made.error == 0
    before, after = tensors(content), tensors(back)
    for name, tensor in before.items():
        assert after[name].dtype == tensor.dtype and (after[name][tensor == 0] == 0).all()
        if dtype != "float32" and name == "w0":
            assert (after[name] == tensor).all()
        off = np.abs(after[name].astype(float) - tensor).max() / max(np.abs(tensor.astype(float)).max(), 1e-30)
        assert off <= made.error + 1e-12
        assert off <= {"fp32": 0, "fp16": 2**-11, "int8": 0.505 / 127}[values]


def test_what_is_exact_is_exact_to_the_bit():
    """Not-a-number, infinities and the smallest number are values like any other; a zero loses its sign."""
    array = np.zeros((8, 9), np.float32)
    array[0, :4] = [np.nan, np.inf, -np.inf, 1e-45]
    content = file_of(array)
    made = packing.pack(content)
    assert packed.unpack(made.content) == content and made.error == 0
    array[3] = -0.0  # as `weights * mask` leaves them
    assert packed.unpack(packing.pack(file_of(array)).content) == content


def test_numbers_too_large_for_fp16_stay_as_they_are():
    content = file_of(np.full((8, 9), 1e6, np.float32))
    made = packing.pack(content, "fp16")
    assert packed.unpack(made.content) == content and made.error == 0


@pytest.mark.parametrize("values", ["fp32", "fp16", "int8"])
@pytest.mark.parametrize("sparsity", [0.3, 0.5, 0.7, 0.8, 0.9, 0.95])
def test_within_a_twentieth_of_the_reference(sparsity: float, values: packing.Values):
    """PROTOCOL's reference, by hand: n·H(s) bits and the kept values at the bits of their type."""
    array = sparse((128, 2048), sparsity, 3)
    kept = np.count_nonzero(array) / array.size
    entropy = -kept * math.log2(kept) - (1 - kept) * math.log2(1 - kept)
    reference = array.size * (entropy + kept * {"fp32": 32, "fp16": 16, "int8": 8}[values]) / 8
    made = packing.pack(file_of(array), values)
    assert made.reference == pytest.approx(reference, abs=1)
    assert len(made.content) <= 1.05 * reference + 300  # the table and what is left of the file


@pytest.mark.parametrize("sparsity", [0.2, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99])
def test_places_take_little_more_than_their_entropy(sparsity: float):
    mask = np.random.default_rng(0).random(500_000) >= sparsity
    kept = float(mask.mean())
    entropy = len(mask) * packing.entropy_bits(1 - kept) / 8
    quotients, remainders, _ = packing.rice(mask if kept < 0.5 else ~mask)
    assert entropy <= len(quotients) + len(remainders) <= 1.025 * entropy + 2


@pytest.mark.parametrize("k", [0, 1, 5])
def test_rice_codes_by_hand(k: int):
    """Gaps 3, 0, 6: unary 1110 0 1111110 with k = 0; with k = 1 quotients 1, 0, 3 and remainders 1, 0, 0."""
    mask = np.zeros(12, bool)
    mask[[3, 4, 11]] = True
    unary = "".join("1" * (g >> k) + "0" for g in (3, 0, 6))
    low = "".join(format(g & ((1 << k) - 1), f"0{k}b") for g in (3, 0, 6)) if k else ""

    def bits(said: str, fill: str) -> bytes:
        whole = said + fill * (-len(said) % 8)
        return bytes(int(whole[i : i + 8], 2) for i in range(0, len(whole), 8))

    assert packed.positions(bits(unary, "1"), bits(low, "0"), 12, 3, k).tolist() == mask.tolist()
    quotients, remainders, best = packing.rice(mask)
    assert packed.positions(quotients, remainders, 12, 3, best).tolist() == mask.tolist()
    assert best in (1, 2)


def test_a_pruned_network_answers_the_same_from_its_packed_file(tmp_path: Path):
    from secateur.forms.onnx import export

    model = build("cnn", 3, 16, seed=1)
    for p in model.parameters():
        if p.dim() > 1:
            p.data.mul_(p.abs() > p.abs().median())
    export(model, saved.preprocess_for(16), ("a", "b", "c"), tmp_path / "m.onnx", {})
    content = (tmp_path / "m.onnx").read_bytes()
    (tmp_path / "m.packed").write_bytes(packing.pack(content).content)
    (tmp_path / "small.packed").write_bytes(packing.pack(content, "int8").content)
    assert (tmp_path / "m.packed").stat().st_size < 0.6 * len(content)
    photos = np.random.default_rng(0).integers(0, 256, (20, 16, 16, 3), np.uint8)
    plain, exact, small = (runtime.load(tmp_path / n) for n in ("m.onnx", "m.packed", "small.packed"))
    assert exact.labels == plain.labels and exact.input_px == 16
    np.testing.assert_array_equal(exact.logits(photos), plain.logits(photos))
    said, near = plain.logits(photos), small.logits(photos)
    assert 0 < np.abs(near - said).max() < 0.1 * np.abs(said).max()


CONTENT = packing.pack(file_of(sparse((40, 50), 0.7, 1))).content


@pytest.mark.parametrize("place", [0, 20, 25, len(CONTENT) // 2, len(CONTENT) - 1])
def test_an_altered_byte_is_noticed(place: int):
    altered = bytearray(CONTENT)
    altered[place] ^= 0x10
    with pytest.raises(packed.Altered, match="truncated or altered"):
        packed.unpack(bytes(altered))


@pytest.mark.parametrize("length", [0, 10, 21, 22, len(CONTENT) - 1])
def test_a_truncated_file_is_noticed(length: int):
    with pytest.raises(packed.Altered, match="truncated or altered"):
        packed.unpack(CONTENT[:length])


KEYS = ["size", "rest", "n", "m", "k", "quotients", "remainders", "at", "planes", "values"]


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(KEYS),
    st.one_of(st.integers(-(2**40), 2**40), st.just(None), st.just("x"), st.lists(st.integers(0, 99))),
)
def test_no_table_makes_it_fail_otherwise(key: str, odd: object):
    """Hostile tables: any number anywhere is refused in one line, and nothing large is made of it."""
    start = len(packed.MAGIC) + 4
    end = start + int.from_bytes(CONTENT[len(packed.MAGIC) : start], "big")
    table = json.loads(packed.expand(CONTENT[start:end], 1 << 20))
    where = table if key in table else table["tensors"][0]
    if where[key] == odd:
        return
    where[key] = odd
    words = lzma.compress(json.dumps(table).encode(), lzma.FORMAT_RAW, filters=packed.FILTERS)
    hostile = packed.MAGIC + len(words).to_bytes(4, "big") + words + CONTENT[end:]
    with pytest.raises(packed.Altered, match="truncated or altered"):
        packed.unpack(hostile)


def test_what_is_no_model_is_not_packed():
    with pytest.raises(UserError, match="no ONNX file"):
        packing.pack(b"not a model at all")
