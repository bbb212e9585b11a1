"""The documentation site: it builds without a warning, its links lead somewhere, its Python runs; and the notebook."""

from __future__ import annotations

import html.parser
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urlparse

import pytest

ROOT = Path(__file__).parents[1]
MADE = {f"reference/{name}" for name in ("settings", "catalogue", "commands", "records")}  # by the build
PAGES = sorted(p for p in (ROOT / "docs").rglob("*.md") if p.parent.name != "reference" or p.stem == "api")
NOTEBOOKS = sorted((ROOT / "examples").glob("*.ipynb"))


class Links(html.parser.HTMLParser):
    """Where a page leads, and what in it can be led to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        if tag == "a" and said.get("href"):
            self.links.append(str(said["href"]))
        if said.get("id"):
            self.ids.add(str(said["id"]))


def test_the_site_builds_clean_and_every_link_leads_somewhere(tmp_path: Path):
    words = ["-W", "--keep-going", "-b", "html", str(ROOT / "docs"), str(tmp_path / "site")]
    done = subprocess.run([sys.executable, "-m", "sphinx", *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    pages = {p.resolve(): Links(p.read_text()) for p in (tmp_path / "site").rglob("*.html")}
    assert len(pages) >= len(PAGES)
    checked = 0
    for page, found in pages.items():
        for link in found.links:
            parts = urlparse(link)
            if parts.scheme:
                assert parts.scheme == "https", link
                continue
            target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            assert target.exists(), f"{page.name} → {link}"
            if parts.fragment and target in pages:
                assert unquote(parts.fragment) in pages[target].ids | {"top", "_top", ""}, f"{page.name} → {link}"
            checked += 1
    assert checked > 300
    text = (tmp_path / "site" / "reference" / "api.html").read_text()
    for name in ("scan", "split", "train", "prune", "retrain", "evaluate", "export", "predict", "bench", "study"):
        assert f'id="secateur.{name}"' in text
        assert re.search(rf"secateur\.{name}\(", (ROOT / "docs/guides/from-python.md").read_text()), name


def _blocks(page: Path) -> list[str]:
    return re.findall(r"```python\n(.*?)```", page.read_text(), re.S)


def test_every_python_example_runs(few_photos: Path):
    """One page's blocks in their order, as its reader would give them; in a folder where `photos/` is real."""
    pages = [p for p in PAGES if _blocks(p)]
    assert ROOT / "docs/guides/from-python.md" in pages
    for page in pages:
        script = few_photos.parent / f"{page.stem}.py"
        script.write_text("\n".join(_blocks(page)))
        done = subprocess.run([sys.executable, script.name], cwd=script.parent, capture_output=True, text=True)
        assert done.returncode == 0, f"{page.name}\n{done.stderr}"
        assert "method 'filter-taylr' is not known; did you mean 'filter-taylor'?" in done.stdout


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda p: p.name)
def test_every_notebook_runs_and_is_kept_without_output(notebook: Path, few_photos: Path):
    import nbformat
    from nbclient import NotebookClient

    nb = nbformat.read(notebook, as_version=4)
    assert not any(cell.get("outputs") for cell in nb.cells)
    NotebookClient(nb, timeout=600, resources={"metadata": {"path": str(few_photos.parent)}}).execute()
    cells = [c for c in nb.cells if c.cell_type == "code"]
    pictures = [o.data.get("text/html", "") for c in cells for o in c.outputs if "data" in o]
    assert any(" photos in " in page and "background:#3d8bc4" in page for page in pictures)  # the snapshot's bars
    assert any("to dense trained as long" in page for page in pictures)  # the results' answer
    assert any('"mark": {"type": "rule"' in page and "vegaEmbed" in page for page in pictures)
    front = next(o.data["text/plain"] for c in cells if 'if r["front"]' in c.source for o in c.outputs if "data" in o)
    assert re.match(r"\[\('[^']+', \d+\.\d+, 0\.\d+\)", front)
    said = "".join(o.get("text", "") for c in cells for o in c.outputs)
    assert "Traceback" not in said and "Warning" not in said and " points, " in said


def test_every_page_is_in_the_site():
    listed = set(re.findall(r"^([\w/-]+)$", (ROOT / "docs/index.md").read_text(), re.M))
    assert {p.relative_to(ROOT / "docs").with_suffix("").as_posix() for p in PAGES} | MADE == listed | {"index"}
