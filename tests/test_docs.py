"""What the documents say is what the program does: every command of them is run, on little where it is long."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import forked
from secateur import backbones, catalogue
from secateur.methods import OWN

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
DOCS = ROOT / "docs"
SITE = [DOCS / "tutorial.md", *sorted((DOCS / "guides").glob("*.md")), DOCS / "installing.md", DOCS / "results.md"]
DOCUMENTS = "\n".join([README, *(page.read_text() for page in SITE)])

# What makes a command short enough for a test; the command itself stays as it is printed.
SHORT = {
    "study": [
        *("--input-px", "16", "--epochs", "2", "--retrain-epochs", "1", "--seeds", "0", "--sparsities", "0.5"),
        *("--methods", "magnitude", "--no-controls", "--bench", "2", "--robustness", "0"),
    ],
    "bench": ["--rounds", "2", "--processes", "1"],
}
FIRST = 8  # of the README
NOT_HERE = {
    "make test": "this test is part of it",
    "make study": "has a test of its own below",
    "secateur study demo": "is what `make study` gives",
    "pip install": "needs a network",
    "secateur serve": "runs until it is ended; tests/serving",
    "secateur fetch": "needs a network; tests/data holds its one line without one",
    "secateur study studies/animals10.toml": "Kaggle's photos; the plan of the file is tested below",
}


def commands(text: str = README) -> list[str]:
    """Lines that begin with `$ ` in a document's code blocks."""
    blocks = re.findall(r"```(?:console|sh)\n(.*?)```", text, re.S)
    return [line[2:] for block in blocks for line in block.splitlines() if line.startswith("$ ")]


def _words(command: str) -> list[str]:
    """Of a command as it is printed, and what makes it short."""
    words = shlex.split(command.split("#")[0])
    assert words[0] == "secateur", f"a document names '{words[0]}': say in NOT_HERE why no test runs it"
    if "--plan" in words:
        return words
    # unasked it takes the largest network whose weights are here: the smallest will do; tests/test_transfer_study.py
    net = ["--backbone", "cnn"] if words[1:3] == ["study", "photos"] else []
    return [*words, *SHORT.get(words[1], []), *net]


def _run(command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *_words(command)],
        cwd=cwd,
        capture_output=True,
        text=True,
        env=os.environ | {"COLUMNS": "100"},
    )


def _warm(command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return forked.run(*_words(command)[1:], cwd=cwd, env={"COLUMNS": "100"})


def test_the_readme_has_commands():
    assert len(commands()) >= 8


def test_every_command_of_the_documents_runs(few_photos: Path):
    """Those of the README, then the site's, in their order, in one folder, where `photos/` is a folder of real ones and
    labels.csv says what is on them."""
    names = sorted(p.relative_to(few_photos).as_posix() for p in few_photos.rglob("*.webp"))
    rows = [f"{name},{name.split('/')[0]},site{i % 5}" for i, name in enumerate(names)]
    (few_photos.parent / "labels.csv").write_text("\n".join(["path,label,site", *rows]))
    pages = [command for page in SITE for command in commands(page.read_text())]
    assert len(pages) >= 15
    for command in [*commands(), *pages]:
        if any(command.startswith(words) for words in NOT_HERE) and "--plan" not in command:
            continue
        # a fresh interpreter for what a new user reads first; the rest in a warm one
        done = (_run if command in commands()[:FIRST] else _warm)(command, few_photos.parent)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    assert (few_photos.parent / "runs" / "photos" / "report.html").is_file()


def test_make_study_runs(tmp_path: Path):
    """On a short leash; tests/test_demo_study.py runs it whole."""
    if not (ROOT / ".venv" / "installed").is_file():
        pytest.fail("these tests are run by `make test`, which installs first")
    flags = " ".join([*SHORT["study"], "--photos", "400", "--methods", "filter-l1", "--runs", str(tmp_path)])
    done = subprocess.run(["make", "study", f"FLAGS={flags}"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert f"report: {tmp_path}/demo/report.html" in " ".join(done.stderr.split())
    assert (tmp_path / "demo" / "report.html").is_file()


@pytest.mark.parametrize("name", ["animals10.toml", "animals10-as-published.toml"])
def test_study_files_are_sound(name: str, few_photos: Path):
    done = _run(f"secateur study {ROOT / 'studies' / name} --folder {few_photos} --plan", few_photos.parent)
    assert done.returncode == 0, done.stderr
    assert "retrain" in done.stdout


def test_every_command_of_the_program_is_in_the_documents():
    done = subprocess.run([sys.executable, "-m", "secateur", "--help"], capture_output=True, text=True)
    names = re.findall(r"^  (\w+) {2,}\S", done.stdout.split("Commands:")[1], re.M)
    assert len(names) >= 8
    for name in names:
        assert f"secateur {name}" in DOCUMENTS, name


def test_every_row_of_the_catalogue_can_be_loaded_and_is_explained():
    rows = [
        *backbones.BACKBONES,
        *OWN,
        *catalogue.RECIPES,
        *catalogue.AUGMENTATIONS,
        *catalogue.EXPORTS,
        *catalogue.SPLITS,
    ]
    for row in rows:
        if row in backbones.BACKBONES and not row.where:
            continue  # timm builds it: tests/models/test_transfer.py
        assert callable(catalogue.load(row.where)) or row in catalogue.RECIPES
        assert row.help.endswith(".")


@pytest.mark.parametrize("name", ["README.md", "ARCHITECTURE.md"])
def test_files_that_a_document_names_are_there(name: str):
    for path in re.findall(r"[`(]((?:tests|benchmarks|studies|src|docs)/[\w./-]+\.\w+)[`)]", (ROOT / name).read_text()):
        assert (ROOT / path).exists(), path


def test_the_page_of_methods_is_what_the_command_prints():
    done = subprocess.run(
        [sys.executable, "-m", "secateur", "methods", "--markdown"], capture_output=True, text=True, check=True
    )
    assert (ROOT / "docs" / "methods.md").read_text(encoding="utf-8") == done.stdout


def test_the_page_of_studies_names_every_method():
    page = (DOCS / "guides" / "studies.md").read_text()
    for row in OWN:
        assert f"`{row.name}`" in page, row.name


def test_the_readme_is_read_in_three_minutes_and_leads_to_every_page():
    assert len(README.split()) < 1000  # three minutes at about 300 words, links and tables among them
    for page in [*DOCS.glob("*.md"), *(DOCS / "guides").glob("*.md")]:
        name = page.relative_to(ROOT).as_posix()
        assert name == "docs/index.md" or f"({name})" in README, name


def test_no_kept_report_holds_a_photo_or_a_path():
    """The photos' copyright is unknown: a published report shows none of them."""
    for file in sorted((ROOT / "studies" / "results").glob("*.json")):
        text = file.read_text(encoding="utf-8")
        assert "data:image" not in text and not re.search(r'"thumbnail": ?"[^"]', text), file.name
        assert not re.search(r'"/(?:home|root|work|tmp|Users)/', text), file.name
