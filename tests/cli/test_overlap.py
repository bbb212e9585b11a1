"""Photos that a model's study had: found however they were saved again, by the rules that the split goes by."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from test_predict import colours

from secateur import ledger, prepare
from secateur.cli.evaluate import _rows
from secateur.data.duplicates import like_theirs, near_duplicates
from secateur.data.facts import Facts
from secateur.data.scan import scan
from secateur.judging import judge
from secateur.measure.accuracy import evaluate
from secateur.overlap import BURST, NEAR, SAME, Overlap, overlap
from secateur.records import Judged, Reading, Snapshot, Trained
from secateur.report.evaluated import evaluated
from secateur.store import Store

N = 6  # photos a class


def said(made: Judged) -> str:
    """All that a terminal shows in words."""
    told = evaluated(made)
    return "\n".join((*told.headlines, *told.legend, *told.doubts))


def draw(seed: int, px: int = 96) -> Image.Image:
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 7, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((px, px), Image.Resampling.BICUBIC)


def saved(image: Image.Image, kind: str = "JPEG", **words: object) -> bytes:
    content = io.BytesIO()
    image.save(content, kind, **words)
    return content.getvalue()


def exif(when: str, camera: str = "Reconyx") -> Image.Exif:
    made = Image.Exif()
    made[0x010F] = camera
    made.get_ifd(0x8769)[0x9003] = when
    return made


def season(root: Path, save: Callable[[Image.Image, int], bytes], suffix: str = ".jpg", first: int = 0) -> Path:
    for label, name in enumerate(("fox", "hare")):
        (root / name).mkdir(parents=True)
        for i in range(N):
            content = save(draw(first + 100 * label + i), i)
            (root / name / f"{i}{suffix}").write_bytes(content)
    return root


def kept(root: Path, runs: Path, group_by: tuple[str, ...] = ()) -> Snapshot:
    """As a study keeps it."""
    store = Store(runs)
    index = prepare.index_of(root, store)
    index.parent.mkdir(parents=True)
    found = scan(root, index=index, reading=Reading(group_by=group_by))
    prepare.keep(found, store)
    return found


def met(here: Path, study: Snapshot, runs: Path) -> Overlap:
    learnt: dict[str, Facts] = {}
    found = scan(here, learnt=learnt)
    return overlap(found, learnt, study.digest, (runs,))


def comment(data: bytes) -> bytes:
    """A JPEG comment, as tagging programs write: the pixels stay as they are."""
    return data[:2] + b"\xff\xfe\x00\x0especies: fox" + data[2:]


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Snapshot]:
    home = tmp_path_factory.mktemp("study")
    root = season(home / "photos", lambda image, i: saved(image, quality=90, exif=exif("2021:05:03 17:20:11")))
    return home / "runs", kept(root, home / "runs")


@pytest.mark.parametrize(
    ("suffix", "save", "how"),
    [
        (".jpg", lambda image: saved(image, quality=90, exif=exif("2021:05:03 17:20:11")), SAME),
        (".jpg", lambda image: comment(saved(image, quality=90)), NEAR),
        (".jpg", lambda image: saved(image, quality=90), NEAR),  # EXIF stripped
        (".jpg", lambda image: saved(image, quality=50), NEAR),
        (".jpeg", lambda image: saved(image.resize((64, 64))), NEAR),
        (".png", lambda image: saved(image, "PNG"), NEAR),
        (".webp", lambda image: saved(image, "WEBP"), NEAR),
        (".jpg", lambda image: saved(image.convert("L")), NEAR),
    ],
    ids=["same", "comment", "stripped", "quality", "resized", "png", "webp", "grey"],
)
def test_a_photo_that_was_saved_again_is_the_studys(tmp_path: Path, study: tuple[Path, Snapshot], suffix, save, how):
    runs, snapshot = study
    found = met(season(tmp_path / "again", lambda image, i: save(image), suffix), snapshot, runs)
    assert found.known and set(found.how.values()) == {how} and len(found.how) == 2 * N
    assert set(found.theirs) == {p.sha256 for p in snapshot.photos} and not found.unknown


def test_new_photos_are_new(tmp_path: Path, study: tuple[Path, Snapshot]):
    runs, snapshot = study
    found = met(season(tmp_path / "new", lambda image, i: saved(image), first=5000), snapshot, runs)
    assert found.known and not found.how and not found.theirs


def test_flat_frames_are_alike_to_nothing_as_in_the_split():
    flat = np.full((2, 256), 17, np.uint8)
    hashes = np.zeros(2, np.uint64)
    assert like_theirs(hashes, flat, hashes, flat, 8).tolist() == [-1, -1]
    assert near_duplicates(hashes, flat, 8).tolist() == [0, 1]
    assert like_theirs(hashes[:0], flat[:0], hashes, flat, 8).tolist() == []


def test_what_is_near_here_is_near_in_the_split(tmp_path: Path):
    """The same pairs: what the split ties to a photo is what is found to be like it."""
    rng = np.random.default_rng(0)
    hashes = rng.integers(0, 2**63, 40, dtype=np.uint64)
    thumbs = rng.integers(0, 256, (40, 256), dtype=np.uint8)
    hashes[20:] = hashes[:20] ^ np.array([2**b - 1 for b in range(20)], np.uint64)  # 0 to 19 bits away
    thumbs[20:30] = np.clip(thumbs[:10].astype(int) + rng.integers(-9, 9, (10, 256)), 0, 255)
    near = near_duplicates(hashes, thumbs, 8)
    found = like_theirs(hashes[20:], thumbs[20:], hashes[:20], thumbs[:20], 8)
    tied = [i if near[i] == near[20 + i] else -1 for i in range(20)]
    assert found.tolist() == tied and sum(i >= 0 for i in tied) == 9


def test_a_neighbour_in_a_burst_belongs_to_the_studys_photos(tmp_path: Path):
    def taken(minute: int, camera: str = "Reconyx") -> Callable[[Image.Image, int], bytes]:
        return lambda image, i: saved(image, exif=exif(f"2021:05:03 {10 + i}:{minute:02}:00", camera))

    runs = tmp_path / "runs"
    snapshot = kept(season(tmp_path / "photos", taken(0)), runs, ("burst:60s",))
    soon = met(season(tmp_path / "soon", taken(1), first=5000), snapshot, runs)
    assert set(soon.how.values()) == {BURST} and len(soon.how) == 2 * N
    assert not met(season(tmp_path / "late", taken(5), first=6000), snapshot, runs).how
    assert not met(season(tmp_path / "other", taken(1, "Bushnell"), first=7000), snapshot, runs).how


def test_places_that_a_rule_ties_are_counted_beside(tmp_path: Path):
    def at(root: Path, place: str, first: int) -> Path:
        for name in ("fox", "hare"):
            (root / name / place).mkdir(parents=True)
            for i in range(N):
                first += 1
                (root / name / place / f"{i}.jpg").write_bytes(saved(draw(first)))
        return root

    runs = tmp_path / "runs"
    rules = ("regex:site\\d+",)
    snapshot = kept(at(tmp_path / "photos", "site1", 0), runs, rules)
    assert met(at(tmp_path / "there", "site1", 5000), snapshot, runs).places == (("regex:site\\d+", 2 * N),)
    elsewhere = met(at(tmp_path / "elsewhere", "site2", 6000), snapshot, runs)
    assert elsewhere.places == () and not elsewhere.how


def test_a_study_whose_photos_are_not_at_hand_is_not_known(tmp_path: Path, study: tuple[Path, Snapshot]):
    runs, snapshot = study
    root = season(tmp_path / "again", lambda image, i: saved(image))
    assert not met(root, snapshot, tmp_path / "nowhere").known
    assert not met(root, replace(snapshot, classes=("a", "b")), runs).known


def test_a_study_of_before_is_asked_as_far_as_it_is_known(tmp_path: Path, study: tuple[Path, Snapshot]):
    """Earlier releases kept no facts beside the snapshot: the folder's index has them, and else equal files alone."""
    runs, snapshot = study
    before = tmp_path / "runs/.store"
    shutil.copytree(runs / ".store", before)
    for file in before.rglob("facts.json"):
        file.unlink()
    again = season(tmp_path / "again", lambda image, i: saved(image, quality=70))
    assert set(met(again, snapshot, tmp_path / "runs").how.values()) == {NEAR}
    shutil.rmtree(before / "index")
    same = season(tmp_path / "same", lambda image, i: saved(image, quality=90, exif=exif("2021:05:03 17:20:11")))
    found = met(same, snapshot, tmp_path / "runs")
    assert set(found.how.values()) == {SAME} and "only equal files are found" in found.unknown[0]
    assert not met(again, snapshot, tmp_path / "runs").how


