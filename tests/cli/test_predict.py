"""`secateur predict` on folders as cameras leave them: deep, repeated names, broken files, times, doubts, copies."""

from __future__ import annotations

import csv
import io
import json
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from PIL import Image, UnidentifiedImageError

import forked
from secateur.data import seen
from secateur.data.exif import taken

PX = 8
RED, BLUE = (200, 30, 30), (30, 30, 200)


def colours(file: Path, labels: list[str], **more: str) -> Path:
    """A model as Secateur writes them: the mean of red, and of blue, over ten, are the logits of the two classes."""
    nodes = [
        helper.make_node("Cast", ["photos"], ["x"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["x", "axes"], ["mean"], keepdims=0),
        helper.make_node("MatMul", ["mean", "w"], ["logits"]),
    ]
    weights = helper.make_tensor("w", TensorProto.FLOAT, (3, 2), [0.1, 0, 0, 0, 0, 0.1])
    axes = helper.make_tensor("axes", TensorProto.INT64, (2,), [1, 2])
    given = helper.make_tensor_value_info("photos", TensorProto.UINT8, ("n", PX, PX, 3))
    said = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ("n", 2))
    graph = helper.make_graph(nodes, "colours", [given], [said], [weights, axes])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    said = {"secateur.labels": json.dumps(labels), "secateur.input_px": str(PX)}
    helper.set_model_props(model, said | {f"secateur.{name}": words for name, words in more.items()})
    onnx.save(model, file)
    return file


def photo(file: Path, colour: tuple[int, int, int], when: str = "") -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    exif = Image.Exif()
    if when:
        exif.get_ifd(0x8769)[0x9003] = when
    Image.new("RGB", (40, 30), colour).save(file, exif=exif, quality=95)
    return file


@pytest.fixture
def home(tmp_path: Path) -> Path:
    colours(tmp_path / "m.onnx", ["fox", "jay"])
    photo(tmp_path / "cameras/one/2021/IMG_0001.JPG", RED, "2021:05:03 17:20:11")
    photo(tmp_path / "cameras/two/IMG_0001.JPG", BLUE)
    photo(tmp_path / "cameras/two/IMG_0002.JPG", (100, 30, 100), "    :  :     :  :  ")
    (tmp_path / "cameras/two/IMG_0003.JPG").write_bytes((tmp_path / "cameras/two/IMG_0001.JPG").read_bytes()[:200])
    (tmp_path / "cameras/notes.txt").write_text("rain")
    return tmp_path


