"""One network of each of timm's families through the steps of a real plan: what a plan accepts, a step can do.

`python tests/models/test_timm_families.py > docs/families.md` makes the page of what was found; families named after
it are the only ones looked at, printed as rows. The smallest network of each family, random weights, and the smallest
photos that it takes.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from secateur import prepare
from secateur.checking import SNAPSHOT
from secateur.data.scan import scan
from secateur.engine import Silent, Walk
from secateur.errors import UserError
from secateur.files import read
from secateur.plan import plan
from secateur.records import Outcome, Parity
from secateur.resolve import settle
from secateur.settings import Study
from secateur.steps.prune import Pruned
from secateur.store import Store
from secateur.study_file import make

# (family, its smallest network, side of its photos, pool)
FAMILIES: tuple[tuple[str, str, int, str], ...] = ()
DONE = ("made", "found")
KINDS = ("split", "pixels", "features", "train", "retrain", "prune", "export", "parity")


@dataclass(frozen=True, slots=True)
class Found:
    """What became of one network: of each column "yes", or why not in words."""

    family: str
    network: str
    px: int
    pool: str
    head: str = ""
    whole: str = ""
    file: str = ""
    cut: str = ""
    kept: str = ""
    refused: str = ""  # by the plan, before any step
    seconds: float = 0.0


def drawn(folder: Path) -> Path:
    """Thirty small textures of three kinds."""
    for kind in range(3):
        (folder / f"kind{kind}").mkdir(parents=True)
        for number in range(10):
            low = np.random.default_rng([kind, number]).normal(70 + 60 * kind, 40, (8, 8, 3))
            photo = Image.fromarray(np.clip(low, 0, 255).astype(np.uint8)).resize((64, 64), Image.Resampling.BICUBIC)
            photo.save(folder / f"kind{kind}" / f"{number}.png")
    return folder


def asked(network: str, px: int, pool: str, folder: Path) -> Study:
    """One seed, the head for an epoch, then the whole network, a quarter of its filters cut."""
    values = {"name": "family", "folder": str(folder), "backbone": network, "input_px": px, "pool": pool}
    values |= {"weights": "random", "tune": "all", "epochs": 1, "tune_epochs": 1, "retrain_epochs": 1, "views": 1}
    values |= {"methods": ["filter-l1"], "sparsities": [0.25], "seeds": [0], "controls": False, "rivals": False}
    return settle(make(values | {"bench": 0, "robustness": 0, "threads": 1}, "a test"))


def look(family: str, network: str, px: int, pool: str, photos: Path) -> Found:
    """The plan's own steps, from the photos to a cut network and a file that was held against its network."""
    began = time.process_time()
    if not px:
        return Found(family, network, 0, pool, refused="no network of it can be built")
    with tempfile.TemporaryDirectory() as home:
        store = Store(Path(home))
        try:
            study = asked(network, px, pool, photos)
            keys = {SNAPSHOT: prepare.keep(scan(photos), store)} | prepare.given(study, store)
        except UserError as error:
            return Found(family, network, px, pool, refused=str(error))
        steps = [s for s in plan(study) if s.kind in KINDS and (s.kind in ("train", "prune") or _dense(s.id))]
        done = {o.id: o for o in Walk(steps, keys, store, Path(home, "run"), Silent()).run(record=False)}
        by = {kind: next((o for o in done.values() if o.kind == kind), None) for kind in {s.kind for s in steps}}
        parity, pruned = by["parity"], by["prune"]
        difference, share = "", ""
        if parity and parity.state in DONE:
            difference = (
                f"{read(Parity, store.folder('parity', parity.key) / 'parity.json').relative_logit_difference:.0e}"
            )
        if pruned and pruned.state in DONE:
            share = f"{read(Pruned, store.folder('prune', pruned.key) / 'pruned.json').macs_kept:.0%}"
        return Found(
            family,
            network,
            px,
            pool,
            head=_said(by["features"], by["train"]),
            whole=_said(by["retrain"]),
            file=difference or _said(by["export"], parity),
            cut="yes" if share else _said(pruned),
            kept=share,
            seconds=time.process_time() - began,
        )


def _dense(id: str) -> bool:
    """Of the dense network, or of no one network: the cut one is not trained on here, nor is its file written."""
    return "/filter-" not in id and "/frozen/" not in id


def _said(*outcomes: Outcome | None) -> str:
    """ "yes", or the reason of the first that was not made."""
    for outcome in outcomes:
        if outcome is None:
            return "not planned"
        if outcome.state not in DONE:
            return outcome.why
    return "yes"


if __name__ == "__main__":
    work = Path(tempfile.mkdtemp())
    pictures = drawn(work / "photos")
    for one in FAMILIES:
        if len(sys.argv) == 1 or one[0] in sys.argv[1:]:
            print(look(*one, pictures), flush=True)
    shutil.rmtree(work)
