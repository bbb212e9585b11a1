"""INT8 where two products are summed in 16 bits (x86 without VNNI): what bits of weights cost, in answers and in time.

Claim: scales that keep every pair of neighbours within 16 bits err at most half as much as seven bits (mean square of
the logits), in the same time within 5 %. Against: seven bits for every weight, which onnxruntime advises; all eight,
which overflow; unsigned weights, which do not and are slow. The control is the float file.

EfficientNet-Lite0 with its packaged ImageNet weights, frozen, and a linear head trained on the features of the training
photos (70/15/15, seed 0); 200 of them calibrate. Answers on test photos; time on one thread, interleaved, fresh
processes.

    python benchmarks/int8.py --photos FOLDER [--number 4000] [--px 96]
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from _lite0 import arguments, trained
from secateur.forms import int8, onnx, runtime
from secateur.forms.int8_scales import scales
from secateur.measure.bench import Effort, bench
from secateur.measure.entries import entry
from secateur.models import saved
from secateur.records import Way

WAYS = ("seven bits", "eight, in pairs", "eight", "unsigned")


def write(way: str, folded: Path, photos: runtime.Pixels, out: Path) -> Path:
    quantize_static(
        folded,
        out,
        int8._Reader(photos),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        reduce_range=way == "seven bits",
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QUInt8 if way == "unsigned" else QuantType.QInt8,
        calibrate_method=CalibrationMethod.MinMax,
        extra_options={"TensorQuantOverrides": scales(folded)} if way == "eight, in pairs" else {},
    )
    return out


def main() -> None:
    given = arguments(__doc__ or "")
    with trained(given) as (model, sides), tempfile.TemporaryDirectory() as folder:
        file, folded = Path(folder, "fp32.onnx"), Path(folder, "folded.onnx")
        names = [str(i) for i in range(10)]
        onnx.export(model.eval(), saved.preprocess_for(given.px, *map(tuple, sides.normal)), names, file, {})
        quant_pre_process(file, folded, skip_symbolic_shape=True)
        some = np.sort(np.random.default_rng(0).permutation(sides.dealt.train)[: int8.PHOTOS])
        test = np.asarray(sides.dealt.test)
        files = {w: write(w, folded, sides.pixels[some], Path(folder, f"{i}.onnx")) for i, w in enumerate(WAYS)}
        said = {w: runtime.load(f).logits(sides.pixels[test]) for w, f in ({"fp32": file} | files).items()}
        found = bench(
            [entry(f, w) for w, f in ({"fp32": file} | files).items()],
            "fp32",
            [Way(1, 1)],
            effort=Effort(rounds=120, processes=4, seconds=120),
        )
        speed = {t.model: t.speedup for t in found.timings}
        right, off = sides.labels[test], {}
        for way, logits in said.items():
            off[way] = float(np.square(logits - said["fp32"]).mean() / said["fp32"].var())
            alike = (logits.argmax(1) == said["fp32"].argmax(1)).mean()
            s = speed[way]
            band = "" if s.low is None else f" [{s.low:.2f}, {s.high:.2f}]"
            print(
                f"{way}: {(logits.argmax(1) == right).mean():.1%} of {len(test)} right, {alike:.1%} as in floats, "
                f"error {off[way]:.4f} of the logits' variance, {s.value:.2f}{band} × as fast"
            )
        ratio, slower = off["eight, in pairs"] / off["seven bits"], speed["seven bits"].value / speed[WAYS[1]].value
        print(f"error {ratio:.2f} of seven bits': {'met' if ratio <= 0.5 else 'MISSED'}")
        print(f"time {slower:.2f} of seven bits': {'met' if slower <= 1.05 else 'MISSED'}")


if __name__ == "__main__":
    main()
