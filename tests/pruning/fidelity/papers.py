"""What the papers take away, written out anew: loops over photos, numpy, float64; nothing of `secateur.pruning`.

Each rule: (case, target) → what stays. Letters: o outputs, i inputs, k kernel side, n photos.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable

import numpy as np
import torch
from small_case import Case, Kept
from torch import Tensor, nn
from torch.nn import functional as F

Scores = dict[str, np.ndarray]
LAYERS = ("conv1", "conv2", "conv3", "fc1", "fc2")
BEHIND = {"conv1": ("relu1", "conv2"), "conv2": ("relu2", "conv3"), "conv3": ("relu3", "fc1")}  # what follows a group
NORMS = {"conv1": "bn1", "conv2": "bn2", "conv3": "bn3"}


def lowest(scores: Scores, target: float, together: bool = False) -> Kept:
    """All but the lowest, of each layer or of all of them."""
    if together:
        flat = np.concatenate([s.ravel() for s in scores.values()])
        kept = stays(flat, target)
        ends = np.cumsum([s.size for s in scores.values()])[:-1]
        parts = np.split(kept, ends)
        return {n: own.reshape(s.shape) for (n, s), own in zip(scores.items(), parts, strict=True)}
    return {n: stays(s.ravel(), target).reshape(s.shape) for n, s in scores.items()}


def stays(flat: np.ndarray, target: float, whole: bool = False) -> np.ndarray:
    """All but the lowest: the nearest whole number of them, or `whole` ones."""
    going = int(target * flat.size + 1e-9) if whole else round(target * flat.size)
    kept = np.ones(flat.size, bool)
    kept[np.argsort(flat, kind="stable")[:going]] = False
    return kept


def filters(scores: Scores, target: float) -> Kept:
    """Of each layer floor(target × filters) go."""
    return {n: stays(s, target, whole=True) for n, s in scores.items()}


def weights(model: nn.Module) -> Scores:
    return {f"{n}.weight": model.get_submodule(n).weight.detach().numpy().astype(np.float64) for n in LAYERS}


# ------------------------------------------------------------ by what weights are


def magnitude(case: Case, target: float) -> Kept:
    return lowest({n: abs(w) for n, w in weights(case.dense).items()}, target)


def lamp(case: Case, target: float) -> Kept:
    """w_u² over the sum of w_v² of all v that are not before u when sorted by size."""
    scores = {}
    for n, w in weights(case.dense).items():
        flat, made = w.ravel() ** 2, np.empty(w.size)
        order = np.argsort(flat, kind="stable")
        for place, u in enumerate(order):
            made[u] = flat[u] / flat[order[place:]].sum()
        scores[n] = made.reshape(w.shape)
    return lowest(scores, target, together=True)


def of_four(case: Case, target: float) -> Kept:
    """Of four neighbours along the input channels the largest stay; layers of three are left whole."""
    kept = {}
    for n, w in weights(case.dense).items():
        if w.shape[1] % 4:
            continue
        mask = np.zeros(w.shape, bool)
        for o in range(w.shape[0]):
            for place in np.ndindex(w.shape[2:]):
                for i in range(0, w.shape[1], 4):
                    four = abs(w[(o, slice(i, i + 4), *place)])
                    for best in np.argsort(-four, kind="stable")[: round(4 * (1 - target))]:
                        mask[(o, i + best, *place)] = True
        kept[n] = mask
    return kept


def norm_of_filters(power: int) -> Callable[[Case, float], Kept]:
    def rule(case: Case, target: float) -> Kept:
        own = weights(case.dense)
        return filters({n: (abs(own[f"{n}.weight"]) ** power).sum((1, 2, 3)) for n in NORMS}, target)

    return rule


def fpgm(case: Case, target: float) -> Kept:
    """Σ_j ‖F_i − F_j‖₂, filter by filter."""
    scores = {}
    for n in NORMS:
        w = weights(case.dense)[f"{n}.weight"]
        scores[n] = np.array([sum(np.sqrt(((a - b) ** 2).sum()) for b in w) for a in w])
    return filters(scores, target)


def scales(model: nn.Module) -> Scores:
    return {n: abs(model.get_submodule(norm).weight.detach().numpy()) for n, norm in NORMS.items()}


def bn_scale(case: Case, target: float) -> Kept:
    return filters(scales(case.dense), target)


# ------------------------------------------------------------ by what photos say


def given(case: Case, name: str) -> Tensor:
    """What a layer is given of all photos."""
    found: list[Tensor] = []
    handle = case.dense.get_submodule(name).register_forward_pre_hook(lambda _, x: found.append(x[0]))
    with torch.no_grad():
        case.dense(case.x)
    handle.remove()
    return found[0]


def spread_out(case: Case, name: str) -> np.ndarray:
    """(photos × places, d): each row what one output is made of."""
    layer, x = case.dense.get_submodule(name), given(case, name)
    if isinstance(layer, nn.Linear):
        return x.double().numpy()
    seen = F.unfold(x.double(), 3, padding=1, stride=layer.stride)
    return seen.transpose(1, 2).flatten(0, 1).numpy()


def wanda(case: Case, target: float) -> Kept:
    """|w_ij| ‖x_j‖₂, within the weights of an output."""
    kept = {}
    for n, w in weights(case.dense).items():
        norms = np.sqrt((spread_out(case, n.removesuffix(".weight")) ** 2).sum(0))
        rows = abs(w.reshape(len(w), -1)) * norms
        kept[n] = np.stack([stays(row, target) for row in rows]).reshape(w.shape)
    return kept


def activation(of: Callable[[np.ndarray], np.ndarray], behind: int) -> Callable[[Case, float], Kept]:
    """A number a channel, of its map right behind the ReLU (0) or as the next layer is given it (1)."""

    def rule(case: Case, target: float) -> Kept:
        scores = {}
        for n, where in BEHIND.items():
            width = len(weights(case.dense)[f"{n}.weight"])
            x = given(case, where[1]) if behind else F.relu(given(case, where[0]))
            scores[n] = of(x.reshape(len(x), width, -1).transpose(0, 1).flatten(1).double().numpy())  # (c, n · places)
        return filters(scores, target)

    return rule


def mean(x: np.ndarray) -> np.ndarray:
    return x.mean(1)


def root_mean_square(x: np.ndarray) -> np.ndarray:
    return np.sqrt((x**2).mean(1))


def not_zero(x: np.ndarray) -> np.ndarray:
    """1 − APoZ."""
    return 1 - (x == 0).mean(1)


def obs(centred: bool) -> Callable[[Case, float], Kept]:
    """Algorithm 1 on every row, its inverse kept as a matrix; then the lowest of a layer's costs. `centred`: H is the
    inputs' covariance and a thousandth of its mean diagonal; else 2 X Xᵀ as in the paper, with the same ridge."""

    def rule(case: Case, target: float) -> Kept:
        kept = {}
        for n, w in weights(case.dense).items():
            x = spread_out(case, n.removesuffix(".weight"))
            x = x - x.mean(0) if centred else x
            h = x.T @ x / len(x)
            h[np.diag_indices_from(h)] += 1e-3 * np.trace(h) / len(h)
            rows = w.reshape(len(w), -1)
            kept[n] = stays(np.stack([_turns(row, np.linalg.inv(h)) for row in rows]).ravel(), target).reshape(w.shape)
        return kept

    return rule


