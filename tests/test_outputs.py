"""What a command writes: asked for before the work, whole or absent after it, whatever happens in between."""

from __future__ import annotations

import errno
import io
import os
import stat
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from secateur import outputs, writing
from secateur.errors import UserError
from secateur.outputs import aside, can_be_made, opened, put, refuse_folder


def left(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def test_a_file_is_there_when_it_is_whole_and_not_before(tmp_path: Path):
    with opened(tmp_path / "a.csv", "--csv") as out:
        assert out and not (tmp_path / "a.csv").exists()
        out.write("\ufeff")
        out.rows([("photo", "said"), ("f\udcff.jpg", "fox, red")])
    assert (tmp_path / "a.csv").read_bytes() == b'\xef\xbb\xbfphoto,said\r\nf\\udcff.jpg,"fox, red"\r\n'
    assert left(tmp_path) == ["a.csv"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, UserError("a mistake"), MemoryError, SystemExit])
def test_what_was_there_stays_where_the_work_does_not_end(tmp_path: Path, error: BaseException):
    (tmp_path / "a.csv").write_text("old")
    with (
        pytest.raises(type(error) if isinstance(error, BaseException) else error),
        opened(tmp_path / "a.csv", "-") as out,
    ):
        assert out
        out.write("half")
        raise error
    assert (tmp_path / "a.csv").read_text() == "old" and left(tmp_path) == ["a.csv"]


def full_at(monkeypatch: pytest.MonkeyPatch, where: str, code: int) -> None:
    """A disk that is full when a file is written, or when that reaches it."""

    def no(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    if where == "fsync":
        monkeypatch.setattr(os, "fsync", no)
        return
    real = outputs.Output.__init__

    def broken(self: outputs.Output, target: Path, content: io.BufferedWriter, place: Path | None) -> None:
        real(self, target, SimpleNamespace(write=no, flush=no, close=content.close, fileno=content.fileno), place)

    monkeypatch.setattr(outputs.Output, "__init__", broken)


@pytest.mark.parametrize("where", ["write", "fsync"])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO])
def test_a_full_disk_is_one_line_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, code: int
):
    (tmp_path / "a.csv").write_text("old")
    full_at(monkeypatch, where, code)
    with opened(tmp_path / "a.csv", "--csv") as out:
        lost = put(out, "new")
    assert isinstance(lost, UserError), "the caller says first what it found"
    assert str(lost) == f"{tmp_path / 'a.csv'} cannot be written: {os.strerror(code)}"
    with pytest.raises(UserError, match="cannot be written"), opened(tmp_path / "b.csv", "--csv") as out:
        assert out
        out.write("a row as it comes")
    assert (tmp_path / "a.csv").read_text() == "old" and left(tmp_path) == ["a.csv"]


Spoiler = Callable[[Path], Path]


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("nodir/a.csv", "nodir: no such folder"),
        ("file/a.csv", "Not a directory"),
        ("folder", "is a folder"),
        ("model.onnx", "is what is read"),
        ("link.onnx", "is what is read"),
        ("hard.onnx", "is what is read"),
        ("photos/a.jpg", "which is read"),
        ("dead/../nodir/a.csv", "no such folder"),
        ("loop", "cannot be written"),
        ("x" * 256, "File name too long"),
    ],
)
def test_what_cannot_be_written_is_said_before_the_work(tmp_path: Path, target: str, said: str):
    for name in ("file", "model.onnx"):
        (tmp_path / name).write_text(name)
    (tmp_path / "folder").mkdir()
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos/a.jpg").write_text("photo")
    (tmp_path / "link.onnx").symlink_to("model.onnx")
    (tmp_path / "loop").symlink_to("loop")
    os.link(tmp_path / "model.onnx", tmp_path / "hard.onnx")
    before = left(tmp_path)
    reads = [tmp_path / "model.onnx", tmp_path / "photos", None]
    with pytest.raises(UserError, match=said) as found, opened(tmp_path / target, "--csv", inputs=reads):
        pytest.fail("the work had begun")
    assert "\n" not in str(found.value) and left(tmp_path) == before
    assert (tmp_path / "model.onnx").read_text() == "model.onnx" and left(tmp_path / "photos") == ["a.jpg"]


