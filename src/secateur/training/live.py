"""Bytes of tensors alive at the same time while something runs: counted, not sampled."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class _Live(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Sees every operation, those of the way back too, and notes the storages they make until these are freed.

    A storage that is met as an argument before anything made it was there before, and counts as nothing.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.known: set[int] = set()
        self.now = self.peak = 0

    def __torch_dispatch__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        self._note(args, kwargs, new=False)
        out = func(*args, **(kwargs or {}))
        self._note(out, None, new=True)
        return out

    def _note(self, *trees: Any, new: bool) -> None:
        for leaf in tree_leaves(trees):
            if not isinstance(leaf, Tensor):
                continue
            storage = leaf.untyped_storage()
            if storage._cdata in self.known:
                continue
            size = storage.nbytes() if new else 0
            self.known.add(storage._cdata)
            weakref.finalize(storage, self._freed, storage._cdata, size)
            self.now += size
            self.peak = max(self.peak, self.now)

    def _freed(self, place: int, size: int) -> None:
        self.known.discard(place)
        self.now -= size


def peak_bytes(work: Callable[[], object]) -> int:
    """The most bytes that tensors made by `work()` held at once, on whatever device.

    What a kernel keeps for itself while it runs is not seen; nor is what the allocator does not give back.
    """
    live = _Live()
    with live:
        work()
    return live.peak
