"""A folder becomes a Snapshot: broken files listed, copies found, near-duplicates tied, nothing read twice."""

from __future__ import annotations

import csv
import json
import os
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from secateur.data import scan as module
from secateur.data.duplicates import near_duplicates
from secateur.data.facts import dhash, read_facts
from secateur.data.scan import COLUMNS, scan, to_csv, to_frame
from secateur.errors import UserError

CLASSES = {"cat": 5, "dog": 4}


def kinds(snapshot):
    return {p.path: p.what for p in snapshot.problems}


def png_bomb(width, height):
    """A PNG that claims a size which it does not hold."""

    def chunk(kind, body):
        check = struct.pack(">I", zlib.crc32(kind + body))
        return struct.pack(">I", len(body)) + kind + body + check

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(10_000))) + chunk(b"IEND", b"")


def test_what_a_snapshot_says(folder_of):
    root = folder_of(CLASSES)
    seen = []
    snapshot = scan(root, progress=lambda *x: seen.append(x), synthetic="drawn")
    assert snapshot.classes == ("cat", "dog") and snapshot.counts() == (5, 4)
    assert [(p.label, p.sha256) for p in snapshot.photos] == sorted((p.label, p.sha256) for p in snapshot.photos)
    assert snapshot.problems == () and snapshot.synthetic == "drawn"
    assert len({p.group for p in snapshot.photos}) == 9
    photo = snapshot.photos[0]
    assert (photo.width, photo.height) == (96, 72)
    assert photo.bytes == (root / photo.path).stat().st_size and len(photo.phash) == 16
    assert seen[0] == (0, 9) and seen[-1] == (9, 9)


def test_bad_files_are_listed_with_reasons_and_left_out(folder_of, originals):
    root = folder_of(CLASSES)
    bad = {
        "empty.jpg": (b"", "empty"),
        "cut.jpg": ((root / "cat/000.jpg").read_bytes()[:-300], "truncated"),
        "text.jpeg": (b"hello, I am no photo", "not an image"),
        "bomb.png": (png_bomb(40_000, 40_000), "decompression bomb"),
        "eps.jpg": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n", "not an image"),
    }
    for name, (data, _) in bad.items():
        (root / "cat" / name).write_bytes(data)
    for path in (originals / "broken").glob("lfs_pointer*"):
        (root / "dog" / path.name).write_bytes(path.read_bytes())
        bad[path.name] = (b"", "git-lfs pointer")
    snapshot = scan(root)
    assert snapshot.counts() == (5, 4)
    found = {path.split("/")[1]: what for path, what in kinds(snapshot).items()}
    assert found == {name: what for name, (_, what) in bad.items()}
    assert all(p.why and "\n" not in p.why for p in snapshot.problems)


def test_every_truly_broken_file_is_listed(folder_of, originals):
    root = folder_of(CLASSES)
    broken = [p for p in (originals / "broken").iterdir() if p.suffix == ".jpeg"]
    for path in broken:
        (root / "cat" / path.name).write_bytes(path.read_bytes())
    snapshot = scan(root)
    assert len(broken) == 6 and sorted(kinds(snapshot)) == sorted(f"cat/{p.name}" for p in broken)


def test_a_file_that_cannot_be_read_is_listed(folder_of):
    root = folder_of(CLASSES)
    if os.geteuid():
        (root / "cat/000.jpg").chmod(0)
        assert kinds(scan(root)) == {"cat/000.jpg": "unreadable"}
    facts = read_facts(root / "cat")  # a folder: no rights needed for it to fail
    assert facts.what == "unreadable" and facts.why == "Is a directory"


def test_copies_are_kept_once_and_two_labels_not_at_all(folder_of):
    root = folder_of(CLASSES)
    (root / "cat/zzz.jpg").write_bytes((root / "cat/001.jpg").read_bytes())
    (root / "dog/both.jpg").write_bytes((root / "cat/002.jpg").read_bytes())
    snapshot = scan(root)
    assert snapshot.counts() == (4, 4)
    assert kinds(snapshot) == {
        "cat/zzz.jpg": "exact duplicate",
        "cat/002.jpg": "two labels",
        "dog/both.jpg": "two labels",
    }
    assert all("cat and dog" in p.why for p in snapshot.problems if p.what == "two labels")


def test_of_copies_in_two_parts_the_test_photo_stays(folder_of, tmp_path):
    root = folder_of({"train/cat": 3, "train/dog": 3, "test/cat": 2, "test/dog": 2})
    (root / "train/cat/copy.jpg").write_bytes((root / "test/cat/000.jpg").read_bytes())
    snapshot = scan(root)
    assert kinds(snapshot) == {"train/cat/copy.jpg": "exact duplicate"}
    assert sum(p.part == "test" for p in snapshot.photos) == 4


