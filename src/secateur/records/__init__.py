"""Every record that crosses a folder of the package. Standard library only; immutable.

A record is read and written as JSON by `secateur.files`; nothing else touches the disk.
Units stand in the names: accuracies and fractions are in [0, 1], `_points` are percentage points,
`_bytes` are bytes, `macs` are multiply-adds for one photo.
"""

from secateur.records.models import ClassRow, Epoch, Evaluation, History, LayerRow, Parity, Profile, Sizes
from secateur.records.numbers import Machine, Measured
from secateur.records.photos import Photo, Problem, Snapshot, Split
from secateur.records.results import Choice, Comparison, DataFacts, ModelResult, Results, Role, Summary, Verdict
from secateur.records.steps import Outcome, State, Step

__all__ = [
    "Choice",
    "ClassRow",
    "Comparison",
    "DataFacts",
    "Epoch",
    "Evaluation",
    "History",
    "LayerRow",
    "Machine",
    "Measured",
    "ModelResult",
    "Outcome",
    "Parity",
    "Photo",
    "Problem",
    "Profile",
    "Results",
    "Role",
    "Sizes",
    "Snapshot",
    "Split",
    "State",
    "Step",
    "Summary",
    "Verdict",
]
