"""Multiply-adds worked out by hand."""

from __future__ import annotations

import onnx
import pytest
import torch
from torch import nn

from secateur.forms.packing import pack
from secateur.measure.size import entropy_bits, reference_bytes, sizes
from secateur.measure.work import profile
from secateur.models.torchvision_shim import import_torchvision


@pytest.mark.parametrize(
    ("layer", "shape", "expected"),
    [
        (nn.Conv2d(3, 8, 3, padding=1), (1, 3, 10, 10), 8 * 10 * 10 * 3 * 9),
        (nn.Conv2d(3, 8, 3), (1, 3, 10, 10), 8 * 8 * 8 * 3 * 9),
        (nn.Conv2d(3, 8, 3, stride=2, padding=1), (1, 3, 10, 10), 8 * 5 * 5 * 3 * 9),
        (nn.Conv2d(3, 8, 3, dilation=2), (1, 3, 10, 10), 8 * 6 * 6 * 3 * 9),
        (nn.Conv2d(8, 16, 3, groups=4, padding=1), (1, 8, 5, 5), 16 * 25 * 2 * 9),
        (nn.Conv2d(96, 96, 3, groups=96, padding=1), (1, 96, 7, 7), 96 * 49 * 9),
        (nn.Conv2d(8, 4, 1), (1, 8, 6, 6), 4 * 36 * 8),
        (nn.Conv2d(3, 4, (1, 5), padding=(0, 2)), (1, 3, 6, 7), 4 * 42 * 3 * 5),
    ],
    ids=["padded", "unpadded", "strided", "dilated", "grouped", "depthwise", "1×1", "1×5"],
)
def test_convolutions(layer: nn.Module, shape: tuple[int, ...], expected: int):
    made = profile(nn.Sequential(layer), torch.zeros(shape), lambda n, m: "")
    assert made.macs == made.macs_nonzero == expected


def test_a_dense_layer_and_zeros():
    layer = nn.Linear(10, 4)
    with torch.no_grad():
        layer.weight[:, :5] = 0
    made = profile(nn.Sequential(nn.Flatten(), layer), torch.zeros(1, 1, 2, 5), lambda n, m: "")
    assert (made.macs, made.macs_nonzero) == (40, 20)
    assert made.sparsity_of_prunable == 0.5
    assert made.sparsity_of_model == pytest.approx(20 / 44)


def test_what_is_not_counted_is_listed():
    made = profile(nn.Sequential(nn.Conv2d(3, 3, 1), nn.Softplus()), torch.zeros(1, 3, 2, 2), lambda n, m: "")
    assert made.not_counted == ("1 × Softplus",)


@pytest.mark.parametrize(
    "name",
    [
        "efficientnet_b0",
        "mobilenetv2_050",
        "mobilenetv3_small_050",
        "resnet18",
        "convnext_atto",
        "vit_tiny_patch16_224",
    ],
)
def test_layers_are_counted_as_fvcore_counts_them(name: str):
    import_torchvision()
    import timm
    from fvcore.nn import FlopCountAnalysis

    px = 224 if name.startswith("vit") else 64
    model, example = timm.create_model(name, num_classes=7).eval(), torch.zeros(1, 3, px, px)
    analysis = FlopCountAnalysis(model, example).unsupported_ops_warnings(False).uncalled_modules_warnings(False)
    theirs = analysis.by_operator()
    made = profile(model, example, lambda n, m: "")
    assert sum(r.macs for r in made.layers if r.kind.startswith("Conv")) == theirs["conv"]
    assert sum(r.macs for r in made.layers if r.kind.startswith("Linear")) == theirs["linear"]
    assert not any("outside of layers" in words for words in made.not_counted)


@pytest.mark.parametrize("name", ["vit_tiny_patch16_224", "efficientvit_m0"])
def test_attention_is_counted_as_fvcore_counts_it(name: str):
    """fvcore has no count for the fused kernel, so the same products are made one by one for it."""
    import_torchvision()
    import timm
    from fvcore.nn import FlopCountAnalysis
    from timm.layers import set_fused_attn

    model, example = timm.create_model(name, num_classes=7).eval(), torch.zeros(1, 3, 224, 224)
    made = profile(model, example, lambda n, m: "")
    set_fused_attn(False)
    try:
        plain = timm.create_model(name, num_classes=7).eval()
        analysis = FlopCountAnalysis(plain, example).unsupported_ops_warnings(False).uncalled_modules_warnings(False)
        theirs = analysis.by_operator()
    finally:
        set_fused_attn(True)
    assert made.macs == theirs["conv"] + theirs["linear"] + theirs["matmul"] == sum(r.macs for r in made.layers)
    if name.startswith("vit"):  # 12 blocks, 197 tokens, 3 heads 64 wide: queries by keys, weights by values
        assert theirs["matmul"] == 12 * 2 * 197 * 197 * 192
        row = next(r for r in made.layers if r.name == "blocks.0.attn")
        assert (row.kind, row.parameters, row.macs) == ("Attention", 0, 2 * 197 * 197 * 192)


class Product(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.flatten(2) @ x.flatten(2).mT


def test_a_product_outside_of_layers_is_counted_where_it_is_computed():
    made = profile(nn.Sequential(nn.Conv2d(3, 4, 1), Product()), torch.zeros(1, 3, 2, 2), lambda n, m: "")
    assert made.macs == 4 * 4 * 3 + 4 * 4 * 4
    assert [(r.name, r.macs) for r in made.layers] == [("0", 48), ("1", 64)]
    assert made.not_counted == ()


def test_reference_size_by_hand():
    # 1,000 values, half of them zero: 1,000 bits for positions and 500 × 32 for values
    assert reference_bytes([(1000, 500)]) == (1000 + 16_000) // 8
    assert reference_bytes([(1000, 1000)]) == 4000
    assert entropy_bits(0) == entropy_bits(1) == 0
    assert entropy_bits(0.9) == pytest.approx(0.4690, abs=1e-4)


def test_zeros_save_nothing_until_compressed(tmp_path):
    from safetensors.torch import save_file

    torch.manual_seed(0)
    dense = torch.randn(100, 100)
    sparse = dense * (torch.rand(100, 100) > 0.9)
    made = []
    for name, tensor in (("dense", dense), ("sparse", sparse)):
        save_file({"w": tensor}, tmp_path / name)
        graph = onnx.helper.make_graph([], name, [], [], [onnx.numpy_helper.from_array(tensor.numpy(), "w")])
        packed = len(pack(onnx.helper.make_model(graph).SerializeToString()).content)
        made.append(sizes(tmp_path / name, None, [(10_000, int(torch.count_nonzero(tensor)))], 40_000, packed))
    assert made[0].file == made[1].file
    assert made[1].deflate < made[0].deflate / 4
    assert made[1].zstd < made[0].zstd / 4
    assert made[1].reference < made[1].deflate
    assert made[1].packed < made[1].zstd and made[1].packed <= 1.05 * made[1].reference
    assert 0.85 * 40_000 < made[0].packed < 1.01 * 40_000