def _turns(row: np.ndarray, inverse: np.ndarray) -> np.ndarray:
    """What each weight costs when its turn comes, never less than what went before it."""
    w, inverse = row.copy(), inverse.copy()
    left, paid, cost = list(range(len(row))), 0.0, np.empty(len(row))
    for turn in range(len(row)):
        own = np.array(left)
        losses = w[own] ** 2 / inverse[own, own]
        p = int(own[losses.argmin()])
        paid = max(paid * (1 + 1e-6), float(losses.min()))
        cost[p] = paid
        column = inverse[:, p].copy()
        w -= w[p] / column[p] * column
        inverse -= np.outer(column, column) / column[p]
        left.remove(p)
        assert len(left) == len(row) - turn - 1
    return cost


def thinet(case: Case, target: float) -> Kept:
    """Algorithm 1 over all outputs of the next layer, of which the paper draws ten places a photo."""
    kept = {}
    for n, (_, name) in BEHIND.items():
        w = weights(case.dense)[f"{name}.weight"]
        width = len(weights(case.dense)[f"{n}.weight"])
        x = spread_out(case, name).reshape(-1, width, w.reshape(len(w), width, -1).shape[2])  # (m, c, k²)
        z = np.einsum("mck,ock->moc", x, w.reshape(len(w), width, -1)).reshape(-1, width)
        gone: list[int] = []
        while len(gone) < int(target * width):
            rest = [c for c in range(width) if c not in gone]
            costs = [float((z[:, [*gone, c]].sum(1) ** 2).sum()) for c in rest]
            gone.append(rest[int(np.argmin(costs))])
        kept[n] = np.isin(np.arange(width), gone, invert=True)
    return kept


# ------------------------------------------------------------ by what the loss says


def of_each_photo(case: Case) -> Iterable[dict[str, Tensor]]:
    """Parameter → gradient of one photo's loss, photo by photo."""
    named = dict(case.dense.named_parameters())
    for x, y in zip(case.x, case.y, strict=True):
        found = torch.autograd.grad(F.cross_entropy(case.dense(x[None]), y[None]), list(named.values()))
        yield dict(zip(named, found, strict=True))