def test_a_table_beside_the_photos_is_written_anew(tmp_path: Path):
    (tmp_path / "a.csv").write_text("of last week")
    with opened(tmp_path / "a.csv", "--csv", inputs=[tmp_path]) as out:
        put(out, [("one", 2)])
    assert (tmp_path / "a.csv").read_bytes() == b"one,2\r\n"


@pytest.mark.parametrize("content", [b"\xff\xd8\xff\xe0\x00\x10JFIF", b"II*\x00", b"\x08\x07pytorch\x00"])
def test_a_table_takes_no_photo_s_or_model_s_place(tmp_path: Path, content: bytes):
    """`--csv photos/*.jpg`: the shell makes the first photo the table's name, and the others what is read."""
    file = tmp_path / "a.jpg"
    file.write_bytes(content)
    with pytest.raises(UserError, match=r"--csv .*a\.jpg is there already, and holds no text"), opened(file, "--csv"):
        pytest.fail("the work had begun")
    assert file.read_bytes() == content and left(tmp_path) == ["a.jpg"]
    with opened(file, "--out", text=False) as out:
        put(out, b"\0packed")
    assert file.read_bytes() == b"\0packed"


@pytest.mark.parametrize("name", ["a.csv", "a.txt", "table"])
def test_tables_of_any_name_are_written_anew(tmp_path: Path, name: str):
    file = tmp_path / name
    file.write_text("of last week", encoding="utf-16" if file.suffix else "utf-8")
    with opened(file, "--csv") as out:
        put(out, "new")
    assert file.read_text() == "new"


@pytest.mark.skipif(sys.platform != "linux", reason="/sys takes no file from anybody")
def test_a_folder_that_takes_no_file(tmp_path: Path):
    with pytest.raises(UserError, match=r"^/sys/a.csv cannot be written: "), opened(Path("/sys/a.csv"), "--csv"):
        pytest.fail("the work had begun")
    for ask in (can_be_made, refuse_folder):
        with pytest.raises(UserError, match=r"^/sys/a/b cannot be written: "):
            ask(Path("/sys/a/b"))


def test_a_file_that_may_be_changed_in_a_folder_that_may_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "a.csv").write_text("old, and longer than what is new")
    real = Path.open

    def shut(self: Path, mode: str = "r", *more: object, **named: object) -> object:
        if "x" in mode and self.parent == tmp_path:
            raise PermissionError(errno.EACCES, "Permission denied", str(self))
        return real(self, mode, *more, **named)

    monkeypatch.setattr(Path, "open", shut)
    with opened(tmp_path / "a.csv", "--csv") as out:
        put(out, "new")
    assert (tmp_path / "a.csv").read_text() == "new" and left(tmp_path) == ["a.csv"]
    with pytest.raises(UserError, match="Permission denied"), opened(tmp_path / "b.csv", "--csv"):
        pytest.fail("the work had begun")


