"""Every record that crosses a folder of the package. Standard library only; immutable.

A record is read and written as JSON by `secateur.files`; nothing else touches the disk.
Units stand in the names: accuracies and fractions are in [0, 1], `_points` are percentage points,
`_bytes` are bytes, `macs` are multiply-adds for one photo.
"""

from dataclasses import is_dataclass

from secateur.records.answers import UNSURE, Answer, Answers
from secateur.records.bench import Bench, Candidate, LayerTime, Peak, Speed, Timing, UnderLimit, Way
from secateur.records.brief import brief, html
from secateur.records.calibration import Bin, Reliability
from secateur.records.comparisons import Comparison, Verdict
from secateur.records.exports import Converted, Exported
from secateur.records.harm import Churn, ClassChange, Harm, Paid, Robustness, RobustnessRow, Victim
from secateur.records.judged import ClassShift, Filed, Judged, Shift, Trained, Unknown
from secateur.records.limits import Cost, Fit, Fits, Limits, Pick
from secateur.records.looks import Look, Looks, Opened
from secateur.records.models import ClassRow, Epoch, Evaluation, Figures, History, LayerRow, Parity, Profile, Sizes
from secateur.records.numbers import Machine, Measured
from secateur.records.photos import NO_DEPTH, Depth, Photo, Problem, Reading, Snapshot, Split, Taken, Tie
from secateur.records.results import Choice, Claim, DataFacts, ModelResult, Results, Role, Summary, Weighed
from secateur.records.rivals import Rival
from secateur.records.scan import Scan, ScanLayer, ScanPoint
from secateur.records.search import Search, Tried
from secateur.records.steps import Outcome, State, Step

__all__ = [
    "NO_DEPTH",
    "UNSURE",
    "Answer",
    "Answers",
    "Bench",
    "Bin",
    "Candidate",
    "Choice",
    "Churn",
    "Claim",
    "ClassChange",
    "ClassRow",
    "ClassShift",
    "Comparison",
    "Converted",
    "Cost",
    "DataFacts",
    "Depth",
    "Epoch",
    "Evaluation",
    "Exported",
    "Figures",
    "Filed",
    "Fit",
    "Fits",
    "Harm",
    "History",
    "Judged",
    "LayerRow",
    "LayerTime",
    "Limits",
    "Look",
    "Looks",
    "Machine",
    "Measured",
    "ModelResult",
    "Opened",
    "Outcome",
    "Paid",
    "Parity",
    "Peak",
    "Photo",
    "Pick",
    "Problem",
    "Profile",
    "Reading",
    "Reliability",
    "Results",
    "Rival",
    "Robustness",
    "RobustnessRow",
    "Role",
    "Scan",
    "ScanLayer",
    "ScanPoint",
    "Search",
    "Shift",
    "Sizes",
    "Snapshot",
    "Speed",
    "Split",
    "State",
    "Step",
    "Summary",
    "Taken",
    "Tie",
    "Timing",
    "Trained",
    "Tried",
    "UnderLimit",
    "Unknown",
    "Verdict",
    "Victim",
    "Way",
    "Weighed",
]

for _name in __all__:  # one line for print(), a table or a chart for notebooks; of every record, also of the next one
    _record = globals()[_name]
    if isinstance(_record, type) and is_dataclass(_record):
        setattr(_record, "__repr__", brief)  # noqa: B010  # mypy would not have a method assigned
        setattr(_record, "_repr_html_", html)  # noqa: B010
