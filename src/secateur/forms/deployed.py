"""A network as it is deployed: preprocessing inside, so that nobody can get mean, std or channel order wrong."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

LABELS, PX = "secateur.labels", "secateur.input_px"  # in every file's metadata
DEPTH = "secateur.depth"  # where the photos of its training had more than eight bits a channel


class Deployed(nn.Module):
    """(n, px, px, 3) uint8 RGB → logits (n, classes)."""

    scale: Tensor
    shift: Tensor

    def __init__(self, model: nn.Module, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.model = model
        self.register_buffer("scale", 1 / (255 * torch.tensor(std)).view(1, 3, 1, 1))
        self.register_buffer("shift", (torch.tensor(mean) / torch.tensor(std)).view(1, 3, 1, 1))

    def forward(self, photos: Tensor) -> Tensor:
        x = photos.permute(0, 3, 1, 2).to(torch.float32) * self.scale - self.shift
        logits: Tensor = self.model(x)
        return logits


def deployed(model: nn.Module, preprocess: Mapping[str, Any]) -> Deployed:
    """In eval mode, on the CPU. `preprocess`: as `saved.preprocess_for` makes it."""
    return Deployed(model.cpu().eval(), preprocess["mean"], preprocess["std"]).eval()


def example(preprocess: Mapping[str, Any], n: int) -> Tensor:
    """(n, px, px, 3) uint8, black."""
    px = int(preprocess["input_px"])
    return torch.zeros((n, px, px, 3), dtype=torch.uint8)


def properties(preprocess: Mapping[str, Any], labels: Sequence[str], metadata: Mapping[str, str]) -> dict[str, str]:
    """What stands in the metadata of every file."""
    said = {LABELS: json.dumps(list(labels), ensure_ascii=False), PX: str(int(preprocess["input_px"]))}
    if "depth" in preprocess:
        said |= {DEPTH: json.dumps(preprocess["depth"])}
    return said | dict(metadata)