def secateur(*arguments: object, cwd: Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = forked.run(*arguments, cwd=cwd)
    assert done.returncode == code, done.stderr
    return done


def test_answers_doubts_times_and_reasons(home: Path):
    words = ("--min-confidence", 0.8, "--csv", "a.csv", "--json", "--top", 2)
    done = secateur("predict", "m.onnx", "cameras", *words, cwd=home, code=1)
    rows = {r["photo"]: r for r in json.loads(done.stdout)}
    assert [r["said"] for r in rows.values()] == ["fox", "jay", "unsure", ""]
    first = rows["cameras/one/2021/IMG_0001.JPG"]
    assert first["taken"] == "2021-05-03 17:20:11" and first["classes"][0]["class"] == "fox"
    assert rows["cameras/two/IMG_0002.JPG"]["taken"] == ""
    assert "IMG_0003" not in str(first) and rows["cameras/two/IMG_0003.JPG"]["problem"]
    table = list(csv.DictReader((home / "a.csv").open(encoding="utf-8-sig")))
    assert [r["said"] for r in table] == ["fox", "jay", "unsure", ""]
    assert table[0]["taken"] == first["taken"] and table[3]["problem"] and not table[3]["confidence"]
    assert float(table[0]["confidence"]) == pytest.approx(first["classes"][0]["probability"], abs=1e-4)
    assert "4 photos: fox 1, jay 1, unsure 1, not read 1" in done.stderr


def test_a_photo_that_lacks_rows_is_a_row_with_its_reason(home: Path):
    whole = (home / "cameras/one/2021/IMG_0001.JPG").read_bytes()
    rows = whole.index(b"\xff\xda")
    for name, data in (("ends", whole[: rows + 20] + b"\xff\xd9"), ("padded", whole[:-2] + bytes(40) + whole[-2:])):
        (home / f"{name}.jpg").write_bytes(data)
    done = secateur("predict", "m.onnx", "ends.jpg", "padded.jpg", "--json", cwd=home, code=1)
    ends, padded = json.loads(done.stdout)
    assert (ends["said"], padded["said"], padded["problem"], padded["doubt"]) == ("", "fox", "", "")
    assert ends["problem"].startswith("damaged: its coded rows end early")
    words = ("--keep-damaged", "--csv", "a.csv")
    done = secateur("predict", "m.onnx", "ends.jpg", "padded.jpg", *words, cwd=home)
    assert "doubt: damaged: 1 photo: its coded rows end early" in done.stderr
    assert [line.count("doubt") for line in done.stdout.splitlines()] == [1, 0]
    table = list(csv.DictReader((home / "a.csv").open(encoding="utf-8-sig")))
    assert [bool(r["doubt"]) for r in table] == [True, False] and table[0]["said"] and not table[0]["problem"]


def test_grey_of_12_bits_is_answered_alike_wherever_it_lies(home: Path):
    """By what the model stores; a model that stores nothing says how it read them."""
    colours(home / "deep.onnx", ["fox", "jay"], depth=json.dumps({"whole": 4095, "floats": 0.0}))
    grey = np.tile(np.linspace(0, 900, 40), (30, 1))
    for place, top in (
        ("alone/a.png", 1),
        ("season/a.png", 1),
        ("season/b.png", 4),
        ("other/a.png", 1),
        ("other/c.png", 70),
    ):
        (home / place).parent.mkdir(exist_ok=True)
        Image.fromarray((grey * top).astype(np.uint16)).save(home / place)
    said = {}
    for folder in ("alone", "season", "other"):
        rows = json.loads(secateur("predict", "deep.onnx", folder, "--json", cwd=home).stdout)
        said |= {r["photo"]: r for r in rows}
    assert said["alone/a.png"]["classes"] == said["season/a.png"]["classes"] == said["other/a.png"]["classes"]
    assert [p for p, r in said.items() if r["doubt"]] == ["other/c.png"]
    assert said["other/c.png"]["doubt"].startswith("above the depth: its values go up to 63,000 where 4,095 is white")
    done = secateur("predict", "m.onnx", "season", cwd=home)
    assert "doubt: no depth stored: 2 photos, the first: read as 16 bits" in done.stderr


def test_the_probability_is_the_models_own(home: Path):
    row = json.loads(secateur("predict", "m.onnx", "cameras/one", "--json", cwd=home).stdout)[0]
    pixels = seen.one(home / row["photo"], PX).pixels
    assert pixels is not None
    red, _, blue = pixels.reshape(-1, 3).mean(0) / 10
    assert row["classes"][0]["probability"] == pytest.approx(1 / (1 + np.exp(blue - red)), abs=1e-5)


def test_copies_keep_names_apart_and_originals_where_they_are(home: Path):
    before = {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in (home / "cameras").rglob("*") if p.is_file()}
    words = ("predict", "m.onnx", "cameras", "--min-confidence", 0.8, "--copy-to", "sorted")
    secateur(*words, cwd=home, code=1)
    assert sorted(str(p.relative_to(home / "sorted")) for p in (home / "sorted").rglob("*") if p.is_file()) == [
        "fox/one/2021/IMG_0001.JPG",
        "jay/two/IMG_0001.JPG",
        "unsure/two/IMG_0002.JPG",
    ]
    assert all(p.read_bytes() == data and p.stat().st_mtime_ns == at for p, (data, at) in before.items())
    copied = home / "sorted/fox/one/2021/IMG_0001.JPG"
    assert copied.read_bytes() == before[home / "cameras/one/2021/IMG_0001.JPG"][0] and not copied.is_symlink()
    secateur(*words, cwd=home, code=1)  # again: nothing new
    copied.write_bytes(b"mine")
    assert "another photo: left alone" in secateur(*words, cwd=home, code=1).stderr
    assert copied.read_bytes() == b"mine"


def test_links_lead_to_the_photos(home: Path):
    secateur("predict", "m.onnx", "cameras/one", "cameras/two", "--link-to", "sorted", cwd=home, code=1)
    made = home / "sorted/fox/one/2021/IMG_0001.JPG"
    assert made.is_symlink() and made.resolve() == home / "cameras/one/2021/IMG_0001.JPG"
    assert (home / "sorted/jay/two/IMG_0001.JPG").is_symlink()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("cameras", "--copy-to", "cameras/sorted"), "lies inside"),
        (("inbox/fox", "--copy-to", "inbox"), "copies would be put into inbox/fox, and inbox/fox is what is read"),
        (("cameras", "--copy-to", "a", "--link-to", "b"), "set one"),
        (("cameras", "--min-confidence", "2"), "min-confidence"),
        (("nowhere",), "no such photo or folder: nowhere"),
        (("empty",), "no photos in empty"),
        (("cameras", "--csv", "no/such/a.csv"), "cannot be written"),
        (("cameras", "--copy-to", "m.onnx/x"), "cannot be made"),
    ],
)
def test_mistakes_are_one_line(home: Path, words: tuple[str, ...], said: str):
    (home / "empty").mkdir()
    photo(home / "inbox/fox/a.jpg", RED)
    done = secateur("predict", "m.onnx", *words, cwd=home, code=2)
    assert said in done.stderr and done.stderr.strip().count("\n") == 0 and not done.stdout


