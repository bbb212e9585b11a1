"""Batches from the pixel store. Chance is a function of (seed, epoch, batch): any batch can be made again.

So a training interrupted in the middle of an epoch goes on with bit-equal batches.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from secateur.data.views import augment as augmented


def batch_count(n: int, batch_size: int) -> int:
    """Batches an epoch of n photos: none is dropped, and a last one of a single photo joins the one before.

    Batch normalisation cannot train on one photo.
    """
    full, rest = divmod(n, batch_size)
    alone = rest == 1 and full > 0
    return full + (rest > 0) - alone


def batches(
    pixels: NDArray[np.uint8],
    positions: Sequence[int] | NDArray[np.intp],
    labels: Sequence[int] | NDArray[np.int64],
    *,
    batch_size: int,
    seed: int,
    epoch: int,
    start: int = 0,
    shuffle: bool = True,
    augment: str = "none",
    device: str | torch.device = "cpu",
    normal: tuple[Sequence[float], Sequence[float]] | None = None,
    balanced: bool = False,
) -> Iterator[tuple[Tensor, Tensor]]:
    """(x, y) for each batch from number `start` on: x (n, 3, height, width) float32 in [0, 1], channels-last
    in memory; y (n,) int64. `normal`: mean and std a channel; x is then (x − mean) / std, after augmentation.

    pixels: (photos, height, width, 3). positions: rows of it, as in a Split. labels: of all rows of `pixels`,
    not only of `positions`. augment: a rule of `views.VIEWS`. balanced: every class as often, see `order`.

    Raises ValueError where labels and pixels differ in length or batch_size is under 1; NotKnown for an
    augmentation that is not known.
    """
    if len(labels) != len(pixels) or batch_size < 1:
        raise ValueError(f"{len(labels)} labels, {len(pixels)} photos, batch size {batch_size}")
    rows = np.asarray(pixels)  # indexing a memmap itself takes six times as long
    places = np.asarray(positions, dtype=np.intp)
    names = np.asarray(labels, dtype=np.int64)
    if shuffle:
        places = places[order(len(places), seed, epoch, names[places] if balanced else None)]
    for number, chosen in enumerate(cuts(places, batch_size, start), start):
        x = _floats(rows[chosen], device).permute(0, 3, 1, 2)
        y = torch.from_numpy(names[chosen]).to(device)
        yield _normalised(augmented(x, augment, _chance(seed, epoch, number)), normal), y


def order(n: int, seed: int, epoch: int, labels: NDArray[np.int64] | None = None) -> NDArray[np.intp]:
    """In which order an epoch sees n photos.

    labels: (n,); with them each class comes as often (± 1), in as many photos as ever: those of a rare class several
    times, each about as often as the others of its class; of a common class others in every epoch.
    """
    chance = _chance(seed, epoch)
    places: NDArray[np.intp] = torch.randperm(n, generator=chance).numpy()
    if labels is None:
        return places
    kinds = np.unique(labels)
    share, rest = divmod(n, len(kinds))
    more = set(torch.randperm(len(kinds), generator=chance).numpy()[:rest].tolist())
    drawn = []
    for i, kind in enumerate(kinds):
        own = places[labels[places] == kind]  # in an order by chance
        drawn.append(np.resize(own, share + (i in more)))
    together = np.concatenate(drawn)
    return np.asarray(together[torch.randperm(n, generator=chance).numpy()])


def cuts(places: NDArray[np.intp], batch_size: int, start: int = 0) -> Iterator[NDArray[np.intp]]:
    """The batches of an epoch, from number `start` on."""
    count = batch_count(len(places), batch_size)
    for number in range(start, count):
        end = len(places) if number == count - 1 else (number + 1) * batch_size
        yield places[number * batch_size : end]


def _normalised(x: Tensor, normal: tuple[Sequence[float], Sequence[float]] | None) -> Tensor:
    """As the exported file computes it: x · (1 / std) − mean / std."""
    if normal is None:
        return x
    mean, std = (torch.tensor(v, device=x.device).view(1, 3, 1, 1) for v in normal)
    return x * (1 / std) - mean / std


def _floats(block: NDArray[np.uint8], device: str | torch.device) -> Tensor:
    """uint8 (n, height, width, 3) → float32 in [0, 1] on the device, to which a quarter of the bytes travel."""
    if torch.device(device).type != "cpu":
        return torch.from_numpy(block).to(device).to(torch.float32).div_(255)
    # NumPy, since torch's threads wait for each other longer than this takes when the machine is busy.
    return torch.from_numpy(np.divide(block, np.float32(255), dtype=np.float32))


def _chance(*what: int) -> torch.Generator:
    digest = hashlib.blake2b(repr(what).encode(), digest_size=8).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest, "big") >> 1)
