"""STEPS: kind → read inputs, call one function, write files. Whoever reads this file and its folder knows every
file that a study writes. Functions are named, not imported: a plan is made without torch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """A kind of step. Raise `version` when the same inputs give another result: no old key is found again."""

    version: int
    where: str  # "module:function", called with a Context
    files: str  # what it writes
    tolerant: bool = False  # goes on without those of its inputs that failed
    libraries: tuple[str, ...] = ()  # whose versions stand in its key: a new release may answer otherwise
    local: bool = False  # the machine stands in its key, too


STEPS: dict[str, Row] = {
    "split": Row(1, "secateur.steps.photos:split", "split.json"),
    "pixels": Row(2, "secateur.steps.photos:pixels", "pixels.npy: (N, px, px, 3) uint8"),
    "features": Row(
        1, "secateur.steps.features:features", "train.npy: (K, n, d) float32; val.npy: (n, d)", libraries=("timm",)
    ),
    "lessons": Row(1, "secateur.steps.lessons:lessons", "lessons.npy: (E, n, c) float32, a teacher's logits"),
    "adopt": Row(1, "secateur.steps.train:adopt", "a saved model, history.json"),
    "train": Row(1, "secateur.steps.train:train", "a saved model, history.json"),
    "begin": Row(1, "secateur.steps.train:begin", "a saved model"),
    "regularise": Row(1, "secateur.steps.train:retrain", "a saved model, history.json"),
    "evidence": Row(2, "secateur.steps.evidence:gather", "evidence.safetensors"),
    "scan": Row(2, "secateur.steps.scan:run", "scan.json"),
    "search": Row(2, "secateur.steps.search:find", "search.json", libraries=("torch", "onnxruntime"), local=True),
    "prune": Row(5, "secateur.steps.prune:prune", "a saved model, pruned.json"),
    "retrain": Row(1, "secateur.steps.train:retrain", "a saved model, history.json"),
    "export": Row(4, "secateur.steps.deploy:export", "model.onnx", libraries=("torch", "onnxscript")),
    "quantize": Row(
        3, "secateur.steps.deploy:quantize", "model.onnx, history.json", libraries=("onnxruntime", "onnx"), local=True
    ),
    "convert": Row(
        2, "secateur.steps.convert:convert", "the files of a format, converted.json", libraries=("torch", "onnx")
    ),
    "parity": Row(2, "secateur.steps.parity:parity", "parity.json", libraries=("torch", "onnxruntime")),
    "profile": Row(5, "secateur.steps.measure:profile", "profile.json, sizes.json"),
    "rival": Row(2, "secateur.steps.rival:find", "rival.json", tolerant=True, libraries=("onnxruntime",), local=True),
    "fresh": Row(1, "secateur.steps.rival:fresh", "a saved model"),
    "bench": Row(
        2, "secateur.steps.bench:time_files", "bench.json", tolerant=True, libraries=("onnxruntime",), local=True
    ),
    "choose": Row(2, "secateur.steps.judge:choose", "choice.json", tolerant=True),
    "evaluate": Row(4, "secateur.steps.measure:evaluate", "evaluation.json", libraries=("onnxruntime",)),
    "robustness": Row(
        2, "secateur.steps.measure:robustness", "robustness.json", tolerant=True, libraries=("onnxruntime",)
    ),
    "collect": Row(7, "secateur.steps.judge:collect", "collected.json", tolerant=True),
}
