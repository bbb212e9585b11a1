"""Where the time of a file goes, layer by layer, by the run-time's own profiler."""

from __future__ import annotations

import json
import statistics
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

from secateur.errors import StepFailed
from secateur.measure.entries import Entry
from secateur.measure.helper import Helper
from secateur.records import LayerTime

CALLS = 30
WARM_UPS = 5
KERNEL = "_kernel_time"


def layer_times(entry: Entry, calls: int = CALLS) -> tuple[LayerTime, ...]:
    """Median microseconds of every layer, on one thread at batch 1, in the order they run.

    What a run-time made of a layer is counted together: its convolution with the activation that was fused into it,
    and its transposes. Raises StepFailed for another run-time than onnxruntime, or a file that does not run.
    """
    if entry.runtime != "onnxruntime":
        raise StepFailed(f"time a layer: {entry.runtime} has no profile that is read here")
    with tempfile.TemporaryDirectory() as folder:
        helper = Helper(entry.file, entry.runtime, 1, "--profile-to", str(Path(folder, "profile")))
        try:
            said = helper.hello()
            said = said if "error" in said else helper.ask(batch=1, runs=calls, before=WARM_UPS)
            said = said if "error" in said else helper.ask(end=True)
            if "error" in said:
                raise StepFailed(f"{entry.file.name}: {said['error']}")
            events = json.loads(Path(said["profile"]).read_text(encoding="utf-8"))
        finally:
            helper.close()
    return of_events(events, calls)


def of_events(events: list[dict[str, Any]], calls: int) -> tuple[LayerTime, ...]:
    """The last `calls` durations of every node, by the layer that its name begins with."""
    nodes: dict[tuple[str, str], list[float]] = defaultdict(list)
    for event in events:
        if event.get("cat") == "Node" and event["name"].endswith(KERNEL):
            nodes[event["name"].removesuffix(KERNEL), event["args"].get("op_name", "")].append(event["dur"])
    spent: dict[str, float] = defaultdict(float)
    ops: dict[str, list[str]] = defaultdict(list)
    for (name, op), durations in nodes.items():
        layer = name.removeprefix("fused ").split("/")[0] if "/" in name else ""
        spent[layer] += statistics.median(durations[-calls:])
        if op not in ops[layer]:
            ops[layer].append(op)
    return tuple(LayerTime(layer, tuple(ops[layer]), us) for layer, us in spent.items())
