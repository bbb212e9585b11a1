"""Secateur: labelled photos in; pruned, measured, exported classifiers out, with one honest report.

    import secateur
    snapshot = secateur.scan("photos")
    model = secateur.train(snapshot, secateur.split(snapshot), backbone="cnn")
    small = secateur.retrain(secateur.prune(model, "filter-taylor", 0.5))

What is named in `__all__` lies in `secateur.api` and is loaded when it is first asked for, so that the command line and
a Raspberry Pi begin without it.
"""

import importlib
import os
from typing import TYPE_CHECKING, Any

# ONNX Runtime from 1.29 on writes a session's id into the temporary folder and sends events to its maker, unless this
# is set before it is loaded. What is done here concerns nobody else.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

__version__ = "0.3.0"
__all__ = [
    "Model",
    "NotKnown",
    "SecateurError",
    "StepFailed",
    "UserError",
    "bench",
    "evaluate",
    "export",
    "predict",
    "prune",
    "retrain",
    "scan",
    "split",
    "study",
    "train",
]

if TYPE_CHECKING:
    from secateur.api import (
        Model,
        NotKnown,
        SecateurError,
        StepFailed,
        UserError,
        bench,
        evaluate,
        export,
        predict,
        prune,
        retrain,
        scan,
        split,
        study,
        train,
    )


def __dir__() -> list[str]:
    """What a notebook offers after the dot: not the modules that happen to be loaded."""
    return sorted([*__all__, "__doc__", "__version__"])


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'secateur' has no attribute '{name}'")
    return getattr(importlib.import_module("secateur.api"), name)
