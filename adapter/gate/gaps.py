"""A dumped map beside the simulation's: by which layout it fits best, and what is left then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...errors import AdaptError
from ...golden.fixed import Codes
from ...golden.layouts import aligned
from .dump import DumpedMap

_WHOLE = 0.02  # how near to a whole code a value must be to be one
_ROUNDED = 2  # codes: what differs by so little was rounded otherwise
_ANOTHER_SCALE = 0.01  # relative: a smaller factor is no other normratio


@dataclass(frozen=True, slots=True)
class Expected:
    """A map of the simulation: its anchor, codes [1, c, ...], and normratios [c]."""

    anchor: str
    codes: Codes
    normratios: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Gap:
    """One map, in codes: the share that differs, by how much at most, the cosine, and the first channel that differs.

    `scale` is the factor that makes the two alike where only their scale differs, else None.
    """

    anchor: str
    layout: str
    differ: float
    largest: float
    cosine: float
    channel: int | None
    scale: float | None

    @property
    def is_equal(self) -> bool:
        """Whether every code is the same."""
        return self.differ == 0

    @property
    def words(self) -> str:
        """The gap in words."""
        told = f"{self.differ:.2%} of the codes differ, by {self.largest:.4g} at most, cosine {self.cosine:.6f}"
        channel = "" if self.channel is None else f", from channel {self.channel} on"
        scale = "" if self.scale is None else f"; a factor of {self.scale:.6g} makes them alike: another normratio"
        return f"{told}{channel}{scale}"


def gap(dumped: DumpedMap, expected: Expected) -> Gap:
    """The gap under the layout that fits best. Raises AdaptError (exit 2) where no layout fits the shape."""
    readings = aligned(dumped.values, expected.codes.shape, dumped.layout)
    if not readings:
        have, want = ("x".join(map(str, shape)) for shape in (dumped.values.shape, expected.codes.shape))
        what = f"a map of shape {have} cannot be the {want} of {expected.anchor}"
        raise AdaptError(what, where=dumped.name, hint="say its layout in a JSON beside it")
    gaps = [_gap(expected, each.layout, in_codes(each.values, expected)) for each in readings]
    return min(gaps, key=lambda each: (each.differ > 0, -round(each.cosine, 9), each.differ))


def gaps(dump: Sequence[DumpedMap], expected: Mapping[str, Expected]) -> tuple[Gap, ...]:
    """Of every dumped map; `expected` by the dump's keys, in the order of computation."""
    by_key = {each.key: each for each in dump}
    return tuple(gap(by_key[key], each) for key, each in expected.items())


def in_codes(values: NDArray[np.generic], expected: Expected) -> NDArray[np.float64]:
    """Integers are codes; floats are values, which become codes by the map's normratio."""
    found = values.astype(np.float64)
    if values.dtype.kind != "f":
        return found
    return found / expected.normratios.reshape(1, -1, *(1,) * (found.ndim - 2))


def _gap(expected: Expected, layout: str, found: NDArray[np.float64]) -> Gap:
    truth = expected.codes.astype(np.float64)
    off = np.abs(found - truth)
    other = off > _WHOLE
    channels = np.flatnonzero(other.reshape(len(expected.normratios), -1).any(axis=1))
    norms = float(np.sqrt((truth * truth).sum() * (found * found).sum()))
    cosine = float((truth * found).sum()) / norms if norms else float(not (truth.any() or found.any()))
    factor = float((truth * found).sum() / max(float((found * found).sum()), 1e-30))
    rest = float(np.abs(found * factor - truth).max(initial=0.0))  # both were rounded
    worst = float(off.max(initial=0.0))
    alike = worst > _ROUNDED and abs(factor - 1) > _ANOTHER_SCALE and rest <= 1 + max(factor, 1) / 2
    return Gap(
        expected.anchor,
        layout,
        float(other.mean()),
        worst,
        cosine,
        int(channels[0]) if len(channels) else None,
        factor if alike else None,
    )
