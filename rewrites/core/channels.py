"""Which channels of which maps belong together: a union of sets, seen map by map."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from ...graph.nodes import Tensor

Ids = NDArray[np.int64]


class Channels:
    """Every map has one id a channel; ids that were joined have one root."""

    def __init__(self) -> None:
        self._parents: list[int] = []
        self._ids: dict[str, Ids] = {}
        self._fixed: set[int] = set()

    @property
    def count(self) -> int:
        """How many ids there are."""
        return len(self._parents)

    @property
    def fixed(self) -> NDArray[np.bool_]:
        """True for the roots that must keep their scale, by id."""
        kept = np.zeros(self.count, np.bool_)
        kept[[self._root(each) for each in self._fixed]] = True
        return kept

    def fresh(self, tensor: Tensor) -> Ids:
        """New ids for a map that begins here; a tensor that is no map has one."""
        shape = tensor.shape or []
        channels = int(shape[1]) if len(shape) == 4 else 1
        ids = np.arange(self.count, self.count + channels, dtype=np.int64)
        self._parents.extend(ids.tolist())
        self._ids[tensor.name] = ids
        return ids

    def share(self, tensor: Tensor, ids: Ids) -> None:
        """A map whose channels are these."""
        self._ids[tensor.name] = ids

    def of(self, tensor: Tensor) -> Ids:
        """The map's ids."""
        return self._ids[tensor.name]

    def join(self, one: Ids, other: Ids) -> Ids:
        """Channel by channel the same scale from now on."""
        for a, b in zip(one.tolist(), other.tolist(), strict=True):
            self._parents[self._root(b)] = self._root(a)
        return one

    def fix(self, ids: Ids) -> None:
        """These keep their scale."""
        self._fixed.update(ids.tolist())

    def knows(self, name: str) -> bool:
        """Whether the map has ids."""
        return name in self._ids

    def names(self) -> Iterable[str]:
        """All maps."""
        return self._ids

    def roots(self, name: str) -> Ids:
        """The roots of a map's channels."""
        return np.array([self._root(each) for each in self._ids[name].tolist()], np.int64)

    def _root(self, each: int) -> int:
        while self._parents[each] != each:
            self._parents[each] = self._parents[self._parents[each]]
            each = self._parents[each]
        return each
