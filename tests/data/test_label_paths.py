"""Paths of a file of labels: either slash, another machine's drive or share, either form of Unicode."""

from __future__ import annotations

import unicodedata

import pytest

from secateur.data import heif
from secateur.data.label_paths import slashed
from secateur.data.labelled import list_labelled
from secateur.data.scan import scan
from secateur.errors import UserError
from secateur.records import Reading


def nfd(text):
    return unicodedata.normalize("NFD", text)


@pytest.fixture
def root(folder_of):
    """S0 to S2, each with a fox and a hare of the same file names."""
    return folder_of({f"S{i}/{name}": 2 for i in range(3) for name in ("fox", "hare")})


def paths(root):
    return [p.relative_to(root).as_posix() for p in sorted(root.rglob("*.jpg"))]


def listed(root, rows, header="path,label", **more):
    file = root.parent / "labels.csv"
    file.write_text("\n".join([header, *rows]), encoding="utf-8")
    return list_labelled(root, Reading(labels=str(file), **more))


def label(path):
    return path.split("/")[-2]


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        ("a\\b.jpg", "a/b.jpg"),
        (".\\a//b.jpg ", "a/b.jpg"),
        ("D:\\survey\\a.jpg", "D:/survey/a.jpg"),
        ("D:a.jpg", "D:a.jpg"),
        ("\\\\server\\share\\a.jpg", "//server/share/a.jpg"),
        ("/a/./b.jpg", "/a/b.jpg"),
        ("gs://bucket/a.jpg", "gs://bucket/a.jpg"),
        (nfd("Füchsin/ü.jpg"), "Füchsin/ü.jpg"),
    ],
)
def test_one_form_for_all(written, wanted):
    assert slashed(written) == wanted


@pytest.mark.parametrize(
    "above",
    ["D:\\survey", "D:", "\\\\server\\share\\2021", "/mnt/cards", "c:/Users/Anna Ö", "gs://bucket/x", "elsewhere"],
)
@pytest.mark.parametrize("mark", ["\\", "/"])
def test_paths_of_another_machine(root, above, mark):
    """The part that all of them have before the folder's own paths is taken for the folder, and said."""
    found = listed(root, [f"{above}{mark}{p.replace('/', mark)},{label(p)}" for p in paths(root)])
    assert [path for path, _, _ in found.files] == paths(root) and found.problems == ()
    assert {name for path, name, _ in found.files if "fox" in path} == {"fox"}
    assert found.taken.root == above.replace("\\", "/") and f"'{found.taken.root}' is taken" in found.taken.said()


def test_camtrapr_writes_directory_and_file_apart(root):
    rows = [f"D:/survey/{p.rpartition('/')[0]},{p.rpartition('/')[2]},{label(p)}" for p in paths(root)]
    found = listed(root, rows, "Directory,FileName,Species")
    assert [path for path, _, _ in found.files] == paths(root)
    assert found.taken.path == "Directory + FileName"
    again = listed(root, rows, "Directory,FileName,Species", path_column=found.taken.path)
    assert again.files == found.files


def test_what_lies_elsewhere_is_not_taken_for_what_lies_here(root):
    """Cards name their photos alike: a few rows of another one are out, and listed."""
    rows = [f"D:/2021/{p},{label(p)}" for p in paths(root)] + [f"D:/2020/{p},owl" for p in paths(root)[:4]]
    found = listed(root, rows)
    assert found.classes == ("fox", "hare") and found.taken.root == "D:/2021"
    assert [p.what for p in found.problems] == ["outside"] * 4


@pytest.mark.parametrize("n", [8, 12])
def test_two_beginnings_that_would_do_are_no_guess(root, n):
    """The folder may be the one of which the table knows fewer photos."""
    rows = [f"D:/2021/{p},owl" for p in paths(root)] + [f"D:/2020/{p},{label(p)}" for p in paths(root)[:n]]
    with pytest.raises(UserError, match=rf"outside: {12 + n} times.* D:/2020 and D:/2021 would each do"):
        listed(root, rows)
    root.rename(root.with_name("2020"))  # its own name says which
    found = listed(root.with_name("2020"), rows)
    assert found.classes == ("fox", "hare") and found.taken.root == "D:/2020" and len(found.files) == n


