"""The commands on a machine that has nothing of Linux's own, and treats files as Windows does (`elsewhere/`)."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from secateur.safe_names import problem, same

HERE = Path(__file__).parent
SOURCE = HERE.parent / "src"
STUDY = "study photos --backbone cnn --input-px 16 --epochs 1 --retrain-epochs 1 --seeds 0 --sparsities 0.5 --jobs 2"
STUDY += " --methods filter-l1 --bench 0 --no-controls --robustness 0 --budget="
FEW = "--rounds 2 --processes 1 --threads 1 --batch 1"
COMMANDS = """
import shlex, sys
from secateur.cli import main
if __name__ == "__main__":
    for words in sys.argv[1:]:
        print(f"$ {words}", flush=True)
        try:
            main(shlex.split(words))
        except SystemExit as ended:
            assert not ended.code, f"{words}: exit code {ended.code}"
"""


def elsewhere(home: Path, *commands: str) -> str:
    """What all of them print, one after the other, in one process."""
    path = os.pathsep.join([str(HERE / "elsewhere"), str(SOURCE)])
    environment = os.environ | {"PYTHONPATH": path, "PYTHONWARNDEFAULTENCODING": "1", "PYTHONIOENCODING": "cp1252"}
    (home / "commands.py").write_text(COMMANDS)
    command = [sys.executable, str(home / "commands.py"), *commands]
    done = subprocess.run(command, cwd=home, env=environment, capture_output=True, encoding="cp1252", timeout=600)
    assert done.returncode == 0, done.stderr + done.stdout
    assert "Traceback" not in done.stderr and "Warning: 'encoding'" not in done.stderr, done.stderr
    return done.stdout


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Two classes of sixteen drawn pictures each: one is red, one is blue."""
    rng = np.random.default_rng(0)
    for label, channel in (("Füchsin", 0), ("jay", 2)):
        (tmp_path / "photos" / label).mkdir(parents=True)
        for n in range(16):
            picture = rng.integers(0, 120, (20, 20, 3), np.uint8)
            picture[:, :, channel] += 120
            Image.fromarray(picture).save(tmp_path / "photos" / label / f"{n}.png")
    return tmp_path


def test_what_is_taken_away_is_away(tmp_path: Path):
    """So that the tests below test something."""
    code = """
import multiprocessing, os, pathlib, signal
gone = [not hasattr(os, "sched_getaffinity"), not hasattr(os, "fork"), not hasattr(signal, "SIGKILL")]
gone += [not pathlib.Path("/proc/cpuinfo").exists(), not os.path.exists("/sys/class")]
def refused(action):
    try:
        action()
    except (OSError, ImportError, ValueError):
        return True
    return False
pathlib.Path("a").write_text("a", encoding="utf-8")
pathlib.Path("b").write_text("b", encoding="utf-8")
held = open("b", encoding="utf-8")
gone += [refused(lambda: pathlib.Path("/proc/self/status").read_text(encoding="utf-8"))]
gone += [refused(lambda: __import__("resource")), refused(lambda: __import__("fcntl"))]
gone += [refused(lambda: multiprocessing.get_context("fork")), refused(lambda: pathlib.Path("c:d").touch())]
gone += [refused(lambda: open("aux.txt", "w")), refused(lambda: pathlib.Path("x ").mkdir())]
gone += [refused(lambda: pathlib.Path("a").rename("b")), refused(lambda: pathlib.Path("a").replace("b"))]
gone += [refused(lambda: pathlib.Path("b").unlink()), refused(lambda: pathlib.Path("l").symlink_to("a"))]
held.close()
gone += [not refused(lambda: pathlib.Path("a").replace("b"))]
import psutil
gone += [psutil.virtual_memory().total > 0]
assert all(gone), gone
"""
    environment = os.environ | {"PYTHONPATH": str(HERE / "elsewhere")}
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, check=True)
    environment |= {"PYTHONPATH": f"{HERE / 'elsewhere'}{os.pathsep}{tmp_path}", "PYTHONWARNDEFAULTENCODING": "1"}
    (tmp_path / "secateur").mkdir()
    (tmp_path / "secateur/__init__.py").write_text("open('b')")
    done = subprocess.run([sys.executable, "-c", "import secateur"], cwd=tmp_path, env=environment, capture_output=True)
    assert b"EncodingWarning" in done.stderr and done.returncode


