"""Writes a report into the folder it is handed: report.json and report.html, each whole or absent."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

from secateur.records import Results
from secateur.report.page import page
from secateur.report.story import tell


def write_report(results: Results, folder: Path, vega_js: str) -> None:
    """`vega_js` is `secateur.report.page.vega_bundle()`, kept by the caller.

    Both texts are made before either is written. Raises UserError for a [published] table that cannot be
    read, OSError where the folder cannot be written.
    """
    story = tell(results)
    html = page(story, vega_js)
    _write(folder / "report.json", json.dumps(story, ensure_ascii=False, allow_nan=False, indent=1) + "\n")
    _write(folder / "report.html", html)


def _write(target: Path, text: str) -> None:
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    scratch = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        scratch.chmod(0o644)  # mkstemp's 0600 would keep a web server from it
        scratch.replace(target)
    except BaseException:
        scratch.unlink(missing_ok=True)
        raise