def test_the_highest_of_beginnings_within_each_other(root):
    (root / "fox").mkdir()
    for name in ("000", "001"):
        (root / "fox" / f"{name}.jpg").write_bytes((root / f"S0/hare/{name}.jpg").read_bytes())
    rows = [f"D:/survey/{p},{label(p)}" for p in paths(root) if p.startswith("S")]
    found = listed(root, rows)
    assert found.taken.root == "D:/survey" and len(found.files) == 12


def test_a_path_that_leads_out_is_never_read(root):
    rows = [f"{p},{label(p)}" for p in paths(root)]
    out = ["/etc/passwd,x", "C:\\photos\\a.jpg,x", "..\\secret.jpg,x", "a/../../b.jpg,x", "\\\\server\\c$\\a.jpg,x"]
    found = listed(root, [*rows, *out])
    assert len(found.files) == 12 and [p.what for p in found.problems] == ["outside"] * 5


def test_absolute_paths_of_this_machine(root):
    found = listed(root, [f"{root}/{p},{label(p)}" for p in paths(root)])
    assert len(found.files) == 12 and found.taken.root == ""


def test_the_reason_is_said_where_no_row_fits(root):
    """Three photos of one name, for every row: that is what the reader has to know."""
    rows = [f"{p.rpartition('/')[2]},{label(p)}" for p in paths(root)]
    with pytest.raises(
        UserError, match=r"which file: 12 times, first 000\.jpg: line 2 of labels\.csv: 6 photos are cal"
    ):
        listed(root, rows)
    with pytest.raises(UserError, match=r"no file: x/000\.jpg: line 2 .* not there$"):
        listed(root, ["x/000.jpg,fox"])
    with pytest.raises(UserError, match=r"no file: s0/fox/000\.jpg: .* there is S0/fox/000\.jpg"):
        listed(root, ["s0/fox/000.jpg,fox"])
    (root / "S0/fox/000.jpg").rename(root / "S0/fox/only.JPG")
    with pytest.raises(UserError, match=r"no file: only\.jpg: .* there is S0/fox/only\.JPG"):
        listed(root, ["only.jpg,fox"])


def test_a_column_of_folders_that_leads_nowhere_is_none(folder_of):
    """Boxes drawn with TensorFlow's tools stand with the folder in which somebody drew them."""
    root = folder_of({"fox": 2})
    (root / "fox" / "000.jpg").rename(root / "a.jpg")
    (root / "fox" / "001.jpg").rename(root / "b.jpg")
    found = listed(root, ["drawn,a.jpg,fox", "elsewhere,b.jpg,hare"], "folder,filename,class")
    assert found.classes == ("fox", "hare") and found.taken.path == "filename"


def test_the_reason_stands_behind_every_end(root):
    rows = [f"{p},{label(p) if 'fox' in p else 'NA'}" for p in paths(root)]
    with pytest.raises(
        UserError, match=r"only class 'fox' is left .*; no label: 6 times, first S0/hare/000\.jpg: line 4"
    ):
        scan(root, reading=Reading(labels=listed(root, rows) and str(root.parent / "labels.csv")))
    for p in paths(root):
        if "hare" in p:
            (root / p).write_bytes(b"\xff\xd8\xff")
    rows = [f"{p},{label(p)}" for p in paths(root)]
    listed(root, rows)
    with pytest.raises(
        UserError, match=r"only class 'fox' has usable photos .*; not an image: 6 times, first S0/hare/000\.jpg"
    ):
        scan(root, reading=Reading(labels=str(root.parent / "labels.csv")))


# ------------------------------------------------------------ Unicode


