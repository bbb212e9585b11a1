"""Kept reports say when they were made otherwise than this version makes them, and no page says anything of the
kind that they no longer show."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FAIR = (0, 2, 0)  # from here on files are compared with files
KEPT = sorted((ROOT / "studies" / "results").glob("*.report.json"))


@pytest.mark.parametrize("file", KEPT, ids=lambda file: file.name)
def test_a_report_from_before_files_were_compared_with_files_says_so(file: Path):
    kept = json.loads(file.read_text(encoding="utf-8"))
    before = tuple(map(int, kept["version"].split("."))) < FAIR
    banner = kept.get("banner", "")
    assert banner.startswith("made before 0.2.0; FP32 against INT8 was compared") == before


@pytest.mark.parametrize("page", ["README.md", "docs/results.md"])
def test_no_page_takes_such_a_sentence_from_them(page: str):
    text = (ROOT / page).read_text(encoding="utf-8")
    for claim in ("nothing is smaller than the dense network in INT8", "The answer is the dense network in INT8"):
        assert claim not in " ".join(text.split())
