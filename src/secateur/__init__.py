"""Secateur: labelled photos in; pruned, measured, exported classifiers out, with one honest report."""

import os

# ONNX Runtime from 1.29 on writes a session's id into the temporary folder and sends events to its maker, unless this
# is set before it is loaded. What is done here concerns nobody else.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

__version__ = "0.1.0"