def test_the_folder_that_export_made_is_a_model_too(home: Path):
    (home / "handed-on").mkdir()
    shutil.copy(home / "m.onnx", home / "handed-on/model.onnx")
    by_folder = secateur("predict", "handed-on", "cameras", "--json", cwd=home, code=1).stdout
    assert by_folder == secateur("predict", "m.onnx", "cameras", "--json", cwd=home, code=1).stdout
    turned = secateur("predict", "cameras", "m.onnx", cwd=home, code=2).stderr
    assert "cameras holds no model" in turned and "name the model first, then the photos" in turned
    packed = secateur("pack", "cameras", cwd=home, code=2).stderr
    assert packed == "secateur: cameras is a folder: name a file\n"


def test_copies_have_names_that_every_system_takes(home: Path):
    colours(home / "odd.onnx", ["species: fox", "CON"])
    photo(home / "card/a b/IMG:1.JPG", RED)
    photo(home / "card/dark/aux.jpg", BLUE)
    photo(home / "card/dark/night.jpg", BLUE)
    photo(home / "card/Dark/Night.jpg", BLUE)
    for _ in range(2):  # again: the same names, nothing new
        done = secateur("predict", "odd.onnx", "card", "--copy-to", "sorted", cwd=home)
        made = sorted(str(p.relative_to(home / "sorted")) for p in (home / "sorted").rglob("*") if p.is_file())
        assert made == [
            "CON_/Dark/Night.jpg",
            "CON_/dark/aux_.jpg",
            "CON_/dark/night (2).jpg",
            "species_ fox/a b/IMG_1.JPG",
        ]
        assert "photos of 'species: fox' are in sorted/species_ fox" in done.stderr and "alone" not in done.stderr


def test_classes_that_are_one_folder_elsewhere_get_two(home: Path):
    colours(home / "odd.onnx", ["fox", "Fox"])
    secateur("predict", "odd.onnx", "cameras/one", "cameras/two/IMG_0001.JPG", "--copy-to", "sorted", cwd=home)
    assert sorted(p.name for p in (home / "sorted").iterdir()) == ["Fox (2)", "fox"]


def test_long_names_are_copied_and_long_paths_said(home: Path):
    long = photo(home / "card" / ("x" * 240) / ("y" * 251 + ".jpg"), RED)
    done = secateur("predict", "m.onnx", "card", "--copy-to", "sorted", cwd=home)
    assert (home / "sorted/fox" / long.relative_to(home / "card")).is_file()
    assert "more than 259 characters" in done.stderr
    assert "characters" not in secateur("predict", "m.onnx", "cameras/one", "--copy-to", "b", cwd=home).stderr


