"""A decoding killed with `kill -9` goes on from its whole photos."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from secateur.data.scan import scan
from secateur.files import dump
from secateur.steps import photos as steps
from secateur.steps.context import Context

PX = 112  # so large that 72 photos are many pieces of work
KILLED = """
import os, signal, sys
from pathlib import Path
from secateur.steps import photos
from secateur.steps.context import Context

def progress(done, total, note):
    if done >= total / 2:
        os.kill(os.getpid(), signal.SIGKILL)

home = Path(sys.argv[1])
photos.pixels(Context({"px": int(sys.argv[2])}, {"snapshot": home}, home / "first", home / "work", progress))
"""


def test_a_killed_decoding_reads_no_photo_twice(few_photos: Path, tmp_path: Path):
    found = scan(few_photos)
    dump(found, tmp_path / "snapshot.json")
    for name in ("work", "first", "second", "alone", "nothing"):
        (tmp_path / name).mkdir()

    def pixels(out: str, work: str) -> list[tuple[float, float, str]]:
        told: list[tuple[float, float, str]] = []
        inputs = {"snapshot": tmp_path}
        steps.pixels(Context({"px": PX}, inputs, tmp_path / out, tmp_path / work, lambda *what: told.append(what)))
        return told

    pixels("alone", "nothing")
    words = [sys.executable, "-c", KILLED, str(tmp_path), str(PX)]
    killed = subprocess.run(words, env=os.environ | {"OMP_NUM_THREADS": "1"}, stderr=subprocess.PIPE, text=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert not list((tmp_path / "first").iterdir())
    for photo in found.photos[: len(found.photos) // 2]:
        (few_photos / photo.path).unlink()  # whoever reads one again fails
    assert pixels("second", "work")[-1] == (72, 72, "photos")
    assert (tmp_path / "second" / "pixels.npy").read_bytes() == (tmp_path / "alone" / "pixels.npy").read_bytes()
    assert not list((tmp_path / "work").iterdir())
