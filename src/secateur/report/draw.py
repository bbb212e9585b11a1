"""Writes a report into the folder it is handed: report.json and report.html, each whole or absent."""

from __future__ import annotations

import json
from pathlib import Path

from secateur import writing
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
    text = json.dumps(story, ensure_ascii=False, allow_nan=False, indent=1) + "\n"
    writing.whole(folder / "report.json", text, sync=True)
    writing.whole(folder / "report.html", html, sync=True)