@pytest.mark.parametrize("label", ["../up", "a/b", "..", "a\\b", ""])
def test_a_models_labels_lead_nowhere_else(home: Path, label: str):
    colours(home / "odd.onnx", [label, "jay"])
    done = secateur("predict", "odd.onnx", "cameras", "--copy-to", "sorted", cwd=home, code=2)
    assert "can be no folder's name" in done.stderr and not (home / "sorted").exists()


def test_a_thousand_photos_take_no_more_memory_than_a_hundred(home: Path):
    for i in range(1000):
        where = home / "many" / f"{i:04}.jpg"
        photo(where, (i % 200, 30, 90))
    few = home / "few"
    few.mkdir()
    for i in range(100):
        os.link(home / "many" / f"{i:04}.jpg", few / f"{i:04}.jpg")
    peaks = {}
    for name in ("few", "many"):
        code = "import resource, sys; from secateur.cli import main\n"
        code += f"try: main(['predict', 'm.onnx', '{name}', '--json'])\n"
        code += "except SystemExit: print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)"
        done = subprocess.run([sys.executable, "-c", code], cwd=home, capture_output=True, text=True)
        assert len(json.loads(done.stdout)) == {"few": 100, "many": 1000}[name]
        peaks[name] = int(done.stderr.split()[-1]) * (1 if sys.platform != "darwin" else 1 / 1024)
    assert peaks["many"] < 1.1 * peaks["few"] + 4096
    assert resource.RUSAGE_SELF == 0


@pytest.mark.parametrize(
    ("tag", "said"),
    [(0x9003, "2020-01-02 03:04:05"), (0x9004, "2020-01-02 03:04:05"), (0x0132, "2020-01-02 03:04:05"), (0x010F, "")],
)
def test_times_of_cameras(tmp_path: Path, tag: int, said: str):
    exif = Image.Exif()
    (exif if tag < 0x8000 else exif.get_ifd(0x8769))[tag] = "2020:01:02 03:04:05"
    Image.new("RGB", (9, 9)).save(tmp_path / "a.jpg", exif=exif)
    assert taken((tmp_path / "a.jpg").read_bytes()) == said
    assert taken(b"no photo") == ""


def test_a_packed_file_answers_as_the_file_does_and_says_its_sizes(home: Path):
    made = json.loads(secateur("pack", "m.onnx", "--json", cwd=home).stdout)
    assert made["file"] == "m.packed" and made["error"] == 0
    assert made["sizes"]["packed"] == (home / "m.packed").stat().st_size
    assert made["sizes"]["as it is"] == (home / "m.onnx").stat().st_size
    plain, packed = (
        secateur("predict", name, "cameras/one", "--json", cwd=home).stdout for name in ("m.onnx", "m.packed")
    )
    assert packed == plain
    (home / "m.packed").write_bytes((home / "m.packed").read_bytes()[:-1])
    assert "truncated or altered" in secateur("predict", "m.packed", "cameras/one", cwd=home, code=2).stderr
    assert "no ONNX file" in secateur("pack", "cameras/notes.txt", cwd=home, code=2).stderr
    assert "no such file" in secateur("pack", "none.onnx", cwd=home, code=2).stderr
    assert "the model itself" in secateur("pack", "m.onnx", "--out", "m.onnx", cwd=home, code=2).stderr


def test_of_a_strange_photo_one_line_is_said(home: Path):
    """Pillow warns of it, too, on standard error and with a line of its own source."""
    whole = io.BytesIO()
    Image.new("RGB", (40, 30), RED).save(whole, "TIFF", compression="tiff_lzw")
    (home / "cut.tif").write_bytes(whole.getvalue()[:-20])
    with pytest.warns(UserWarning, match="Truncated"), pytest.raises(UnidentifiedImageError):
        Image.open(home / "cut.tif")
    done = secateur("predict", "m.onnx", "cut.tif", cwd=home, code=1)
    assert "cut.tif: not an image" in done.stdout + done.stderr and "Warning" not in done.stderr
