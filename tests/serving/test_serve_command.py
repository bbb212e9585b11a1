"""`secateur serve` as a process: its answers are those of `secateur predict`, mistakes are one line, it ends well."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from hostile import good, post
from pets import CLASSES
from serving_process import serving

from secateur.cli.serve import SERVING

PREDICT = """
import sys
from secateur.cli import main
model, *photos = sys.argv[1:]
for photo in photos:
    try:
        main(["predict", model, photo, "--top", "3", "--json"])
    except SystemExit as end:
        assert not end.code
assert "torch" not in sys.modules
"""


def secateur(*words: object, cwd: Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "secateur", *map(str, words)],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=os.environ | {"COLUMNS": "100"},
        timeout=60,
    )
    assert done.returncode == code, done.stderr
    return done


def asked(url: str, body: bytes | None = None) -> dict[str, object]:
    with urllib.request.urlopen(url, data=body, timeout=60) as reply:
        found: dict[str, object] = json.load(reply)
        return found


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("photos")
    for number, data in enumerate(good().values()):
        (folder / f"{number}.photo").write_bytes(data)
    return sorted(folder.iterdir())


def test_answers_are_those_of_predict_to_the_bit(home: Path, tmp_path: Path, photos: list[Path], originals: Path):
    real = sorted((originals / "raw-img").rglob("*.*"))[::60]
    assert len(real) >= 10
    with serving(home, tmp_path) as server:
        said = [asked(server.url + "api/predict", photo.read_bytes()) for photo in (*photos, *real)]
    errors = (tmp_path / "errors").read_text()
    assert "AUDIT" not in errors and "Traceback" not in errors, errors
    for place, file in enumerate(("cut.onnx", "cut.packed", "dense.onnx", "mine.onnx")):
        words = [sys.executable, "-c", PREDICT, home / "models" / file, *photos, *real]
        done = subprocess.run(words, capture_output=True, text=True, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        expected = [row[0]["classes"] for row in _lists(done.stdout)]
        own = [answer["models"][place]["classes"] for answer in said]
        assert [len(row) for row in own] == [len(CLASSES)] * len(own)
        assert own == expected, file


def _lists(text: str) -> list[list[dict[str, object]]]:
    """JSON lists that stand one behind the other."""
    decoder, at, found = json.JSONDecoder(), 0, []
    while at < len(text):
        one, at = decoder.raw_decode(text, at)
        found.append(one)
        at += len(text[at:]) - len(text[at:].lstrip())
    return found


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_it_ends_well_even_while_a_photo_is_on_its_way(home: Path, tmp_path: Path, name: str):
    with serving(home, tmp_path) as server, socket.create_connection(server.address) as line:
        line.sendall(post(good()["jpeg"]).replace(b"{host}", b"localhost")[:300])
        assert asked(server.url + "api/models")["run"] == "pets"
        server.process.send_signal(getattr(signal, name))
        assert server.process.wait(timeout=20) == 0
    errors = (tmp_path / "errors").read_text()
    assert "Traceback" not in errors and "interrupted" not in errors and "Cancel" not in errors
    assert errors.startswith("4 models; Ctrl-C ends it\n")


def test_a_port_that_is_taken(home: Path, tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = secateur("serve", home, "--port", port, cwd=tmp_path, code=2)
    assert f"port {port} of 127.0.0.1 is taken; name another" in done.stderr and done.stderr.count("\n") == 1
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--host", "192.0.2.1"), "192.0.2.1, port 8000, cannot be served: "),
        (("--host", "no such host"), "no such host, port 8000, cannot be served: "),
        (("--max-upload", "many"), "--max-upload: a size is written like "),
        (("--max-upload", ""), "--max-upload: a size is needed, such as 20MB"),
        (("--port", "70000"), "65535"),
        (("--top", "0"), "--top"),
    ],
)
def test_mistakes_are_one_line(home: Path, tmp_path: Path, words: tuple[str, ...], said: str):
    done = secateur("serve", home, *words, cwd=tmp_path, code=2)
    assert said in done.stderr and done.stderr.count("\n") == 1 and done.stdout == ""


def test_runs_that_cannot_be_served(home: Path, tmp_path: Path):
    shutil.copytree(home, tmp_path / "runs" / "pets")
    assert "run 'pet' is not known" in secateur("serve", "pet", cwd=tmp_path, code=2).stderr
    (tmp_path / "runs" / "pets" / "models" / "cut.packed").write_bytes(b"secateur-packed-1\nxx")
    done = secateur("serve", "pets", "--port", 0, cwd=tmp_path, code=2)
    assert "cut.packed" in done.stderr and "altered" in done.stderr and done.stderr.count("\n") == 1
    shutil.rmtree(tmp_path / "runs" / "pets" / "models")
    assert "holds no models" in secateur("serve", "pets", "--port", 0, cwd=tmp_path, code=2).stderr


@pytest.mark.parametrize("missing", SERVING)
def test_without_the_extra_it_says_what_to_install(home: Path, tmp_path: Path, missing: str):
    code = (
        "import sys\n"
        "class Refuse:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name == {missing!r}: raise ModuleNotFoundError(name, name=name)\n"
        "sys.meta_path.insert(0, Refuse())\n"
        "from secateur.cli import main\n"
        f"main(['serve', {str(home)!r}])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr == f"secateur: {missing} is not installed, which this needs: pip install 'secateur[serve]'\n"


def test_the_network_is_warned_of(home: Path, tmp_path: Path):
    with serving(home, tmp_path, "--host", "0.0.0.0") as server:
        assert server.url.startswith("http://localhost:")
        assert asked(server.url + "api/models")["run"] == "pets"
    assert "anyone on the network who reaches 0.0.0.0 may send photos" in (tmp_path / "errors").read_text()


def test_options_are_kept(home: Path, tmp_path: Path):
    with serving(home, tmp_path, "--max-upload", "700kB", "--top", "1") as server:
        assert asked(server.url + "api/models")["max_upload_bytes"] == 700_000
        said = asked(server.url + "api/predict", good()["png"])
    assert {len(row["classes"]) for row in said["models"]} == {1}


@pytest.mark.parametrize(("words", "opens"), [(("--open",), True), (("--no-open",), False), ((), False)])
def test_a_browser_is_opened_where_it_is_wanted(home: Path, tmp_path: Path, words: tuple[str, ...], opens: bool):
    """Not by itself where nobody looks: standard output is no terminal here."""
    mark = tmp_path / "opened"
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {mark}.part && mv {mark}.part {mark}\n')
    browser.chmod(0o755)
    about = {"BROWSER": f"{browser} %s", "DISPLAY": ":99"}
    command = [sys.executable, "-m", "secateur", "serve", str(home), "--port", "0", *words]
    process = subprocess.Popen(
        command, cwd=tmp_path, env=os.environ | about, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdout
    url = process.stdout.readline().strip()
    asked(url + "api/models")
    for _ in range(100 if opens else 10):
        if mark.exists():
            break
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=20) == 0
    assert mark.exists() == opens
    assert not opens or mark.read_text().strip() == url


def test_help_teaches(tmp_path: Path):
    done = " ".join(secateur("serve", "--help", cwd=tmp_path).stdout.split())
    for words in ("GET /api/models", "POST /api/predict", "nothing is written", "--max-upload", "127.0.0.1"):
        assert words in done
