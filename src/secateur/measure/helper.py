"""A worker process, seen from the one that asks it."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any


class Helper:
    """`python -m secateur.measure.worker` with one file; it sleeps until it is asked."""

    def __init__(
        self,
        file: Path | str,
        runtime: str,
        threads: int,
        *extra: str,
        before: Callable[[], None] | None = None,
    ) -> None:
        """`before` runs in the new process, before anything else does: to lower its limits."""
        command = [sys.executable, "-m", "secateur.measure.worker", str(file)]
        command += ["--runtime", runtime, "--threads", str(threads), *extra]
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            encoding="utf-8",
            env=_environment(threads),
            preexec_fn=before,
        )
        self.processor_ns = 0

    def hello(self) -> dict[str, Any]:
        """What it says first: {"ready": …}, or {"error": why} where it did not load, or died."""
        return self._answer()

    def ask(self, **request: Any) -> dict[str, Any]:
        """Its answer, or {"error": why} where it cannot, or died."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
        except OSError:
            return {"error": self._died()}
        answer = self._answer()
        self.processor_ns = answer.get("cpu_ns", self.processor_ns)
        return answer

    def _answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            return {"error": self._died()}
        said: dict[str, Any] = json.loads(line)
        return said

    def _died(self) -> str:
        code = self.process.wait()
        return f"its process was killed by signal {-code}" if code < 0 else f"its process ended with {code}"

    def close(self) -> float:
        """End it; the seconds of processor time that it used, as far as it told."""
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe:
                with contextlib.suppress(OSError):
                    pipe.close()
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        return self.processor_ns / 1e9


def _environment(threads: int) -> Mapping[str, str]:
    """numpy's own threads stay at one; what OpenMP run-times use is what was asked for."""
    return os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": str(threads), "PYTHONHASHSEED": "0"}
