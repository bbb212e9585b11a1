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
import pytest
from PIL import Image

from secateur import prepare
from secateur.checking import SNAPSHOT
from secateur.data.scan import scan
from secateur.engine import Silent, Walk
from secateur.errors import UserError
from secateur.files import read
from secateur.models import timm_zoo
from secateur.plan import plan
from secateur.records import Outcome, Parity
from secateur.resolve import settle
from secateur.settings import Study
from secateur.sizing import refused
from secateur.steps.prune import Pruned
from secateur.store import Store
from secateur.study_file import make

# (family, its smallest network, side of its photos, pool)
FAMILIES: tuple[tuple[str, str, int, str], ...] = (
    ("beit", "beit_base_patch16_224", 64, "avg"),
    ("byoanet", "halonet_h1", 256, "avg"),
    ("byobnet", "test_byobnet", 64, "avg"),
    ("cait", "cait_xxs24_224", 64, "avg"),
    ("coat", "coat_tiny", 64, "avg"),
    ("convit", "convit_tiny", 64, "avg"),
    ("convmixer", "convmixer_768_32", 64, "avg"),
    ("convnext", "test_convnext", 64, "avg"),
    ("cpubone", "cpubone_nano", 64, "avg"),
    ("crossvit", "crossvit_tiny_240", 240, "avg"),
    ("csatv2", "csatv2", 64, "avg"),
    ("cspnet", "cs3darknet_focus_s", 64, "avg"),
    ("cspnext", "cspnext_tiny", 64, "avg"),
    ("davit", "davit_tiny", 64, "avg"),
    ("deepseek_vit", "deepseek_vit_412m", 224, "avg"),
    ("deit", "deit_tiny_patch16_224", 64, "avg"),
    ("densenet", "densenet121", 64, "avg"),
    ("dla", "dla46x_c", 64, "avg"),
    ("dpn", "dpn48b", 64, "avg"),
    ("edgenext", "edgenext_xx_small", 64, "avg"),
    ("efficientformer", "efficientformer_l1", 224, "avg"),
    ("efficientformer_v2", "efficientformerv2_s0", 64, "avg"),
    ("efficientnet", "test_efficientnet", 64, "avg"),
    ("efficientvim", "efficientvim_m1", 64, "avg"),
    ("efficientvit_mit", "efficientvit_b0", 64, "avg"),
    ("efficientvit_msra", "efficientvit_m0", 64, "avg"),
    ("eva", "vit_tiny_patch16_dinov3_qkvb", 64, "avg"),
    ("fasternet", "fasternet_t0", 64, "avg"),
    ("fastvit", "fastvit_t8", 64, "avg"),
    ("focalnet", "focalnet_tiny_srf", 64, "avg"),
    ("gcvit", "gcvit_xxtiny", 64, "avg"),
    ("gemma4_vit", "gemma4_vit_167m", 64, "avg"),
    ("ghostnet", "ghostnet_050", 64, "avg"),
    ("hardcorenas", "hardcorenas_b", 64, "avg"),
    ("hgnet", "hgnetv2_b0", 64, "avg"),
    ("hiera", "hiera_tiny_224", 64, "avg"),
    ("hieradet_sam2", "sam2_hiera_tiny", 64, "avg"),
    ("hrnet", "hrnet_w18_small", 64, "avg"),
    ("iformer", "iformer_t", 64, "avg"),
    ("inception_next", "inception_next_atto", 64, "avg"),
    ("inception_resnet_v2", "inception_resnet_v2", 96, "avg"),
    ("inception_v3", "inception_v3", 96, "avg"),
    ("inception_v4", "inception_v4", 96, "avg"),
    ("lcnetv2", "lcnetv2_small", 64, "avg"),
    ("levit", "levit_128s", 64, "avg"),
    ("lowformer", "lowformer_b0", 64, "avg"),
    ("mambaout", "test_mambaout", 64, "avg"),
    ("maxxvit", "test_coatnet", 64, "avg"),
    ("metaformer", "poolformerv2_s12", 64, "avg"),
    ("mlp_mixer", "gmlp_ti16_224", 64, "avg"),
    ("mobilenetv3", "lcnet_035", 64, "avg"),
    ("mobilenetv5", "mobilenetv5_base", 64, "avg"),
    ("mobilevit", "mobilevit_xxs", 64, "avg"),
    ("mvitv2", "mvitv2_tiny", 64, "avg"),
    ("naflexvit", "naflexvit_base_patch16_parfac_gap", 64, "avg"),
    ("nasnet", "nasnetalarge", 64, "avg"),
    ("nest", "nest_tiny", 64, "avg"),
    ("nextvit", "nextvit_small", 64, "avg"),
    ("nfnet", "test_nfnet", 64, "avg"),
    ("pit", "pit_ti_224", 64, "own"),
    ("pnasnet", "pnasnet5large", 64, "avg"),
    ("pvt_v2", "pvt_v2_b0", 64, "avg"),
    ("qwen3_vit", "qwen3_vit_88m", 64, "avg"),
    ("rdnet", "rdnet_tiny", 64, "avg"),
    ("regnet", "regnetx_002", 64, "avg"),
    ("repghost", "repghostnet_050", 64, "avg"),
    ("repvit", "repvit_m1", 64, "avg"),
    ("res2net", "res2next50", 64, "avg"),
    ("resnest", "resnest14d", 64, "avg"),
    ("resnet", "test_resnet", 64, "avg"),
    ("resnetv2", "resnetv2_18", 64, "avg"),
    ("rexnet", "rexnet_100", 64, "avg"),
    ("selecsls", "selecsls42", 64, "avg"),
    ("senet", "legacy_seresnet18", 64, "avg"),
    ("sequencer", "sequencer2d_s", 64, "avg"),
    ("shvit", "shvit_s1", 64, "avg"),
    ("sknet", "skresnet18", 64, "avg"),
    ("starnet", "starnet_s050", 64, "avg"),
    ("swiftformer", "swiftformer_xs", 64, "avg"),
    ("swin_transformer", "swin_tiny_patch4_window7_224", 64, "avg"),
    ("swin_transformer_v2", "swinv2_tiny_window8_256", 64, "avg"),
    ("swin_transformer_v2_cr", "swinv2_cr_tiny_224", 64, "avg"),
    ("tiny_vit", "tiny_vit_5m_224", 64, "avg"),
    ("tnt", "tnt_s_legacy_patch16_224", 64, "avg"),
    ("tresnet", "tresnet_m", 64, "avg"),
    ("twins", "twins_svt_small", 64, "avg"),
    ("vgg", "vgg11", 64, "avg"),
    ("visformer", "visformer_tiny", 64, "avg"),
    ("vision_transformer", "test_vit", 64, "avg"),
    ("vision_transformer_hybrid", "vit_tiny_r_s16_p8_224", 64, "avg"),
    ("vision_transformer_relpos", "test_vit_relpos", 64, "avg"),
    ("vision_transformer_sam", "samvit_base_patch16_224", 64, "avg"),
    ("vitamin", "vitamin_small_224", 64, "avg"),
    ("volo", "volo_d1_224", 64, "avg"),
    ("vovnet", "ese_vovnet19b_slim_dw", 64, "avg"),
    ("xception", "legacy_xception", 64, "avg"),
    ("xception_aligned", "xception41p", 64, "avg"),
    ("xcit", "xcit_nano_12_p8_224", 64, "avg"),
)
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
    file: str = ""  # the largest difference of a logit between the file and the network, over the largest logit
    cut: str = ""
    kept: str = ""  # of the multiply-adds
    refused: str = ""  # all of it by the plan, before any step
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