def test_what_evaluate_says_of_them(tmp_path: Path, study: tuple[Path, Snapshot]):
    """Saved again: no difference is said, and a look at test photos is one. With others: it is said of those alone."""
    runs, snapshot = study
    there = evaluate(np.repeat([0, 1], N), np.repeat([0, 1], N), ("fox", "hare"), "")
    told = Trained("photos", "dense", there.accuracy, there.balanced_accuracy, there.classes, None, snapshot.digest)
    ledger.note(Store(runs), [p.sha256 for p in snapshot.photos[:4]], "0" * 24, "run photos")
    model = colours(tmp_path / "m.onnx", ["fox", "hare"])
    again = season(tmp_path / "again", lambda image, i: comment(saved(image, quality=85)))
    made = judge(model, again, runs=runs, study=told)
    assert made.seen_before == 2 * N and made.compared and not made.fresh and set(made.met) == {NEAR}
    assert made.looks and made.looks.photos == 4
    words = said(made)
    assert (
        f"{2 * N} of these photos stood in its study ({2 * N} nearly the same picture): they are no new test" in words
    )
    assert "is not shown" in words and "points" not in words
    for label, name in enumerate(("fox", "hare")):
        for i in range(N - 2):
            (again / name / f"new{i}.jpg").write_bytes(saved(draw(5000 + 100 * label + i)))
    made = judge(model, again, runs=runs, study=told)
    new = [i for i, met in enumerate(made.met) if not met]
    assert made.fresh and made.fresh.n == len(new) == 2 * (N - 2) and made.evaluation.n == 4 * N - 4
    right = np.mean([made.evaluation.predictions[i] == made.true[i] for i in new])
    assert made.fresh.accuracy.value == right
    assert made.shift and made.shift.accuracy.value == pytest.approx(100 * (right - 1))
    words = said(made)
    assert f"The {len(new)} others: accuracy {100 * right:.1f} % [" in words and made.shift.said in words
    names, *answers = _rows(made)
    rows = [dict(zip(map(str, names), answer, strict=True)) for answer in answers]
    assert sum(row["in its study"] == NEAR for row in rows) == 2 * N
    elsewhere = judge(model, again, runs=tmp_path / "nowhere", study=told)
    assert not elsewhere.compared and "is not known" in said(elsewhere)
