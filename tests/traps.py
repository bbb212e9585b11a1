"""A season of four camera traps, made of real photos: each triggers a burst of shifted, re-lit copies of one photo."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance

CAMERAS = 4
BURST = 5  # photos a trigger
APART = 600  # seconds between two triggers of a camera
PX = 64


def season(source: Path, target: Path, classes: int, triggers: int) -> Path:
    """`target/<class>/<camera>/<trigger>_<frame>.jpg` with EXIF times, of each class's first photos."""
    at = datetime.datetime(2026, 5, 1, 6)
    for folder in sorted(p for p in source.iterdir() if p.is_dir())[:classes]:
        for trigger, file in enumerate(sorted(folder.iterdir())[:triggers]):
            camera = trigger % CAMERAS
            with Image.open(file) as image:
                photo = image.convert("RGB").resize((PX + 12, PX + 12))
            rng = np.random.default_rng(trigger)
            at += datetime.timedelta(seconds=APART)
            place = target / folder.name / f"cam{camera}"
            place.mkdir(parents=True, exist_ok=True)
            for frame in range(BURST):
                x, y = (int(v) for v in rng.integers(0, 13, 2))
                shown = photo.crop((x, y, x + PX, y + PX))
                shown = ImageEnhance.Brightness(shown).enhance(float(rng.uniform(0.6, 1.3)))
                exif = Image.Exif()
                exif.get_ifd(0x8769)[0x9003] = f"{at + datetime.timedelta(seconds=frame):%Y:%m:%d %H:%M:%S}"
                exif[0x0110] = f"Trap {camera}"
                shown.save(place / f"{trigger:03d}_{frame}.jpg", quality=88, exif=exif)
    return target


def burst(path: str) -> str:
    """What a photo's own name says it belongs to: class, camera and trigger."""
    return path.rsplit("_", 1)[0]


def as_csv(root: Path, file: Path) -> Path:
    """The folders' labels as a table, with the camera and the trigger as columns."""
    rows = ["path,label,camera,sequence"]
    for path in sorted(root.rglob("*.jpg")):
        name = path.relative_to(root).as_posix()
        label, camera, _ = name.split("/")
        rows.append(f"{name},{label},{camera},{burst(name)}")
    file.write_text("\n".join(rows) + "\n")
    return file


def as_coco(root: Path, file: Path) -> Path:
    """The same as COCO-CameraTraps."""
    images, annotations, ids = [], [], {}
    for n, path in enumerate(sorted(root.rglob("*.jpg"))):
        name = path.relative_to(root).as_posix()
        label, camera, _ = name.split("/")
        ids.setdefault(label, len(ids))
        images.append({"id": f"i{n}", "file_name": name, "location": camera, "seq_id": burst(name)})
        annotations.append({"id": n, "image_id": f"i{n}", "category_id": ids[label]})
    categories = [{"id": i, "name": name} for name, i in ids.items()]
    file.write_text(json.dumps({"images": images, "annotations": annotations, "categories": categories}))
    return file
