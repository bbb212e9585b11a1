"""What a process that runs a study loads first, loaded once: `forked` forks from a process that imported this."""

import tempfile
from pathlib import Path

import torch
import torch._dynamo

import secateur.cli
import secateur.engine
import secateur.report.draw
import secateur.steps.bench
import secateur.steps.deploy
import secateur.steps.harm
import secateur.steps.judge
import secateur.steps.measure
import secateur.steps.parity
import secateur.steps.probe
import secateur.steps.search
import secateur.steps.train
import secateur.studying  # noqa: F401
from secateur.forms import onnx
from secateur.models import saved

with tempfile.TemporaryDirectory() as folder:
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(192, 2))
    onnx.export(network, saved.preprocess_for(8), ["a", "b"], Path(folder, "model.onnx"), {})
