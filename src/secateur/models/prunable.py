"""What of a network can be pruned, and why the rest cannot."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from torch import Tensor, nn

from secateur.errors import NotKnown, UserError
from secateur.models.transfer import Transfer

Layer = nn.Conv2d | nn.Linear
PARTS = ("all", "head", "backbone")
_PREFIX = {"head": "head.", "backbone": "body."}


def layers(model: nn.Module) -> Iterator[tuple[str, Layer]]:
    """Convolutions and dense layers, in the order of the network."""
    for name, module in model.named_modules():
        if isinstance(module, Layer):
            yield name, module


def classifier(model: nn.Module) -> str:
    """The last dense layer: its outputs are the classes."""
    dense = [name for name, module in layers(model) if isinstance(module, nn.Linear)]
    return dense[-1] if dense else ""


def parts(model: nn.Module) -> tuple[str, ...]:
    """What `weights` may be asked for: a transfer network has a backbone and a head, the CNN is one piece."""
    return PARTS if isinstance(model, Transfer) else PARTS[:1]


def weights(
    model: nn.Module, spare: Iterable[str] = (), part: str = "all", whole_first: bool = False
) -> dict[str, Tensor]:
    """Parameter name → weight of every convolution and dense layer that is not spared; biases, norms and
    layer-scale are never pruned. A weight that layers share stands once, under the first of them.

    `part` "backbone": of a transfer network, what stands before the head. "head": the dense layers in front of the
    classifier and not the classifier itself, as the original study pruned its transfer model; where the head is
    one dense layer ("linear"), that one. `whole_first`: the first layer of the network is spared, too.

    Raises NotKnown for a spared layer or a part that is not there, UserError where nothing is left to prune.
    """
    if part not in parts(model):
        raise NotKnown("part of this network", part, parts(model))
    found = dict(layers(model))
    spared = set(spare)
    for name in sorted(spared):
        if name not in found:
            raise NotKnown("layer to spare", name, found)
    spared |= {first(model)} if whole_first else set()
    chosen = [name for name in _of(model, found, part) if name not in spared]
    if not chosen:
        raise UserError(f"nothing to prune in part '{part}': every layer is spared")
    once: dict[int, str] = {}
    for name in chosen:
        once.setdefault(id(found[name].weight), name)
    return {f"{name}.weight": found[name].weight for name in once.values()}


def _of(model: nn.Module, names: Iterable[str], part: str) -> list[str]:
    if part == "all":
        return list(names)
    inside = [name for name in names if name.startswith(_PREFIX[part])]
    if part == "head" and len(inside) > 1:
        inside.remove(classifier(model))
    return inside


def first(model: nn.Module) -> str:
    """The first convolution or dense layer, in the network's order."""
    return next(name for name, _ in layers(model))


def weights_named(model: nn.Module, names: Iterable[str]) -> dict[str, Tensor]:
    """The parameters of these names."""
    own: dict[str, Tensor] = dict(model.named_parameters())
    return {name: own[name] for name in names}


def why(model: nn.Module, name: str, module: nn.Module) -> str:
    """In words: what can be pruned of this module, or why nothing can. Of filters it says what its kind allows;
    what a network's couplings forbid is found by tracing it (`pruning.channels.trace`)."""
    match module:
        case nn.Linear() if name == classifier(model):
            return "weights; not its units: they are the classes"
        case nn.Linear() if _attends(name):
            return "weights, filters; whole heads of attention at a time, where they can be followed"
        case nn.Linear() if isinstance(model, Transfer) and name.startswith(_PREFIX["backbone"]):
            return "weights, filters"  # a convolution of one pixel, as ConvNeXt writes it
        case nn.Linear():
            return "weights, hidden units"
        case nn.Conv2d() if module.groups > 1 and module.groups == module.in_channels == module.out_channels:
            return "weights; its filters follow the layer before: one a channel (depthwise)"
        case nn.Conv2d() if module.groups > 1:
            return f"weights, filters; whole groups at a time ({module.groups}), where they can be followed"
        case nn.Conv2d() if _gates(name):
            return "weights; its filters follow the layer that it scales (squeeze-excite)"
        case nn.Conv2d():
            return "weights, filters"
    for kinds, reason in _NEVER:
        if isinstance(module, kinds):
            return reason
    if any(True for _ in module.parameters(recurse=False)):
        return "no: parameters of its own follow the layers around"
    return "no: has no weights"


def _gates(name: str) -> bool:
    """The second layer of squeeze-excite, as timm names it (`se.conv_expand`, `se.fc2`)."""
    return name.endswith((".conv_expand", "se.fc2"))


def _attends(name: str) -> bool:
    return name.endswith((".qkv", ".attn.q", ".attn.kv"))


_NEVER: tuple[tuple[tuple[type[nn.Module], ...], str], ...] = (
    ((nn.BatchNorm1d, nn.BatchNorm2d), "no: scale and shift follow the layer before"),
    ((nn.LayerNorm, nn.GroupNorm), "no: scale and shift follow the layers that it normalises"),
    ((nn.PReLU,), "no: slopes follow the layer before"),
    ((nn.Conv1d, nn.Conv3d), "no: only convolutions over a picture are pruned"),
    ((nn.Embedding, nn.MultiheadAttention, nn.RNNBase), "no: only convolutions and dense layers are pruned"),
)