def test_a_study_and_what_follows_it(home: Path):
    """Trained, cut, exported and timed by two processes, reported, handed on, asked, tested, packed, sorted."""
    said = elsewhere(
        home,
        STUDY,
        "report photos",
        "runs",
        "scan photos --csv table.csv",
        "predict runs/photos/models/dense.onnx photos --csv answers.csv --copy-to sorted",
        "evaluate runs/photos/models/dense.onnx photos --csv judged.csv",
        f"bench runs/photos/models/dense.onnx {FEW} --out here.json",
        "report photos --with here.json",
        "export photos --model dense --to packed --out handed",
        "pack runs/photos/models/dense.onnx",
        "gc",
    )
    assert "report.html" in said and "Füchsin" in said
    results = json.loads((home / "runs/photos/results.json").read_text(encoding="utf-8"))
    assert not [o for o in results["outcomes"] if o["state"] in ("failed", "skipped")]
    bench = json.loads((home / "here.json").read_text(encoding="utf-8"))
    assert bench["candidates"][0]["layers"] and bench["timings"]
    for table in ("table.csv", "answers.csv", "judged.csv"):
        rows = (home / table).read_text(encoding="utf-8-sig").splitlines()
        assert len(rows) == 33 and "Füchsin" in rows[1], table
    assert len(list((home / "sorted").rglob("*.png"))) == 32
    names_are_taken_everywhere(home)


def names_are_taken_everywhere(home: Path) -> None:
    """By Windows and macOS, and no two of a folder are one there."""
    for folder in (home, *(p for p in home.rglob("*") if p.is_dir())):
        names = [p.name for p in folder.iterdir()]
        assert not [problem(name) for name in names if problem(name)]
        assert len({same(name) for name in names}) == len(names), names
        assert not [name for name in names if name.startswith(".secateur-") or name.endswith(".part")]


# ---- what the text says: where Linux's own is named, and how text files are opened

LINUX_ONLY = {
    "/proc": {"measure/worker.py", "measure/machine.py", "training/memory.py", "resolve.py"},
    "/sys": {"measure/busy.py", "measure/energy.py", "measure/limits.py"},
    "sched_getaffinity": {"data/parallel.py", "measure/limits.py"},
    "sched_setaffinity": {"measure/limits.py"},
    "resource": {"measure/limits.py", "measure/worker.py"},
    "preexec_fn": {"measure/helper.py"},
    "fork": set(),
    "fcntl": set(),
    "pwd": set(),
    "grp": set(),
    "termios": set(),
    "select": set(),
    "SIGKILL": set(),
    "SIGALRM": set(),
    "killpg": set(),
    "setsid": set(),
    "mkfifo": set(),
    "getuid": set(),
    "O_DIRECT": set(),
    "posix_fallocate": set(),
    "posix_fadvise": set(),
    "statvfs": set(),
    "link": set(),  # os.link
    "symlink": set(),  # os.symlink: Path.symlink_to is named below
    "symlink_to": {"cli/sorting.py"},
}
MODULES = {"resource", "fcntl", "pwd", "grp", "termios", "select"}


def _sources() -> list[Path]:
    return sorted((SOURCE / "secateur").rglob("*.py"))