def asked(network: str, px: int, pool: str, folder: Path, method: str = "filter-l1") -> Study:
    """One seed, the head for an epoch, then the whole network, a quarter of its filters cut."""
    values = {"name": "family", "folder": str(folder), "backbone": network, "input_px": px, "pool": pool}
    values |= {"weights": "random", "tune": "all", "epochs": 1, "tune_epochs": 1, "retrain_epochs": 1, "views": 1}
    values |= {"methods": [method], "sparsities": [0.25], "seeds": [0], "controls": False, "rivals": False}
    return settle(make(values | {"bench": 0, "robustness": 0, "threads": 1}, "a test"))


def look(family: str, network: str, px: int, pool: str, photos: Path) -> Found:
    """The plan's own steps, from the photos to a cut network and a file that was held against its network."""
    began = time.process_time()
    uncut = ""
    with tempfile.TemporaryDirectory() as home:
        store = Store(Path(home))
        try:
            study = asked(network, px, pool, photos)
            try:
                refused(study, 3)
            except UserError as error:
                uncut, study = str(error), asked(network, px, pool, photos, "magnitude")
                refused(study, 3)
            keys = {SNAPSHOT: prepare.keep(scan(photos), store)} | prepare.given(study, store)
        except UserError as error:
            return Found(family, network, px, pool, refused=str(error))
        steps = [s for s in plan(study) if s.kind in KINDS and (s.kind in ("train", "prune") or _dense(s.id))]
        done = Walk(steps, keys, store, Path(home, "run"), Silent()).run(record=False)
        by = {o.kind: o for o in reversed(done)}
        difference = share = ""
        if by["parity"].state in DONE:
            seen = read(Parity, store.folder("parity", by["parity"].key) / "parity.json")
            difference = f"{seen.relative_logit_difference:.0e}"
        if by["prune"].state in DONE:
            pruned = read(Pruned, store.folder("prune", by["prune"].key) / "pruned.json")
            share = "" if uncut else f"{pruned.macs_kept:.0%}"
        return Found(
            family,
            network,
            px,
            pool,
            head=_said(by["features"], by["train"]),
            whole=_said(by["retrain"]),
            file=difference or _said(by["export"], by["parity"]),
            cut=uncut or _said(by["prune"]),
            kept=share,
            seconds=time.process_time() - began,
        )


