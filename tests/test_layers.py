"""The arrows of the design, held: who may import whom, and what ends without torch."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "secateur"
LEAVES = {
    "records",
    "panels",
    "errors",
    "names",
    "settings",
    "study_file",
    "choice",
    "catalogue",
    "methods",
    "backbones",
    "files",
    "arms",
    "plan",
    "checking",
    "claiming",
    "again",
    "chained",
    "chains",
}
WRITING = {"safe_names", "writing", "outputs"}
FOLDERS = ("data", "models", "pruning", "training", "measure", "forms", "report")
# The catalogue and the steps name functions as strings, which is what keeps torch out of a plan; those count as well.
MAY = {
    "records": set(),
    "errors": set(),
    "safe_names": set(),
    "writing": set(),
    "outputs": {"errors", "safe_names", "writing"},
    "backbones": {"models"},
    "methods": {"errors", "pruning"},
    "catalogue": {"backbones", "methods", "errors", "data", "models", "training", "forms", "tracking"},
    "files": {"errors", "writing", "safe_names"},
    "names": set(),
    "texts": {"errors"},
    "quantities": set(),
    "timed": {"records"},
    "limits": {"records", "timed"},
    "choice": {"catalogue", "methods", "records"},
    "chained": {"catalogue", "choice"},
    "grouped": {"errors", "quantities"},
    "panels": set(),
    "settings": {"errors", "catalogue", "quantities", "choice", "chained", "grouped", "names", "panels"},
    "study_file": {"errors", "settings", "choice", "texts", "safe_names"},
    "arms": {"settings", "catalogue", "choice"},
    "at_hand": {"errors", "settings", "backbones", "catalogue"},
    "chains": {"settings", "catalogue", "choice", "arms", "chained"},
    "pairs": {"settings", "catalogue", "arms", "chains"},
    "quantising": {"settings", "arms", "chains"},
    "checking": {"records", "settings", "catalogue", "choice", "arms", "chains", "pairs", "quantising"},
    "retraining": {"records", "settings", "catalogue", "arms", "checking", "quantities"},
    "making": {"records", "settings", "catalogue", "choice", "arms", "chains", "checking", "retraining"},
    "again": {"records", "settings", "arms", "checking", "making"},
    "claiming": {"records", "settings", "checking", "again"},
    "rivals": {"records", "settings", "catalogue", "choice", "arms", "checking", "making", "retraining"},
    "plan": {"records", "settings", "arms", "checking", "making", "quantising", "rivals", "claiming", "again"},
    "resolve": {"errors", "settings", "catalogue", "choice", "chained", "arms", "at_hand", "safe_names"},
    "detectable": {"settings", "catalogue", "arms", "measure"},
    "budget": {"records", "settings", "arms", "catalogue", "chains", "checking", "choice", "plan", "quantities"},
    "store": {"errors", "safe_names", "writing"},
    "ledger": {"records", "errors", "files", "store"},
    "prepare": {"names", "records", "errors", "settings", "catalogue", "files", "store", "data"}
    | {"arms", "at_hand", "making", "models"},
    "steps": LEAVES | WRITING | {"data", "models", "pruning", "training", "measure", "forms"},
    "engine": {"records", "errors", "settings", "catalogue", "files", "plan", "budget", "steps", "store"} | {"ledger"},
    "beside": {"records", "errors", "files"},
    "handing": {"beside", "records", "errors", "files", "arms", "catalogue", "limits", "store", "forms", "writing"}
    | {"safe_names"},
    "exporting": {"records", "errors", "catalogue", "files", "at_hand", "checking", "engine", "prepare", "store"}
    | {"forms", "steps"},
    "overlap": {"records", "errors", "files", "data", "grouped", "names", "prepare", "store"},
    "judging": {"beside", "records", "errors", "catalogue", "files", "data", "forms", "measure", "steps"}
    | {"ledger", "store", "names", "overlap"},
    "crew": {"records", "errors", "engine", "interrupts", "store"},
    "interrupts": set(),
    "sizing": {"records", "errors", "settings", "catalogue", "files", "budget", "engine", "steps"},
    "studying": LEAVES
    | {"budget", "crew", "engine", "prepare", "resolve", "sizing", "store", "data", "measure", "steps"}
    | {"handing", "quantities", "ledger", "detectable"},
    "cli": LEAVES
    | WRITING
    | {
        "beside",
        "budget",
        "detectable",
        "engine",
        "prepare",
        "resolve",
        "sizing",
        "store",
        "studying",
        "report",
        "data",
        "grouped",
        "forms",
        "steps",
        "exporting",
        "judging",
        "drawing",
    }
    | {"quantities", "serving"},
    "serving": {"records", "errors", "data", "forms", "report", "names"},
    "tracking": {"records", "errors", "report"},
    "drawing": {"names", "records", "errors", "catalogue", "files", "store", "report", "ledger", "writing"},
    "showing": {"records", "report"},
    "api": LEAVES
    | WRITING
    | {"report", "showing"}
    | {"beside", "budget", "drawing", "engine", "judging", "prepare", "resolve", "store", "studying"}
    | {"data", "forms", "models", "steps"},
    "__init__": {"api"},
    "__main__": {"cli"},
} | {folder: {"records", "errors", "settings", "catalogue", "backbones", "names"} for folder in FOLDERS}
MAY["report"] |= {"limits", "timed", "methods", "writing"}
MAY["data"] |= {"grouped", "texts", "interrupts"} | WRITING
MAY["forms"] |= WRITING


def _modules() -> list[Path]:
    return sorted(SOURCE.rglob("*.py"))


def _unit(path: Path) -> str:
    """The folder or the file right under the package."""
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def _imported(path: Path) -> set[str]:
    """Units of the package that a file names: by import, or as a "secateur.module:function" string."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "secateur":
            rest = (node.module or "").split(".")[1:]
            found |= {rest[0]} if rest else {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {a.name.split(".")[1] for a in node.names if a.name.startswith("secateur.")}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found |= set(re.findall(r"^secateur\.(\w+)[\w.]*:\w+$", node.value))
    return {name for name in found if not name.startswith("__")}


def test_the_list_of_units_is_complete():
    assert {_unit(p) for p in _modules()} == set(MAY)


@pytest.mark.parametrize("path", _modules(), ids=lambda p: str(p.relative_to(SOURCE)))
def test_arrows_go_one_way(path: Path):
    unit = _unit(path)
    allowed = MAY[unit] | {unit}
    assert _imported(path) <= allowed, f"{path.name} imports {_imported(path) - allowed}"


@pytest.mark.parametrize("path", _modules(), ids=lambda p: str(p.relative_to(SOURCE)))
def test_a_file_holds_one_idea(path: Path):
    lines = path.read_text().splitlines()
    assert len(lines) <= 320 or any("Over 300 lines because" in line for line in lines[:5])


# What they time is shown, or spaces checkpoints: it makes no result.
CLOCKS = {"engine", "crew", "steps", "cli", "store", "serving", "tracking"}
CLOCKS |= {"writing"}  # waits for a virus scanner


@pytest.mark.parametrize("path", _modules(), ids=lambda p: str(p.relative_to(SOURCE)))
def test_only_measure_reads_a_clock(path: Path):
    if _unit(path) in CLOCKS | {"measure"}:
        return
    names = {
        alias.name
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    assert "time" not in names


COMMANDS = (
    ["--help"],
    ["methods"],
    ["study", "--help"],
    ["study", "demo", "--plan"],
)


def without_torch(arguments: list[str], cwd: Path) -> None:
    code = (
        "import sys\nfrom secateur.cli import main\n"
        f"try: main({arguments!r})\nexcept SystemExit as e: assert not e.code, e.code\n"
        "assert 'torch' not in sys.modules, 'torch was imported'"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=cwd)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_commands_end_without_torch(arguments: list[str], tmp_path: Path):
    without_torch(arguments, tmp_path)
