"""The command line in a process of its own, without the seconds that loading torch and its exporter takes each time.

A server that has loaded them is forked (see `warm`); the child has its own folder, environment, output and end, and can
be killed. What a fresh interpreter does is tested where that is the question: the README's commands, and what ends
without torch.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import subprocess
import sys
import tempfile
import traceback
from multiprocessing.process import BaseProcess
from pathlib import Path

_CONTEXT = multiprocessing.get_context("forkserver")


def start(
    *arguments: object, cwd: Path, out: Path, err: Path, env: dict[str, str] | None = None, most_bytes: int = 0
) -> BaseProcess:
    """A command under way; what it prints goes into two files. It may write files of `most_bytes`: as a full disk."""
    _CONTEXT.set_forkserver_preload(["warm"])
    before = os.environ.get("PYTHONPATH")
    # For the server, which begins with the first command; what is tested stays what this process was told to test.
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(Path(__file__).parent), before)))
    try:
        words = [str(a) for a in arguments]
        process = _CONTEXT.Process(target=_child, args=(words, str(cwd), str(out), str(err), env or {}, most_bytes))
        process.start()
    finally:
        del os.environ["PYTHONPATH"]
        if before is not None:
            os.environ["PYTHONPATH"] = before
    return process


def run(
    *arguments: object, cwd: Path, env: dict[str, str] | None = None, most_bytes: int = 0
) -> subprocess.CompletedProcess[str]:
    """A command to its end."""
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        process = start(*arguments, cwd=cwd, out=out, err=err, env=env, most_bytes=most_bytes)
        process.join()
        said = [file.read_text(encoding="utf-8") for file in (out, err)]
    return subprocess.CompletedProcess([str(a) for a in arguments], process.exitcode or 0, *said)


def _child(words: list[str], cwd: str, out: str, err: str, env: dict[str, str], most_bytes: int) -> None:
    for number, file in ((1, out), (2, err)):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
    sys.stdout, sys.stderr = (os.fdopen(n, "w", buffering=1, encoding="utf-8") for n in (1, 2))
    sys.argv = ["secateur", *words]
    os.chdir(cwd)
    os.environ.update(env)
    from secateur.cli import main

    if most_bytes:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))
    code = 0
    try:
        main(words)
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 0
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
