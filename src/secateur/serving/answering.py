"""What every model says of one photo: probabilities, and the time it took, once, on this machine."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from secateur.data.images import Square
from secateur.forms.runtime import softmax
from secateur.serving.models import Served
from secateur.serving.photos import kind, small


def answer(models: Sequence[Served], data: bytes, top: int) -> dict[str, Any]:
    """As JSON says it: the photo (kind, width and height in pixels, upright), the class that more than half of the
    models say (None: there is none), and a row a model, in their order, with its `top` likeliest classes.

    Each input size gets a decoding and a resize of its own, since that is what `secateur predict` does: a JPEG is
    decoded at a scale that depends on it. Raises Refused.
    """
    found = kind(data)
    asked = [(m.classifier.input_px, m.classifier.depth) for m in models]
    squares = {key: small(data, *key) for key in dict.fromkeys(asked)}
    rows = [_row(model, squares[key], top) for model, key in zip(models, asked, strict=True)]
    said = Counter(row["said"] for row in rows if row["said"])
    most = max(said, key=lambda name: said[name], default=None)
    majority = most if most and 2 * said[most] > said.total() else None
    for row in rows:
        row["agrees"] = row["said"] == majority if majority and row["said"] else None
    seen = next(iter(squares.values()))
    return {"photo": {"kind": found, "width": seen.width, "height": seen.height}, "majority": majority, "models": rows}


def _row(model: Served, photo: Square, top: int) -> dict[str, Any]:
    """A model that fails is a row with its reason."""
    labels, said = model.classifier.labels, {"name": model.name, "file": model.file, "doubt": photo.doubt}
    begun = time.perf_counter()
    try:
        logits = model.classifier.logits(photo.pixels[None])  # (1, classes)
    except Exception:  # onnxruntime's exceptions share no base class; where memory is short, it is not our bug
        return said | {"said": "", "classes": [], "ms": None, "problem": "this model could not be run on this photo"}
    ms = 1000 * (time.perf_counter() - begun)
    if not np.isfinite(logits).all():
        return said | {"said": "", "classes": [], "ms": ms, "problem": "this model gave no numbers"}
    own = softmax(logits)[0]
    best = own.argsort()[::-1][:top]
    classes = [{"class": labels[i], "probability": float(own[i])} for i in best]
    return said | {"said": labels[best[0]], "classes": classes, "ms": ms, "problem": ""}
