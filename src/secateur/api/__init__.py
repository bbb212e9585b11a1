"""The library: what `import secateur` gives. Every function works on files in the folder of `runs` and keeps what it
made there under what it depends on, so that nothing is made twice, here or by the command line.

Mistakes of the caller raise `UserError`, a name that is not known `NotKnown`, a step that cannot be done `StepFailed`.
"""

from secateur.api.files import bench, evaluate, export, predict
from secateur.api.models import Model, prune, retrain, train
from secateur.api.photos import scan, split
from secateur.api.studies import study
from secateur.errors import NotKnown, SecateurError, StepFailed, UserError
from secateur.showing import register

register()  # records have no way to look like anything by themselves

__all__ = [
    "Model",
    "NotKnown",
    "SecateurError",
    "StepFailed",
    "UserError",
    "bench",
    "evaluate",
    "export",
    "predict",
    "prune",
    "retrain",
    "scan",
    "split",
    "study",
    "train",
]