def _named(tree: ast.AST) -> set[str]:
    """What of LINUX_ONLY a file names: by import, as an attribute of os or signal, as a path."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {a.name for a in node.names} & MODULES
        elif isinstance(node, ast.ImportFrom):
            found |= {node.module or ""} & MODULES
            found |= {a.name for a in node.names} if node.module in ("os", "signal") else set()
        elif isinstance(node, ast.Attribute):
            owner = node.value.id if isinstance(node.value, ast.Name) else ""
            if owner in ("os", "signal") or node.attr == "symlink_to":
                found.add(node.attr)
        elif isinstance(node, ast.keyword) and node.arg == "preexec_fn":
            found.add("preexec_fn")
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found |= {root for root in ("/proc", "/sys") if node.value.startswith(root + "/")}
    return found & set(LINUX_ONLY)


def test_only_these_files_name_what_only_linux_has():
    found: dict[str, set[str]] = {name: set() for name in LINUX_ONLY}
    for path in _sources():
        for name in _named(ast.parse(path.read_text(encoding="utf-8"))):
            found[name].add(path.relative_to(SOURCE / "secateur").as_posix())
    found["/proc"] -= {"outputs.py"}  # /proc/self/fd/1, a name of standard output that people give
    assert found == LINUX_ONLY


def _unsaid(tree: ast.AST) -> list[int]:
    """Lines that open a text file, or read a process as text, and name no encoding."""
    lines = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        named = {k.arg: k.value for k in node.keywords}
        call = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        owner = node.func.value if isinstance(node.func, ast.Attribute) else None
        if "encoding" in named or getattr(owner, "id", "") in ("Image", "archive"):  # these are bytes
            continue
        if call in ("read_text", "write_text"):
            lines += [node.lineno] if len(node.args) < (1 if call == "read_text" else 2) else []
        elif call == "open" and getattr(owner, "id", "") == "os":  # a number, of bytes
            continue
        elif call in ("open", "fdopen", "NamedTemporaryFile", "TemporaryFile"):
            place = 1 if owner is None or getattr(owner, "id", "") in ("os", "io", "tempfile") else 0
            place = 0 if call.endswith("TemporaryFile") else place
            mode = named.get("mode", node.args[place] if len(node.args) > place else None)
            text = "b" not in mode.value if isinstance(mode, ast.Constant) and isinstance(mode.value, str) else True
            opens_bytes = mode is None and call.endswith("TemporaryFile")
            lines += [node.lineno] if text and not opens_bytes else []
        elif any(getattr(named.get(word), "value", None) is True for word in ("text", "universal_newlines")):
            lines.append(node.lineno)
    return lines


def test_no_text_file_is_opened_without_an_encoding():
    found = {}
    for path in _sources():
        name = path.relative_to(SOURCE / "secateur").as_posix()
        lines = _unsaid(ast.parse(path.read_text(encoding="utf-8")))
        if lines:
            found[name] = lines
    assert not found


@pytest.mark.parametrize(
    ("line", "caught"),
    [
        ("open('a')", True),
        ("open('a', 'w')", True),
        ("open('a', 'rb')", False),
        ("p.open()", True),
        ("p.open('w')", True),
        ("p.open('xb')", False),
        ("p.open('w', encoding='utf-8')", False),
        ("p.read_text()", True),
        ("p.read_text('utf-8')", False),
        ("p.write_text(x)", True),
        ("os.fdopen(n, 'w')", True),
        ("os.open('a', os.O_WRONLY)", False),
        ("opened(a, text=False)", False),
        ("os.fdopen(n, 'wb')", False),
        ("subprocess.run(c, text=True)", True),
        ("subprocess.run(c, text=True, encoding='utf-8')", False),
        ("tempfile.NamedTemporaryFile()", False),
        ("tempfile.NamedTemporaryFile('w')", True),
    ],
)
def test_the_test_sees_what_it_is_for(line: str, caught: bool):
    assert bool(_unsaid(ast.parse(line))) == caught


def test_a_renamed_file_replaces_on_every_system():
    """`Path.rename` and os.rename fail on Windows where something is there: `writing.move` is for all."""
    found = {}
    for path in _sources():
        calls = [n for n in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(n, ast.Attribute)]
        n = sum(node.attr == "rename" for node in calls)
        if n:
            found[path.relative_to(SOURCE / "secateur").as_posix()] = n
    assert not found
