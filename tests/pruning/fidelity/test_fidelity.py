"""Every method against its paper: what it takes from a small network, trained on real photos, and what the paper's rule
takes, written out independently beside it. Where they are not the same, the row says how far apart and why, and so does
the method's page."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import papers
import papers_alone
import papers_training
import pytest
import torch
from small_case import Case, Kept, made, ours

from secateur import catalogue
from secateur.methods import OWN
from secateur.pruning import refit

ROUNDING = "sums in another order: a few of 9,000 weights at the threshold may change places"

EDGES = "each place of the kernel sees another part of a padded map, so that its edge counts for less; 18 filters stay"


@dataclass(frozen=True)
class Rule:
    """A paper's rule."""

    of: Callable[[Case, float], Kept]
    target: float = 0.6
    least: float = 1.0  # of what stays by the rule stays by ours, too
    why: str = ""  # it may be less


HALF = 0.5
RULES = {
    "magnitude": Rule(papers.magnitude),
    "magnitude-gradual": Rule(papers_training.gradual),
    "lamp": Rule(papers.lamp, least=0.999, why=ROUNDING),
    "wanda": Rule(papers.wanda, least=0.999, why=ROUNDING),
    "magnitude-2-4": Rule(papers.of_four, HALF),
    "magnitude-1-4": Rule(papers.of_four, 0.75),
    "taylor": Rule(papers.of_gradients(1), least=0.999, why=ROUNDING),
    "fisher": Rule(papers.of_gradients(2), least=0.999, why=ROUNDING),
    "obs": Rule(papers.obs(centred=True), least=0.99, why="float32: of two weights that cost the same another goes"),
    "movement": Rule(papers_training.movement, least=0.999, why=ROUNDING),
    "sensitivity": Rule(papers_alone.sensitivity, least=0.999, why=ROUNDING),
    "snip": Rule(papers.snip, least=0.999, why=ROUNDING),
    "grasp": Rule(papers.grasp, least=0.999, why=ROUNDING),
    "synflow": Rule(papers.synflow, least=0.999, why=ROUNDING),
    "rigl": Rule(papers_training.rigl, least=0.999, why=ROUNDING),
    "random": Rule(papers_training.as_many),
    "filter-l1": Rule(papers.norm_of_filters(1), HALF),
    "filter-l2": Rule(papers.norm_of_filters(2), HALF),
    "filter-fpgm": Rule(papers.fpgm, HALF),
    "filter-bn-scale": Rule(papers.bn_scale, HALF),
    "filter-activation": Rule(papers.activation(papers.root_mean_square, 1), HALF, least=0.85, why=EDGES),
    "filter-apoz": Rule(papers.activation(papers.not_zero, 1), HALF, least=0.85, why=EDGES),
    "filter-taylor": Rule(papers.gates, HALF),
    "filter-sensitivity": Rule(papers_alone.filter_sensitivity, HALF),
    "filter-thinet": Rule(
        papers.thinet, HALF, least=0.7, why="ten outputs a photo are drawn by chance, as in the paper"
    ),
    "filter-slimming": Rule(papers_training.slimming, HALF),
    "filter-group-lasso": Rule(papers_training.group_lasso, HALF),
    "filter-random": Rule(papers_training.as_many_filters, HALF),
}


@pytest.fixture(scope="module")
def case(photos_112px: Path) -> Case:
    return made(photos_112px / "raw-img")


def agreement(mine: Kept, theirs: Kept) -> float:
    """Of what stays by theirs, the part that stays by mine; both keep as many."""
    assert mine.keys() == theirs.keys()
    assert sum(int(m.sum()) for m in mine.values()) == sum(int(m.sum()) for m in theirs.values())
    both = sum(int((mine[n] & theirs[n]).sum()) for n in theirs)
    return both / sum(int(m.sum()) for m in theirs.values())


def test_the_network_is_trained(case: Case):
    right = float((case.dense(case.x).argmax(1) == case.y).float().mean())
    assert right > 0.5 > 5 * float((case.initial(case.x).argmax(1) == case.y).float().mean())


@pytest.mark.parametrize("name", [m.name for m in OWN])
def test_what_stays_is_what_the_paper_keeps(case: Case, name: str):
    rule = RULES[name]  # a new row of the catalogue needs one
    found = agreement(ours(case, catalogue.method(name), rule.target), rule.of(case, rule.target))
    assert found >= rule.least, f"{found:.4f}"
    assert bool(rule.why) == (rule.least < 1)


@pytest.mark.parametrize("name", ["filter-bn-scale", "filter-taylor"])
def test_one_ranking_is_the_papers_where_scores_stay_as_they_are(case: Case, name: str):
    """Network slimming's one threshold; Molchanov et al. 2019's one ranking. No layer loses all of its filters."""
    mine = ours(case, catalogue.method(name), 0.3, "global", normalise="none")
    rated = papers.scales(case.dense) if name == "filter-bn-scale" else papers.gate_scores(case)
    ranked = np.sort(np.concatenate(list(rated.values())))
    first = ranked[int(0.3 * ranked.size + 1e-9)]
    for n, own in rated.items():
        assert np.array_equal(mine[n], own >= min(first, own.max()))
    usual = ours(case, catalogue.method(name), 0.3, "global")
    assert all(np.array_equal(mine[n], usual[n]) for n in mine) == (catalogue.method(name).normalise == "none")


def test_single_photos_are_not_batches_of_eight(case: Case):
    """What was scored before, and why it is not any more: the square of a mean over eight photos is another score."""
    whole = papers.of_gradients(2)(case, 0.6)
    eight = papers.lowest(papers.squares_of_batches(case, 8), 0.6)
    assert agreement(eight, whole) < 0.99


def test_what_thinet_fits_is_no_farther_than_a_number_a_channel(case: Case):
    """Equation 7 against what `refit` does: the outputs of the layer that reads conv2's channels, half of them gone."""
    kept = ours(case, catalogue.method("filter-thinet"), HALF)["conv2"]
    model, inputs = copy.deepcopy(case.dense), papers.spread_out(case, "conv3")
    w = papers.weights(case.dense)["conv3.weight"].reshape(16, 12, 9)
    said = inputs @ w.reshape(16, -1).T
    shares = np.einsum("mck,ock->moc", inputs.reshape(len(inputs), 12, 9)[:, kept], w[:, kept]).reshape(-1, kept.sum())
    scalars = np.linalg.lstsq(shares, said.ravel(), rcond=None)[0]
    stay = torch.from_numpy(np.repeat(kept, 9))[None]
    refit.refit(model, {"conv3": stay}, lambda: [(case.x, case.y)])
    fitted = model.get_submodule("conv3")
    again = inputs * np.repeat(kept, 9) @ fitted.weight.detach().double().flatten(1).numpy().T
    again += (fitted.bias - case.dense.get_submodule("conv3").bias).detach().double().numpy()
    assert ((again - said) ** 2).sum() < ((shares @ scalars - said.ravel()) ** 2).sum()
