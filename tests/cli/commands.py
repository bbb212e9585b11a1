"""How tests of the command line give a command."""

from __future__ import annotations

import subprocess
from pathlib import Path

import forked

# Of the finished run that the fixture `home` holds.
SMALL = "--backbone cnn --input-px 16 --epochs 3 --retrain-epochs 1 --seeds 0,1 --sparsities 0.5 --bench 4"
SMALL += " --methods magnitude"


def secateur(*arguments: object, cwd: Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    """A command that is to end with `code`."""
    done = forked.run(*arguments, cwd=cwd, env={"COLUMNS": "120"})
    assert done.returncode == code, done.stderr
    return done