def of_gradients(power: int) -> Callable[[Case, float], Kept]:
    """|w|ᵖ E[|∂L/∂w|ᵖ]."""

    def rule(case: Case, target: float) -> Kept:
        own = weights(case.dense)
        total = {n: np.zeros_like(w) for n, w in own.items()}
        for gradient in of_each_photo(case):
            for n in own:
                total[n] += abs(gradient[n].double().numpy()) ** power
        return lowest({n: abs(w) ** power * total[n] / len(case.x) for n, w in own.items()}, target)

    return rule


def squares_of_batches(case: Case, size: int) -> Scores:
    """w² E[(∂L/∂w)²], L the mean loss of so many photos."""
    own = weights(case.dense)
    total = {n: np.zeros_like(w) for n, w in own.items()}
    for x, y in zip(case.x.split(size), case.y.split(size), strict=True):
        loss = F.cross_entropy(case.dense(x), y)
        for n, g in zip(own, torch.autograd.grad(loss, [case.dense.get_parameter(n) for n in own]), strict=True):
            total[n] += g.double().numpy() ** 2
    return {n: w**2 * total[n] for n, w in own.items()}


def gate_scores(case: Case) -> Scores:
    """(g · z)² of a gate z = 1 behind each batch norm, really put there, photo by photo."""
    scores = {}
    for n, norm in NORMS.items():
        width = len(weights(case.dense)[f"{n}.weight"])
        gate = torch.ones(width, requires_grad=True)
        shut = case.dense.get_submodule(norm).register_forward_hook(lambda _, x, out, g=gate: out * g.view(1, -1, 1, 1))
        total = np.zeros(width)
        for x, y in zip(case.x, case.y, strict=True):
            (gradient,) = torch.autograd.grad(F.cross_entropy(case.dense(x[None]), y[None]), [gate])
            total += gradient.double().numpy() ** 2
        shut.remove()
        scores[n] = total
    return scores


def gates(case: Case, target: float) -> Kept:
    return filters(gate_scores(case), target)


def as_trained(model: nn.Module) -> nn.Module:
    """In float64, batch norms on the batch, dropout off."""
    made = copy.deepcopy(model).double().train()
    made.get_submodule("drop").eval()
    return made


def _gradient(model: nn.Module, case: Case, temperature: float) -> dict[str, Tensor]:
    own = {f"{n}.weight": model.get_parameter(f"{n}.weight") for n in LAYERS}
    loss = F.cross_entropy(model(case.x.double()) / temperature, case.y)
    return dict(zip(own, torch.autograd.grad(loss, list(own.values())), strict=True))


def snip(case: Case, target: float) -> Kept:
    """|∂L(c ⊙ w)/∂c| at c = 1, one batch in training mode."""
    model = as_trained(case.initial)
    found = _gradient(model, case, 1.0)
    return lowest({n: (g * model.get_parameter(n)).abs().detach().numpy() for n, g in found.items()}, target, True)


def grasp(case: Case, target: float) -> Kept:
    """S(−w) = −w ⊙ Hg at temperature 200; the highest go. Hg as a difference of gradients a little way along g."""
    model = as_trained(case.initial)
    g = _gradient(model, case, 200.0)
    step = 1e-6 / float(torch.cat([t.flatten() for t in g.values()]).norm())
    ends = []
    for sign in (1, -1):
        moved = as_trained(case.initial)
        with torch.no_grad():
            for n, t in g.items():
                moved.get_parameter(n).add_(t, alpha=sign * step)
        ends.append(_gradient(moved, case, 200.0))
    hg = {n: (ends[0][n] - ends[1][n]) / (2 * step) for n in g}
    return lowest({n: (model.get_parameter(n) * t).detach().numpy() for n, t in hg.items()}, target, True)


def synflow(case: Case, target: float) -> Kept:
    """A hundred rounds; every parameter at its magnitude, biases zero, batch norms as at the start: they only scale."""
    w = {n: torch.from_numpy(abs(t)) for n, t in weights(case.initial).items()}
    mask = {n: torch.ones_like(t) for n, t in w.items()}
    scale = 1 / np.sqrt(1 + 1e-5)
    for turn in range(1, 101):
        now = {n: (t * mask[n]).requires_grad_() for n, t in w.items()}
        x = torch.ones(1, 3, *case.x.shape[2:], dtype=torch.float64)
        x = F.conv2d(x, now["conv1.weight"], stride=2, padding=1) * scale
        x = F.max_pool2d(F.conv2d(x, now["conv2.weight"], padding=1) * scale, 2)
        x = (F.conv2d(x, now["conv3.weight"], padding=1) * scale).flatten(1)
        (((x @ now["fc1.weight"].T) * scale) @ now["fc2.weight"].T).sum().backward()
        flow = {n: (t.grad * t).detach().numpy() for n, t in now.items()}
        going = 1 - (1 - target) ** (turn / 100) if turn < 100 else target
        mask = {n: torch.from_numpy(m).double() for n, m in lowest(flow, going, True).items()}
    return {n: m.numpy() > 0 for n, m in mask.items()}
