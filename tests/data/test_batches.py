"""Batches any of which can be made again, and views that stay photos."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import ndimage

from secateur.data.batches import _chance, batch_count, batches, order
from secateur.data.views import VIEWS, augment
from secateur.errors import NotKnown

N, PX = 23, 12
PIXELS = np.random.default_rng(0).integers(0, 256, (N, PX, PX, 3), dtype=np.uint8)
LABELS = np.arange(N) % 5


def made(positions=range(N), **options):
    given = {"batch_size": 4, "seed": 1, "epoch": 2} | options
    return list(batches(PIXELS, positions, LABELS, **given))


def chance(seed):
    return torch.Generator().manual_seed(seed)


def test_shapes_types_and_memory():
    x, y = made()[0]
    assert x.shape == (4, 3, PX, PX) and x.dtype == torch.float32 and y.dtype == torch.int64
    assert x.is_contiguous(memory_format=torch.channels_last)
    assert x.min() >= 0 and x.max() <= 1


def test_values_and_labels_are_those_of_the_positions():
    places = [5, 3, 20, 7, 9]
    ((x, y),) = made(places, batch_size=5, shuffle=False)
    wanted = torch.from_numpy(PIXELS[places]).permute(0, 3, 1, 2).float() / 255
    assert torch.equal(x, wanted) and y.tolist() == LABELS[places].tolist()


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize(
    ("n", "size", "sizes"),
    [(8, 4, [4, 4]), (10, 4, [4, 4, 2]), (9, 4, [4, 5]), (1, 4, [1]), (3, 1, [1, 1, 1]), (5, 8, [5]), (0, 4, [])],
)
def test_nothing_is_dropped_and_no_photo_is_left_alone(n, size, sizes, shuffle):
    found = made(range(n), batch_size=size, shuffle=shuffle)
    assert [len(y) for _, y in found] == sizes and batch_count(n, size) == len(sizes)
    assert sorted(y.item() for _, ys in found for y in ys) == sorted(LABELS[:n].tolist())


@pytest.mark.parametrize("rule", sorted(VIEWS))
def test_starting_later_gives_the_same_bits(rule):
    whole = made(augment=rule)
    for start in (1, 3, len(whole)):
        for (x, y), (again, same) in zip(whole[start:], made(augment=rule, start=start), strict=True):
            assert torch.equal(x, again) and torch.equal(y, same)


def test_epochs_and_seeds_differ_in_order_and_views():
    def order(**options):
        return torch.cat([y for _, y in made(batch_size=23, **options)]).tolist()

    assert order() == order() and order() != order(epoch=3) and order() != order(seed=2)
    a, b = made(shuffle=False, augment="study")[0][0], made(shuffle=False, augment="study", epoch=3)[0][0]
    assert not torch.equal(a, b)


def test_the_outer_random_state_is_left_alone():
    torch.manual_seed(0)
    before = torch.get_rng_state()
    made(augment="strong")
    assert torch.equal(before, torch.get_rng_state())


def test_wrong_arguments():
    with pytest.raises(ValueError, match="22 labels"):
        next(batches(PIXELS, [0], LABELS[:-1], batch_size=4, seed=0, epoch=0))
    with pytest.raises(NotKnown, match="did you mean 'study'"):
        made(augment="stduy")


@pytest.mark.parametrize("rule", sorted(VIEWS))
@pytest.mark.parametrize("shape", [(5, 3, 16, 16), (2, 3, 10, 24), (1, 3, 7, 5)])
def test_views_keep_shape_range_and_their_input(rule, shape):
    x = torch.rand(shape, generator=chance(1)).contiguous(memory_format=torch.channels_last)
    kept = x.clone()
    seen = augment(x, rule, chance(2))
    assert seen.shape == x.shape and seen.dtype == x.dtype and seen.min() >= 0 and seen.max() <= 1
    assert torch.equal(x, kept) and torch.equal(seen, augment(x, rule, chance(2)))
    assert seen.is_contiguous(memory_format=torch.channels_last)
    if rule != "flip":  # which leaves every second photo as it was
        assert (rule == "none") == torch.equal(seen, x)


def test_flip_is_a_mirror_for_about_half():
    x = torch.rand(400, 3, 4, 4, generator=chance(3))
    seen = augment(x, "flip", chance(4))
    same = (seen == x).flatten(1).all(1)
    assert ((seen == x.flip(3)).flatten(1).all(1) | same).all() and 150 < same.sum() < 250


def test_the_study_fills_from_the_nearest_edge():
    x = torch.full((50, 3, 20, 20), 0.5)
    x[:, :, :, 0] = 0.25
    assert augment(x, "study", chance(5)).min() >= 0.25  # black would show as 0


def test_the_studys_move_is_scipys(monkeypatch):
    """One photo, its own angle and shifts read back from the same chance, against an independent resampling."""
    size = 40
    x = torch.from_numpy(ndimage.gaussian_filter(np.random.default_rng(6).random((3, size, size)), (0, 3, 3)))
    x = ((x - x.min()) / (x.max() - x.min())).float()[None]
    g = chance(7)
    draws = [(torch.rand(1, generator=g).item() * 2 - 1) for _ in range(4)]  # angle, right, down, zoom
    angle, right, down = math.radians(20) * draws[0], 0.2 * size * draws[1], 0.2 * size * draws[2]
    mirror = -1 if torch.rand(1, generator=g).item() < 0.5 else 1
    middle = (size - 1) / 2
    out_y, out_x = np.meshgrid(np.arange(size) - middle, np.arange(size) - middle, indexing="ij")
    turned_x = mirror * out_x * math.cos(angle) + out_y * math.sin(angle) + right + middle
    turned_y = -mirror * out_x * math.sin(angle) + out_y * math.cos(angle) + down + middle
    seen = augment(x, "study", chance(7))[0].numpy()
    for plane in range(3):
        wanted = ndimage.map_coordinates(x[0, plane].numpy(), [turned_y, turned_x], order=1, mode="nearest")
        assert np.abs(seen[plane] - wanted).max() < 1e-4


def test_cutout_is_a_grey_square_and_colour_moves_the_mean():
    x = torch.rand(64, 3, 32, 32, generator=chance(8)) * 0.2
    seen = augment(x, "strong", chance(9))
    grey = (seen == 0.5).all(1).flatten(1).sum(1)
    assert grey.max() <= 9 * 9 and grey.float().mean() > 20
    assert seen.flatten(1).mean(1).std() > x.flatten(1).mean(1).std()


def test_every_class_comes_as_often_and_no_photo_of_a_rare_one_is_left_out():
    labels = np.repeat([0, 1, 2], [90, 9, 3])
    seen = [order(102, seed=1, epoch=e, labels=labels) for e in (1, 2)]
    for places in seen:
        assert len(places) == 102 and np.bincount(labels[places]).tolist() == [34, 34, 34]
        again = np.bincount(places, minlength=102)
        assert set(again[labels == 1].tolist()) <= {3, 4} and set(again[labels == 2].tolist()) <= {11, 12}
        assert again[labels == 0].max() == 1
    assert (seen[0] == order(102, 1, 1, labels)).all() and (seen[0] != seen[1]).any()
    assert set(seen[0][labels[seen[0]] == 0].tolist()) != set(seen[1][labels[seen[1]] == 0].tolist())


def test_what_does_not_divide_goes_to_classes_by_chance():
    labels = np.repeat([0, 1, 2], [5, 5, 1])
    counts = [np.bincount(labels[order(11, 0, e, labels)]).tolist() for e in range(1, 40)]
    assert all(sorted(c) == [3, 4, 4] for c in counts) and len({tuple(c) for c in counts}) == 3


def test_without_labels_the_order_is_what_it_was():
    assert order(6, 0, 1).tolist() == torch.randperm(6, generator=_chance(0, 1)).tolist()