def variants(image):
    width, height = image.size
    yield image.resize((width * 2, height * 2), Image.Resampling.LANCZOS)
    yield image.resize((width * 3 // 4, height * 3 // 4))
    yield ImageEnhance.Brightness(image).enhance(0.85)
    yield image.crop((1, 1, width - 1, height - 1))


def test_near_duplicates_share_a_group_and_others_do_not(folder_of, picture):
    root = folder_of({"cat": 8, "dog": 8})
    for k, image in enumerate(variants(picture(0))):
        image.save(root / "cat" / f"variant{k}.jpg", quality=60 + 8 * k)
    snapshot = scan(root)
    groups = {p.path: p.group for p in snapshot.photos}
    tied = {path for path, g in groups.items() if g == groups["cat/000.jpg"]}
    assert tied == {"cat/000.jpg", *(f"cat/variant{k}.jpg" for k in range(4))}
    assert len(set(groups.values())) == 16
    near = [p for p in snapshot.problems if p.what == "near-duplicate"]
    assert len(near) == 4 and not any(p.left_out for p in near)


def test_a_near_duplicate_under_another_label_says_so(folder_of, picture):
    root = folder_of(CLASSES)
    picture(0).save(root / "dog" / "again.jpg", quality=50)
    (problem,) = scan(root).problems
    assert problem.what == "near-duplicate" and "labelled" in problem.why


def test_flat_frames_are_never_tied(folder_of):
    root = folder_of(CLASSES)
    rng = np.random.default_rng(0)
    for k in range(6):
        frame = np.clip(90 + rng.normal(0, 3, (72, 96, 3)), 0, 255).astype(np.uint8)
        Image.fromarray(frame).save(root / "cat" / f"flat{k}.png")
        Image.new("RGB", (64, 64), (10 * k, 50, 50)).save(root / "dog" / f"plain{k}.png")
    snapshot = scan(root, hamming_bound=64)
    flat = [p.group for p in snapshot.photos if "flat" in p.path or "plain" in p.path]
    assert len(flat) == 12 and len(set(flat)) == 12


def test_links_never_chain():
    """A film that drifts: each frame is near the next, the first not near the last."""
    base = np.random.default_rng(1).integers(0, 256, 256)
    thumbs = np.stack([base] * 40).astype(np.uint8)
    hashes = np.array([(1 << k) - 1 for k in range(40)], np.uint64)  # neighbours differ in one bit
    leader = near_duplicates(hashes, thumbs, 3)
    apart = np.bitwise_count(hashes ^ hashes[leader])
    assert apart.max() <= 3 and len(set(leader.tolist())) >= 40 // 7
    assert (leader[leader] == leader).all()


def test_alike_in_the_hash_alone_is_not_near():
    rng = np.random.default_rng(2)
    thumbs = rng.integers(0, 256, (2, 256)).astype(np.uint8)
    assert near_duplicates(np.zeros(2, np.uint64), thumbs, 8).tolist() == [0, 1]


def test_no_photos_have_no_neighbours():
    assert len(near_duplicates(np.zeros(0, np.uint64), np.zeros((0, 256), np.uint8), 8)) == 0


def test_dhash_by_hand():
    rising = Image.fromarray(np.tile(np.arange(9, dtype=np.uint8) * 20, (8, 1)))
    assert dhash(rising) == 2**64 - 1
    assert dhash(rising.transpose(Image.Transpose.FLIP_LEFT_RIGHT)) == 0


def test_real_photos_tie_what_was_seen_by_eye(photos_112px, tmp_path):
    """Hundreds of groups are in the whole set by its own description, none of them giant."""
    for name in ("pecora", "ragno"):
        (tmp_path / "raw-img" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "raw-img" / name).symlink_to(photos_112px / "raw-img" / name)
    snapshot = scan(tmp_path)
    sizes = np.bincount([p.group for p in snapshot.photos])
    assert snapshot.counts() == (1429, 1756) and snapshot.classes == ("sheep", "spider")
    assert 60 <= (sizes > 1).sum() <= 300 and sizes.max() <= 20


@pytest.mark.heavy
def test_all_real_photos(photos_112px):
    snapshot = scan(photos_112px)
    sizes = np.bincount([p.group for p in snapshot.photos])
    assert len(snapshot.photos) == 20_517
    assert 445 <= (sizes > 1).sum() <= 1500 and sizes.max() <= 20


class TestIndex:
    def scan_counting(self, root, index, monkeypatch):
        read = []
        monkeypatch.setattr(module, "read_facts", lambda path: read.append(path.name) or read_facts(path))
        return scan(root, index=index), sorted(read)

    def test_a_second_scan_reads_only_what_changed(self, folder_of, tmp_path, monkeypatch, picture):
        root, index = folder_of(CLASSES), tmp_path / "index.json"
        first, read = self.scan_counting(root, index, monkeypatch)
        assert len(read) == 9
        again, read = self.scan_counting(root, index, monkeypatch)
        assert read == [] and again == first
        picture(77).save(root / "dog" / "new.jpg")
        picture(78).save(root / "cat" / "000.jpg")
        (root / "cat" / "001.jpg").unlink()
        third, read = self.scan_counting(root, index, monkeypatch)
        assert read == ["000.jpg", "new.jpg"] and third == scan(root)

    def test_files_without_a_date_are_remembered_too(self, folder_of, tmp_path, monkeypatch):
        root, index = folder_of(CLASSES), tmp_path / "index.json"
        for path in root.rglob("*.jpg"):  # archives are unpacked with a date of zero
            os.utime(path, (0, 0))
        scan(root, index=index)
        assert self.scan_counting(root, index, monkeypatch)[1] == []

    def test_a_file_changed_behind_its_date_is_read_again(self, folder_of, tmp_path, monkeypatch):
        root, index = folder_of(CLASSES), tmp_path / "index.json"
        path = root / "cat/000.jpg"
        before = scan(root, index=index)
        stat, data = path.stat(), bytearray(path.read_bytes())
        data[-40] ^= 1
        path.write_bytes(data)
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        after, read = self.scan_counting(root, index, monkeypatch)
        assert read == ["000.jpg"] and after.digest != before.digest

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "{",
            "[]",
            '{"version": 0}',
            '{"version": 1, "files": {"cat/000.jpg": [1, 2]}}',
            '{"version": 1, "files": 3}',
            "\x00\xff",
        ],
    )
    def test_a_broken_index_is_built_again(self, folder_of, tmp_path, text):
        root, index = folder_of(CLASSES), tmp_path / "deep" / "index.json"
        index.parent.mkdir()
        index.write_text(text)
        assert scan(root, index=index) == scan(root)
        assert len(json.loads(index.read_text())["files"]) == 9
        assert [p.name for p in index.parent.iterdir()] == ["index.json"]

    def test_what_was_read_before_an_interruption_stays(self, folder_of, tmp_path, monkeypatch):
        root, index = folder_of({"cat": 60, "dog": 60}), tmp_path / "index.json"

        def stop(done: int, total: int) -> None:
            if done >= 32:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            scan(root, index=index, workers=1, progress=stop)
        _, read = self.scan_counting(root, index, monkeypatch)
        assert 0 < len(read) <= 88


