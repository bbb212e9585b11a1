"""CSV as programs write it: Excel's first line, its marks and its cut rows, two encodings, headers in the middle."""

from __future__ import annotations

import gzip
import zipfile

import pytest

from secateur.data.labelled import list_labelled, read_labels
from secateur.errors import UserError
from secateur.records import Reading


@pytest.fixture
def root(folder_of):
    return folder_of({"fox": 20, "hare": 4})


def written(root, header, mark=";", end=lambda i: "", first="", **more):
    lines = [header] + [
        f"{p.relative_to(root).as_posix()}{mark}{p.parent.name}{end(i)}"
        for i, p in enumerate(sorted(root.rglob("*.jpg")))
    ]
    file = root.parent / "labels.csv"
    file.write_text(first + "\n".join(lines), **more)
    return list_labelled(root, Reading(labels=str(file)))


def test_rows_whose_empty_last_cells_excel_left_out(root):
    """It writes them for sixteen rows. The hares come behind: without those rows there is one class."""
    found = written(root, "file;label;comment", end=lambda i: ";" if i < 16 else "")
    assert len(found.files) == 24 and found.classes == ("fox", "hare")
    assert [(p.what, p.left_out) for p in found.problems] == [("short rows", False)]
    assert found.problems[0].why.startswith("8 end before the last column, the first is line 18")


def test_a_row_too_short_for_its_label_is_no_class(root):
    file = root.parent / "labels.csv"
    file.write_text("label;file;note\nfox;fox/000.jpg;\nhare;hare/000.jpg\nhare\n")
    found = list_labelled(root, Reading(labels=str(file)))
    assert len(found.files) == 2
    assert ("labels.csv, line 4", "odd row") in [(p.path, p.what) for p in found.problems]


def test_empty_cells_behind_the_last_column_are_none(root):
    assert len(written(root, "file;label;;", end=lambda i: ";;;" if i % 2 else "").files) == 24
    assert written(root, "file;label", end=lambda i: ";;;").problems == ()


@pytest.mark.parametrize("first", ["sep=;\n", "sep=;\r\n", '"sep=;"\n', "\ufeffsep=;\n"])
def test_excels_first_line(root, first):
    found = written(root, "file;label, as seen;label", end=lambda i: f";{'hare' if i > 19 else 'fox'}", first=first)
    assert len(found.files) == 24 and found.problems == ()
    file = root.parent / "labels.csv"
    file.write_text(first + "file;label\nfox/000.jpg;fox\nfox/000.jpg;hare\nhare/000.jpg;hare\n")
    why = next(p.why for p in list_labelled(root, Reading(labels=str(file))).problems if p.what == "two labels")
    assert why.startswith("line 3 and line 4")  # as an editor counts them


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le-mark"])
def test_encodings_that_say_what_they_are(root, encoding):
    mark = "\ufeff" if encoding.endswith("mark") else ""
    found = written(root, "file\tlabel", mark="\t", first=mark, encoding=encoding.removesuffix("-mark"))
    assert len(found.files) == 24 and found.taken.path == "file"


@pytest.mark.parametrize("end", ["\r", "\r\n", "\n"])
def test_the_ends_of_lines(root, end):
    file = root.parent / "labels.csv"
    file.write_text(
        f"{end}sep=;{end}".removeprefix(end) + f";{end}file;label{end}fox/000.jpg;fox{end}hare/000.jpg;hare{end}"
    )
    assert list_labelled(root, Reading(labels=str(file))).classes == ("fox", "hare")


def test_two_tables_behind_each_other(root):
    """The second header, with its mark, is no photo and no class; its rows are read."""
    file = root.parent / "labels.csv"
    file.write_text("file,label\nfox/000.jpg,fox\n\ufefffile,label\nhare/000.jpg,hare\n", encoding="utf-8")
    found = list_labelled(root, Reading(labels=str(file)))
    assert found.classes == ("fox", "hare")
    assert [p.why for p in found.problems if p.what == "odd row"] == ["the header, once more"]


def test_a_row_with_too_many_cells_is_still_odd(root):
    found = written(root, "file;label", end=lambda i: ";more" if i == 3 else "")
    assert len(found.files) == 23 and "odd row" in {p.what for p in found.problems}


def test_the_mark_is_not_looked_for_in_quotes(root):
    found = written(root, '"file";"label";"a, b, c, d"', end=lambda i: ";x")
    assert len(found.files) == 24


def test_utf_16_that_is_cut_short_or_does_not_say_so(root):
    file = root.parent / "labels.csv"
    file.write_bytes("file,label\nfox/000.jpg,fox".encode("utf-16-le"))
    with pytest.raises(UserError, match=r"is not UTF-8 \(byte 1 is 0\); save it as 'CSV UTF-8'"):
        list_labelled(root, Reading(labels=str(file)))
    file.write_bytes("file,label\nfox/000.jpg,fox".encode("utf-16")[:-1])
    with pytest.raises(UserError, match="is UTF-16 cut short"):
        list_labelled(root, Reading(labels=str(file)))


@pytest.mark.parametrize(
    ("inside", "said"),
    [
        ("xl/workbook.xml", "an Excel workbook; save it as 'CSV UTF-8'"),
        ("images_1.csv", "a ZIP archive; unpack it, and name the file in it"),
    ],
)
def test_a_workbook_and_an_archive_are_called_so(tmp_path, inside, said):
    with zipfile.ZipFile(tmp_path / "labels.csv", "w") as archive:
        archive.writestr(inside, "file,label")
    with pytest.raises(UserError, match=f"labels.csv cannot be read: it is {said}"):
        read_labels(tmp_path / "labels.csv", Reading(labels=str(tmp_path / "labels.csv")))
    (tmp_path / "labels.csv").write_bytes(gzip.compress(b"file,label"))
    with pytest.raises(UserError, match="it is packed with gzip; unpack it"):
        read_labels(tmp_path / "labels.csv", Reading(labels=str(tmp_path / "labels.csv")))
