"""Makes `import torchvision` work beside a torch that its compiled part does not fit.

torchvision's wheels carry a compiled extension built for one torch build. Beside another one (CPU torch with the CUDA
wheel, most often) the extension is skipped silently, and the import then dies with "operator
torchvision::nms does not exist": it attaches shape rules to operators that were never declared. Declaring
them is enough for all that needs no compiled operator: networks, weights, transforms.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

import torch

# As torchvision declares them (csrc/ops/nms.cpp, csrc/ops/quantized/cpu/qnms_kernel.cpp).
OPERATORS = {
    "nms": "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms": "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
}


def import_torchvision() -> ModuleType:
    """torchvision, imported. Declares the missing operators only where the plain import fails for them.

    Raises ImportError where torchvision is not installed; whatever else its import raises.
    """
    try:
        return importlib.import_module("torchvision")
    except RuntimeError as error:
        if "torchvision::" not in str(error) or "does not exist" not in str(error):
            raise
    for name in [m for m in sys.modules if m == "torchvision" or m.startswith("torchvision.")]:
        del sys.modules[name]  # half imported
    for name, signature in OPERATORS.items():
        if not hasattr(torch.ops.torchvision, name):
            torch.library.define(f"torchvision::{name}", signature)
    return importlib.import_module("torchvision")