def test_a_file_that_cannot_be_replaced_is_written_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A container that was given one file alone has it as a mount."""
    (tmp_path / "a.csv").write_text("old")

    def busy(place: Path, target: Path) -> None:
        raise OSError(errno.EBUSY, "Device or resource busy", str(place))

    monkeypatch.setattr(writing, "move", busy)
    with opened(tmp_path / "a.csv", "--csv") as out:
        put(out, "new")
    assert (tmp_path / "a.csv").read_text() == "new" and left(tmp_path) == ["a.csv"]


def test_links_are_followed_and_permissions_stay(tmp_path: Path):
    (tmp_path / "there").mkdir()
    real = tmp_path / "there/real.csv"
    real.write_text("old")
    real.chmod(0o640)
    (tmp_path / "a.csv").symlink_to(real)
    (tmp_path / "new.csv").symlink_to("there/none yet.csv")
    for name in ("a.csv", "new.csv"):
        with opened(tmp_path / name, "--csv") as out:
            put(out, name)
        assert (tmp_path / name).is_symlink() and (tmp_path / name).read_text() == name
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert left(tmp_path / "there") == ["none yet.csv", "real.csv"]


@pytest.mark.parametrize("name", ["y" * 255, "ü" * 125 + ".json", "-.csv", "--csv"])
def test_any_name_that_a_disk_takes(tmp_path: Path, name: str):
    with opened(tmp_path / name, "--csv") as out:
        put(out, "all")
    assert left(tmp_path) == [name]
    writing.whole(tmp_path / name, "more")
    assert (tmp_path / name).read_text() == "more"


@pytest.mark.parametrize("name", ["-", "/dev/stdout", "/dev/fd/1"])
def test_standard_output(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary):
    monkeypatch.chdir(tmp_path)
    with opened(Path(name), "--csv") as out:
        assert not put(out, [("ü", 1)])
        with aside(out):
            print("for people")
    print("afterwards", flush=True)
    said = capfdbinary.readouterr()
    assert said.out == "ü,1\r\nafterwards\n".encode() and said.err == b"for people\n" and not left(tmp_path)
    with pytest.raises(UserError, match="set one"):
        outputs.one_on_stdout(True, Path(name))
    outputs.one_on_stdout(True, Path("a.csv"))
    outputs.one_on_stdout(False, Path(name))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with names are POSIX")
def test_pipes_and_devices_are_written_to_as_they_are(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    found: list[bytes] = []
    reader = threading.Thread(target=lambda: found.append((tmp_path / "pipe").read_bytes()))
    reader.start()
    with opened(tmp_path / "pipe", "--csv") as out:
        put(out, "all")
    reader.join(10)
    assert found == [b"all"] and stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)
    with opened(Path(os.devnull), "--csv") as out:
        assert put(out, "all") is None
    if sys.platform == "linux":
        with opened(Path("/dev/full"), "--csv") as out:
            assert "No space left" in str(put(out, "all"))


def test_nothing_named_is_nothing_done():
    with opened(None, "--csv") as out:
        assert out is None and put(out, "all") is None
        with aside(out):
            pass


def test_a_folder_is_whole_or_absent(tmp_path: Path):
    with writing.folder(tmp_path / "a/b/c") as place:
        (place / "file").write_text("all")
        assert not (tmp_path / "a/b/c").exists()
    assert (tmp_path / "a/b/c/file").read_text() == "all" and left(tmp_path / "a/b") == ["c"]
    with pytest.raises(KeyboardInterrupt), writing.folder(tmp_path / "d/e") as place:
        (place / "file").write_text("half")
        raise KeyboardInterrupt
    assert left(tmp_path) == ["a"]
    with pytest.raises(OSError, match="No space") as found, writing.folder(tmp_path / "f"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert found.value.filename == str(tmp_path / "f")


def test_a_folder_is_asked_for_before_the_work(tmp_path: Path):
    (tmp_path / "file").write_text("")
    (tmp_path / "dead").symlink_to("nowhere")
    for name, said in (("file", "exists already"), ("dead", "exists already"), ("file/a", "Not a directory")):
        with pytest.raises(UserError, match=said):
            refuse_folder(tmp_path / name)
    refuse_folder(tmp_path / "new/er")
    assert left(tmp_path) == ["dead", "file"]


def test_on_windows_names_that_are_devices_or_streams_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(outputs, "os", SimpleNamespace(name="nt", fsync=os.fsync))
    for name in ("con.csv", "a:b.csv", "a. "):
        with pytest.raises(UserError, match="cannot be written"), opened(tmp_path / name, "--csv"):
            pytest.fail("the work had begun")
    with opened(tmp_path / "a.csv", "--csv") as out:
        put(out, "all")


def test_a_scanner_that_holds_a_file_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    real, turns = Path.replace, []

    def held(self: Path, target: Path) -> Path:
        turns.append(target)
        if len(turns) < 3:
            raise PermissionError(errno.EACCES, "in use")
        return real(self, target)

    monkeypatch.setattr(Path, "replace", held)
    monkeypatch.setattr(writing, "os", SimpleNamespace(name="nt", fsync=os.fsync))
    monkeypatch.setattr(writing, "WAIT_SECONDS", 0)
    writing.whole(tmp_path / "a", "all")
    assert len(turns) == 3 and (tmp_path / "a").read_text() == "all"
