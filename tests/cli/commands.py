"""The two ways in which tests give a command."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import subprocess
import sys
from pathlib import Path

from secateur.cli import main

# Of the finished run that the fixture `home` holds.
SMALL = "--backbone cnn --input-px 16 --epochs 3 --retrain-epochs 1 --seeds 0,1 --sparsities 0.5 --bench 4"
SMALL += " --methods magnitude"


def secateur(*arguments: object, cwd: Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own, as a shell starts it."""
    done = subprocess.run(
        [sys.executable, "-m", "secateur", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=os.environ | {"COLUMNS": "120"},
    )
    assert done.returncode == code, done.stderr
    return done


def in_process(*arguments: object, cwd: Path, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """The same command in this process, which has loaded torch already: for mistakes, of which there are many."""
    out, err = io.StringIO(), io.StringIO()
    before, handlers = os.environ.copy(), {s: signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)}
    os.environ.update(env or {})
    try:
        with contextlib.chdir(cwd), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            main([str(a) for a in arguments])
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 0
    finally:
        os.environ.clear()
        os.environ.update(before)
        for number, handler in handlers.items():
            signal.signal(number, handler)
    return subprocess.CompletedProcess(list(map(str, arguments)), code, out.getvalue(), err.getvalue())
