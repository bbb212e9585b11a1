"""What a study leaves open, filled in from the folder and the machine, before anything runs. No torch."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any, Literal

import psutil

from secateur import at_hand, catalogue
from secateur.arms import is_transfer, recipe_for
from secateur.chained import with_heads
from secateur.choice import MethodChoice
from secateur.errors import UserError
from secateur.safe_names import problem, safe_name
from secateur.settings import Study, joined, networks

BARE_BUDGET = "1h"  # for a bare folder: someone who names nothing wants an answer today
EPOCHS_AT_LEAST = 30
EPOCHS_AT_MOST = 100
CNN_PX = 64
VIEWS = 4  # augmented views a photo whose features are kept
# Magnitudes say little of pretrained networks: batch norms rescale every layer.
TRANSFER_METHODS = (MethodChoice(name="fisher", scope="global"), MethodChoice(name="filter-taylor", scope="global"))
PHOTO_PASSES = 60_000  # small folders are seen more often: a network needs steps, not epochs


def bare(folder: str, photos: int, split: bool = False, grouped: bool = False) -> dict[str, object]:
    """Defaults for a folder of so many photos, where the user named no study file; `split`: it is split already, which
    counts unless the user says what belongs together (`grouped`)."""
    epochs = max(EPOCHS_AT_LEAST, min(EPOCHS_AT_MOST, round(PHOTO_PASSES / max(1, photos))))
    own = {"split": "folders"} if split and not grouped else {}
    return {"folder": folder, "epochs": epochs, "budget": BARE_BUDGET} | own


def settle(study: Study, jobs: int = 1) -> Study:
    """Names, network, weights, sizes, epochs, precision and threads filled in; nothing that was set is changed.

    Raises UserError: weights asked for that are not here, a model to begin from that is none.
    """
    return joined([_settled(part, jobs) for part in networks(study)])


def _settled(study: Study, jobs: int) -> Study:
    study = _network(study)
    _begun(study)
    for name in study.exports:
        at_hand.converter(catalogue.export(name))
    if is_transfer(study) and "methods" not in study.model_fields_set:
        study = study.model_copy(update={"methods": TRANSFER_METHODS})
    if study.chains:
        study = study.model_copy(update={"methods": with_heads(study.methods, study.chains, study.sparsities)})
    name = study.name or run_name(Path(study.folder))
    if why := problem(name):
        raise UserError(f"the study cannot be called so: {why}; '{safe_name(name)}' would do")
    precision = study.precision
    if precision == "auto":
        # timm's networks are full of depthwise convolutions, which bf16 slows on a CPU (benchmarks/precision.py)
        fast = study.device == "cuda" or (has_bf16(_cpuinfo()) and not is_transfer(study))
        precision = "bf16" if fast else "fp32"
    filled = {"name": name, "precision": precision, "threads": study.threads or max(1, _cores() // jobs)}
    filled["epochs"] = epochs = study.epochs or _recipe(study, "head").epochs
    filled["retrain_epochs"] = study.retrain_epochs or max(1, epochs // 2)
    if is_transfer(study):
        filled["tune_epochs"] = study.tune_epochs or _recipe(study, "all").epochs
        augmented = (study.augment or _recipe(study, "head").augment) != "none"
        filled["views"] = study.views or (VIEWS if augmented else 1)
    return study.model_copy(update=filled)


def run_name(folder: Path) -> str:
    """What a study of these photos is called where nobody names it: as their folder, in a name that every system takes
    and that hides nothing."""
    return safe_name(folder.name.lstrip(".")) if folder.name.strip(".") else "study"


def _network(study: Study) -> Study:
    """Which network, begun from which weights, at which size."""
    if study.start:
        study = study.model_copy(update=at_hand.saved(study.start))
        return study
    backbone = study.backbone or at_hand.best()
    row = catalogue.backbone(backbone)
    px = study.input_px or (CNN_PX if row.where else row.default_px)
    weights = "" if row.where else at_hand.source(row, study.weights)
    return study.model_copy(update={"backbone": backbone, "input_px": px, "weights": weights})


def _begun(study: Study) -> None:
    """Raises UserError for a method that begins from weights that this network never had."""
    for choice in study.methods:
        if choice.start == "initialisation" and (is_transfer(study) or study.start):
            raise UserError(
                f"method '{choice.name}' prunes before any training, and '{study.backbone}' begins from trained "
                f"weights: take backbone 'cnn', or begins = 'dense'"
            )


def _recipe(study: Study, what: Literal["head", "all"]) -> Any:
    return catalogue.load(catalogue.named(catalogue.RECIPES, "recipe", recipe_for(study, study.recipe, what)).where)


def _cores() -> int:
    """What OMP_NUM_THREADS says, as everywhere; else the physical cores."""
    told = os.environ.get("OMP_NUM_THREADS", "")
    return int(told) if told.isdigit() and int(told) else psutil.cpu_count(logical=False) or 1


def has_bf16(cpuinfo: str) -> bool:
    """Does /proc/cpuinfo name instructions that multiply bf16? Without them bf16 is slower than fp32."""
    words = set(cpuinfo.split())
    return bool(words & {"avx512_bf16", "amx_bf16"})


def _cpuinfo() -> str:
    path = Path("/proc/cpuinfo")
    return path.read_text(encoding="utf-8") if platform.system() == "Linux" and path.exists() else ""