def _dense(id: str) -> bool:
    """Of the dense network, or of no one network: the cut one is not trained on here, nor is its file written."""
    return not any(word in id for word in ("/filter-", "/magnitude", "/frozen/"))


def _said(*outcomes: Outcome) -> str:
    """ "yes", or the reason of the first that was not made."""
    return next((o.why for o in outcomes if o.state not in DONE), "yes")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return drawn(tmp_path_factory.mktemp("photos"))


@pytest.mark.heavy
@pytest.mark.parametrize("family", FAMILIES, ids=[family for family, *_ in FAMILIES])
def test_what_a_plan_accepts_a_step_can_do(family: tuple[str, str, int, str], photos: Path):
    found = look(*family, photos)
    assert not found.refused
    assert (found.head, found.whole) == ("yes", "yes") and float(found.file) <= 1e-4
    assert found.kept or " on '" in found.cut  # cut, or refused by the plan


def test_every_family_is_listed_once():
    assert [family for family, *_ in FAMILIES] == sorted(timm_zoo.timm().list_modules())
    assert all(name in timm_zoo.timm().list_models(module=family) for family, name, *_ in FAMILIES)


HEAD = """# What can be trained, cut and exported

One network of each of timm's families, the smallest, through the steps of a real plan
(`tests/models/test_timm_families.py`): random weights, thirty small photos, its head trained for an epoch, then all of
it; its file written and held against it; and a quarter of its filters cut (`filter-l1`), with the check that stands
behind every cut. What a plan accepts, a step can do; what it does not, it refuses before anything is trained, and says
why. *File* is the largest difference of a logit, over the largest. Which layers are cut is told in [](cuts.md).

Made by `python tests/models/test_timm_families.py > docs/families.md`; the test of the same name holds it.

| family | network | photos | pool | head trained | all trained | file | multiply-adds left by the cut |
|---|---|---:|---|---|---|---|---|"""


def row(found: Found) -> str:
    """A line of the table."""
    words = [found.refused] * 4 if found.refused else [found.head, found.whole, found.file, found.kept or found.cut]
    cells = [found.family, found.network, f"{found.px} px", found.pool, *(" ".join(w.split())[:160] for w in words)]
    return "| " + " | ".join(cell.replace("|", "/") for cell in cells) + " |"


if __name__ == "__main__":
    work = Path(tempfile.mkdtemp())
    pictures = drawn(work / "photos")
    wanted = [family for family in FAMILIES if len(sys.argv) == 1 or family[0] in sys.argv[1:]]
    if len(sys.argv) == 1:
        print(HEAD)
    for one in wanted:
        print(row(look(*one, pictures)), flush=True)
    shutil.rmtree(work)
