"""`secateur serve` as a process of its own, and all that it opens while it serves."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

# Python says of every file that it opens, also of one that is gone again at once; what is no part of it is told.
WATCH = """
import os, sys
MACHINE = ("/proc/stat", "/etc/os-release", "/usr/lib/os-release")  # psutil and platform look there once
OWN = (*MACHINE, *map(os.path.realpath, (sys.prefix, sys.base_prefix, *os.environ["WATCH_OWN"].split(os.pathsep))))
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
NEVER = ("os.mkdir", "os.remove", "os.rename", "os.link", "os.symlink", "os.truncate", "os.system", "os.exec",
         "subprocess.Popen", "socket.connect", "tempfile.mkstemp", "tempfile.mkdtemp")
def hook(event, args):
    if event in NEVER:
        os.write(2, f"AUDIT {event} {args[:2]}\\n".encode())
    elif event == "open" and not isinstance(args[0], int):
        path = os.path.realpath(os.fsdecode(args[0]))
        if args[2] & WRITES or not path.startswith(OWN):
            os.write(2, f"AUDIT open {path} {args[1]} {args[2]:o}\\n".encode())
sys.addaudithook(hook)
from secateur.cli import main
try:
    main(sys.argv[1:])
finally:
    if "torch" in sys.modules:
        os.write(2, b"AUDIT torch was loaded\\n")
"""
SOURCE = Path(__file__).parents[2] / "src"


@dataclass
class Server:
    process: subprocess.Popen[str]
    url: str  # "http://127.0.0.1:43210/"
    errors: Path  # what it says on standard error

    @property
    def address(self) -> tuple[str, int]:
        found = urlsplit(self.url)
        assert found.hostname and found.port
        return found.hostname, found.port


@contextmanager
def serving(home: Path, scratch: Path, *words: str) -> Iterator[Server]:
    """A server of the run `home` on a free port. `scratch`/here, /tmp and /home are its working, temporary and home
    folders, all empty; `scratch`/errors is its standard error, where lines of AUDIT tell what it opened."""
    places = {name: scratch / name for name in ("here", "tmp", "home")}
    for place in places.values():
        place.mkdir()
    about = {"TMPDIR": str(places["tmp"]), "HOME": str(places["home"]), "PYTHONDONTWRITEBYTECODE": "1"}
    about["WATCH_OWN"] = os.pathsep.join((str(home), str(SOURCE)))
    own = {k: v for k, v in os.environ.items() if k != "CI"}  # where it is set, run-times behave better than elsewhere
    command = [sys.executable, "-c", WATCH, "serve", str(home), "--port", "0", "--no-open", *words]
    with (scratch / "errors").open("w") as errors:
        process = subprocess.Popen(
            command, cwd=places["here"], env=own | about, stdout=subprocess.PIPE, stderr=errors, text=True
        )
        try:
            assert process.stdout
            url = process.stdout.readline().strip()
            assert url, (scratch / "errors").read_text()
            yield Server(process, url, scratch / "errors")
        finally:
            process.terminate()
            process.wait(timeout=30)
