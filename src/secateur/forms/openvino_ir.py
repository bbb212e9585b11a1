"""OpenVINO's own form: model.xml and model.bin."""

from __future__ import annotations

import json
from pathlib import Path

from secateur.forms.converting import converting
from secateur.forms.deployed import LABELS


def convert(source: Path, out: Path) -> None:
    """Write out/model.xml and out/model.bin from `source`, an exported ONNX file, weights in 32 bits as they are; its
    metadata stand under rt_info/model_info. Raises StepFailed for an operation that OpenVINO lacks."""
    import onnx
    import openvino as ov

    told = {p.key: p.value for p in onnx.load(source, load_external_data=False).metadata_props}
    with converting("OpenVINO"):
        model = ov.convert_model(source)
    for name, value in told.items():
        model.set_rt_info(value, ["model_info", name.replace(".", "_")])
    model.set_rt_info(" ".join(name.replace(" ", "_") for name in json.loads(told[LABELS])), ["model_info", "labels"])
    ov.save_model(model, out / "model.xml", compress_to_fp16=False)
