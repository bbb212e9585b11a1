"""A model file opened in the run-time it is for, and called. No torch, nothing of this package but its errors.

Run-times are imported when they are asked for: only onnxruntime is part of the base install.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from secateur.errors import NotKnown, UserError, first_line, no_file

Array = npt.NDArray[Any]
PACKAGES = {
    "onnxruntime": "onnxruntime",
    "openvino": "openvino",
    "litert": "ai_edge_litert",
    "executorch": "executorch",
}
INT8_FOR = "secateur.int8_for"  # in a file's metadata, as secateur.forms.int8 writes it
USUAL = {  # by a file's suffix
    ".onnx": "onnxruntime",
    ".xml": "openvino",
    ".tflite": "litert",
    ".pte": "executorch",
}


@dataclass(frozen=True, slots=True)
class Opened:
    """A model, loaded."""

    call: Callable[[Array], Array]  # photos of `shape` and `dtype` → its first output
    shape: tuple[int, int, int]  # of one photo, as the file wants it
    dtype: Any
    fixed_batch: int  # the only batch it takes; 0: any
    end: Callable[[], str] | None = None  # where a profile is kept: stop, and say where
    made_for: str = ""  # INT8 files of ours: the family of processors that they were calibrated for

    @property
    def input_px(self) -> int:
        """Side of a photo, whichever axis holds the colours."""
        return sorted(self.shape)[1]

    def photos(self, batch: int) -> Array:
        """Noise of the right shape, the same every time: how long a network takes does not depend on what it sees."""
        noise = np.random.default_rng(0).integers(0, 256, (batch, *self.shape), np.uint8)
        return noise if self.dtype == np.uint8 else (noise / 255).astype(self.dtype)


def runtime_of(file: Path, wanted: str = "") -> str:
    """The run-time for a file: the one asked for, or its suffix's. Raises UserError where there is none, or it is not
    installed."""
    if not file.is_file():
        raise no_file(file)
    if wanted and wanted not in PACKAGES:
        raise NotKnown("run-time", wanted, PACKAGES)
    name = wanted or USUAL.get(file.suffix.lower(), "")
    if not name:
        raise UserError(f"{file} is no model: its name ends in none of {', '.join(USUAL)}")
    if importlib.util.find_spec(PACKAGES[name]) is None:
        package = PACKAGES[name].replace("_", "-")
        raise UserError(f"{file} needs the run-time {name}, which is not installed: pip install {package}")
    return name


def open_model(file: Path, runtime: str, threads: int, profile_to: str = "") -> Opened:
    """Load `file` for `threads` threads, 0: as many as the run-time takes by itself. `profile_to`: with onnxruntime,
    where its profiler writes.

    Raises UserError in one line for what the run-time cannot load, an operator that it lacks among that, and for a
    model that does not take one image.
    """
    try:
        opened: Opened = _OPENERS[runtime](file, threads, profile_to)
    except UserError:
        raise
    except Exception as error:  # run-times' exceptions share no base class
        raise UserError(f"{file.name} does not load in {runtime}: {first_line(error)}") from error
    return opened


def _onnxruntime(file: Path, threads: int, profile_to: str) -> Opened:
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # A pool that spins between two calls would take the processor from the file that is measured next.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    if profile_to:
        options.enable_profiling, options.profile_file_prefix = True, profile_to
    session = ort.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    inputs = session.get_inputs()
    shape, dtype, fixed = one_image(file, [(i.name, i.shape, i.type.removeprefix("tensor(")[:-1]) for i in inputs])
    name = inputs[0].name

    def call(x: Array) -> Array:
        return np.asarray(session.run(None, {name: x})[0])

    family = session.get_modelmeta().custom_metadata_map.get(INT8_FOR, "")
    return Opened(call, shape, dtype, fixed, session.end_profiling if profile_to else None, family)


def _openvino(file: Path, threads: int, profile_to: str) -> Opened:
    import openvino as ov

    core = ov.Core()
    model = core.read_model(file)
    properties = {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY", "NUM_STREAMS": 1}
    compiled = core.compile_model(model, "CPU", properties)
    request = compiled.create_infer_request()
    seen = []
    for i in compiled.inputs:
        sizes = [d.get_length() if d.is_static else "n" for d in i.partial_shape]
        seen.append((i.any_name, sizes, {"u8": "uint8", "f32": "float"}.get(i.element_type.get_type_name(), "other")))
    shape, dtype, fixed = one_image(file, seen)

    def call(x: Array) -> Array:
        return np.asarray(request.infer([x], share_inputs=True)[0])

    return Opened(call, shape, dtype, fixed)


def _litert(file: Path, threads: int, profile_to: str) -> Opened:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(file), num_threads=threads or None)  # 0 it takes for an error
    interpreter.allocate_tensors()
    inputs = interpreter.get_input_details()
    names = {np.uint8: "uint8", np.float32: "float"}
    seen = [(i["name"], [int(n) for n in i["shape_signature"]], names.get(i["dtype"], "other")) for i in inputs]
    shape, dtype, fixed = one_image(file, seen)
    place = inputs[0]["index"]
    held = [0]

    def call(x: Array) -> Array:
        if len(x) != held[0]:
            interpreter.resize_tensor_input(place, x.shape)
            interpreter.allocate_tensors()
            held[0] = len(x)
        interpreter.set_tensor(place, x)
        interpreter.invoke()
        return np.asarray(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]))

    return Opened(call, shape, dtype, fixed)


def _executorch(file: Path, threads: int, profile_to: str) -> Opened:
    """Its thread pool takes all cores whatever is asked for: `threads` holds for operations outside of XNNPACK."""
    import torch
    from executorch.runtime import Runtime

    program = Runtime.get().load_program(file)
    method = program.load_method("forward")
    about = method.metadata.input_tensor_meta(0)
    kind = {0: "uint8", 6: "float"}.get(about.dtype(), "other")  # as torch's ScalarType counts
    shape, dtype, fixed = one_image(file, [("photos", list(about.sizes()), kind)])

    def call(x: Array) -> Array:
        return np.asarray(method.execute([torch.from_numpy(x)])[0].numpy())

    return Opened(call, shape, dtype, fixed)


_OPENERS = {
    "onnxruntime": _onnxruntime,
    "openvino": _openvino,
    "litert": _litert,
    "executorch": _executorch,
}


def one_image(file: Path, inputs: list[tuple[str, list[Any], str]]) -> tuple[tuple[int, int, int], Any, int]:
    """(shape of a photo, its type, the only batch or 0) from (name, shape, type) of every input."""
    types = {"uint8": np.uint8, "float": np.float32}
    if len(inputs) == 1:
        _, sizes, kind = inputs[0]
        rest = sizes[1:]
        stated = len(rest) == 3 and all(isinstance(n, int) and n > 0 for n in rest)
        if stated and kind in types and (3 in rest or 1 in rest):
            fixed = sizes[0] if isinstance(sizes[0], int) and sizes[0] > 0 else 0
            return (rest[0], rest[1], rest[2]), types[kind], fixed
    said = "; ".join(f"'{name}' {kind} {'×'.join(str(n) for n in sizes)}" for name, sizes, kind in inputs)
    raise UserError(f"{file.name} is no image classifier: it takes {said or 'nothing'}, not one photo of a stated size")