def test_classes_without_usable_photos(folder_of):
    root = folder_of({"cat": 3, "dog": 3, "fox": 1, "owl": 1})
    (root / "owl/000.jpg").write_bytes(b"")
    snapshot = scan(root)
    assert snapshot.classes == ("cat", "dog", "fox")
    assert kinds(snapshot) == {"owl/000.jpg": "empty", "owl": "empty class", "fox": "single photo"}
    for path in root.glob("[!c]*/*.jpg"):
        path.write_bytes(b"")
    with pytest.raises(UserError, match="only class 'cat' has usable photos"):
        scan(root)


def test_bound_out_of_range(folder_of):
    with pytest.raises(UserError, match="0 to 64"):
        scan(folder_of(CLASSES), hamming_bound=65)


def test_moving_and_renaming_keep_the_digest(folder_of, tmp_path):
    root = folder_of(CLASSES)
    before = scan(root).digest
    (root / "cat/000.jpg").rename(root / "cat/zz.jpg")
    root.rename(tmp_path / "moved")
    assert scan(tmp_path / "moved").digest == before


def test_csv_and_frame(folder_of, tmp_path, monkeypatch):
    root = folder_of({'a, "b"': 3, "<script>": 3})
    snapshot = scan(root)
    to_csv(snapshot, tmp_path / "photos.csv")
    with (tmp_path / "photos.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [r["sha256"] for r in rows] == [p.sha256 for p in snapshot.photos]
    assert {r["class"] for r in rows} == {'a, "b"', "<script>"}
    frame = to_frame(snapshot)
    assert tuple(frame.columns) == COLUMNS and len(frame) == 6
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(UserError, match=r"secateur\[pandas\]"):
        to_frame(snapshot)


def test_scanning_needs_no_torch_and_no_pandas(folder_of):
    code = (
        "import sys; from pathlib import Path; from secateur.data.scan import scan; "
        "from secateur.data.split import split; from secateur.data import pixels; "
        "s = scan(Path(sys.argv[1])); split(s); "
        "sys.exit(bool({'torch', 'pandas'} & set(sys.modules)))"
    )
    root = folder_of({"cat": 6, "dog": 6})
    assert subprocess.run([sys.executable, "-c", code, str(root)]).returncode == 0
