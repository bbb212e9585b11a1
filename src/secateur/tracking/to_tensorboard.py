"""A finished run in TensorBoard: curves and figures a network, tables and the answer as text, the chart of size and
accuracy as a picture."""

from __future__ import annotations

import io
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from secateur.errors import UserError
from secateur.records import Results
from secateur.report.figures import figures as charts
from secateur.report.still import png
from secateur.report.story import tell
from secateur.tracking.said import claims_table, curves, digest, figures, markdown, models_table, network, settings

MARK = "run.txt"  # in the folder: which run it holds
CHART = "size-onnx"


def track(results: Results, home: Path, where: str = "") -> str:
    """Write event files; returns where they lie, in words. What an earlier log of the same study wrote is replaced.

    `home`: the run's folder. `where`: a log folder that may hold other studies, too; "": RUNS/tensorboard. Raises
    UserError where TensorBoard is not installed, or a folder there is somebody else's.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise UserError("--track tensorboard needs TensorBoard: pip install 'secateur[train,tensorboard]'") from error
    folder = (Path(where) if where else home.parent / "tensorboard") / results.name
    if folder.exists() and not (folder / MARK).is_file():
        raise UserError(f"{folder} exists and holds no log of Secateur's; name another folder")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / MARK).write_text(digest(results), encoding="utf-8")
    told = tell(results)
    with SummaryWriter(str(folder)) as out:
        rows = settings(results)
        out.add_text("settings", markdown({"setting": list(rows), "value": list(rows.values())}))
        out.add_text("models", markdown(models_table(told["models"])))
        if told["claims"]:
            out.add_text("comparisons", markdown(claims_table(told["claims"])))
        out.add_text("report", f"`{(home / 'report.html').resolve()}`; models: `{(home / 'models').resolve()}`")
        chart = charts(told).get(CHART)
        if chart:
            out.add_image("size and accuracy", _drawn(chart), dataformats="HWC")
    for model in results.models:
        with SummaryWriter(str(folder / model.config / f"seed{model.seed}")) as out:
            for epoch, row in curves(model):
                for name, value in row.items():
                    out.add_scalar(name, value, epoch)
            own = figures(results, model)
            for name, value in own.items():
                out.add_scalar(name, value, 0)
            # `run_name` ".": the figures stand beside the curves, not in a folder of their own
            out.add_hparams(network(model), {f"hparam/{k}": v for k, v in own.items()}, run_name=".")
    return f"tensorboard --logdir {folder.parent}"


def _drawn(chart: dict[str, Any]) -> Any:
    """(height, width, 3) uint8."""
    return np.asarray(Image.open(io.BytesIO(png(chart))).convert("RGB"))