@pytest.mark.parametrize("disk", [nfd, str])
@pytest.mark.parametrize("table", [nfd, str])
def test_names_that_look_the_same_are_the_same(folder_of, disk, table):
    root = folder_of({disk("Füchsin"): 2, disk("Häsin"): 2})
    here = sorted(p.relative_to(root).as_posix() for p in root.rglob("*.jpg"))
    rows = [f"{table(p)},{table(p.split('/')[0])},{table('Wäldchen')}" for p in here]
    found = listed(root, rows, table("path,label,Höhe"), group_by=(f"column:{disk('Höhe')}",))
    assert found.problems == () and found.classes == ("Füchsin", "Häsin")
    assert [path for path, _, _ in found.files] == here  # the disk's own form opens files
    reading = Reading(
        labels=str(root.parent / "labels.csv"),
        label_column=table("label"),
        classes=((disk("Füchsin"), table("Föx")),),
        group_by=(f"column:{disk('Höhe')}", f"regex:{table('Füchsin|Häsin')}"),
    )
    snapshot = scan(root, reading=reading)
    assert snapshot.classes == ("Föx", "Häsin") and len(snapshot.photos) == 4
    assert snapshot.taken and snapshot.taken.groups == ("Höhe",)
    assert [tie.groups for tie in snapshot.ties[1:]] == [1, 2]


def test_one_label_in_two_forms_is_one_class(folder_of):
    root = folder_of({"a": 4, "b": 2})
    here = sorted(p.relative_to(root).as_posix() for p in root.rglob("*.jpg"))
    names = ["Füchsin", nfd("Füchsin")] * 2 + ["hare"] * 2
    found = listed(root, [f"{p},{name}" for p, name in zip(here, names, strict=True)])
    assert found.classes == ("Füchsin", "hare") and len(found.files) == 6


def test_two_photos_that_differ_in_form_alone_are_no_guess(folder_of):
    root = folder_of({"a": 2, "b": 2})
    (root / "a" / "000.jpg").rename(root / "a" / "ü.jpg")
    (root / "a" / "001.jpg").rename(root / "a" / nfd("ü.jpg"))
    if len(list((root / "a").iterdir())) < 2:
        pytest.skip("this disk takes them for one name")
    found = listed(root, ["a/ü.jpg,fox", "b/000.jpg,hare", "b/001.jpg,fox"])
    assert ("a/ü.jpg", "which file") in {(p.path, p.what) for p in found.problems} and len(found.files) == 2


# ------------------------------------------------------------ files that are no photos


def test_a_file_that_is_not_read_is_there(folder_of, monkeypatch):
    """That "it is not there" would send the reader to look for it."""
    monkeypatch.setattr(heif, "at_hand", lambda: False)
    root = folder_of({"fox": 2, "hare": 2})
    for name in ("a.heic", "b.HEIC", "c.mov", "d.heic"):
        (root / "fox" / name).write_bytes(b"x")
    (root / "labels.csv").write_text(
        "file,label\nfox/a.heic,fox\nb.HEIC,fox\nfox/000.jpg,fox\nhare/000.jpg,hare\nx.heic,fox"
    )
    found = list_labelled(root, Reading(labels=str(root / "labels.csv")))
    said = {(p.path, p.what): p.why for p in found.problems}
    assert said["fox/a.heic", "not read"] == (
        "line 2 of labels.csv names it: it is there, but HEIC is not read here (pip install 'secateur[heif]')"
    )
    assert "it is there" in said["fox/b.HEIC", "not read"] and "it is not there" in said["x.heic", "no file"]
    assert said["fox/d.heic", "not read"].startswith("1 file with the suffix '.heic': HEIC is not read here")
    assert said["fox/c.mov", "not read"].startswith("1 file with the suffix '.mov': MOV is a video")
    assert not [path for path, _ in said if path.endswith(".csv")]
    with pytest.raises(UserError, match=r"not read: fox/c\.mov: line 2 of labels\.csv names it: it is there, but"):
        listed(root, ["c.mov,fox"])
    with pytest.raises(UserError, match=r"not read: fox/c\.mov: line 2 of labels\.csv names it: it is there, but"):
        listed(root, ["D:\\cards\\fox\\c.mov,fox"])
