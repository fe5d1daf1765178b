"""What is kept of a map of codes so that a later one can be compared with it: whether it differs, and by how much."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from .fixed import Codes

SAMPLED = 64  # codes kept of an ordinary map
_GOLDEN = 0x9E3779B97F4A7C15  # 2^64 over the golden ratio: multiples of it spread evenly


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Of a map [1, c, ...]: `digest` is the SHA-256 of its codes as little-endian int16, `totals` int64 [c] the sum of
    each channel, `squares` the sum of all squares, `sample` int64 [n] the codes at `places`.
    """

    shape: tuple[int, ...]
    digest: str
    least: int
    largest: int
    squares: int
    totals: Codes
    sample: Codes

    @property
    def mean(self) -> float:
        """The mean code."""
        return float(self.totals.sum()) / max(int(np.prod(self.shape)), 1)

    @property
    def is_constant(self) -> bool:
        """Whether all codes are the same one, so that nothing was measured here."""
        return self.least == self.largest


@dataclass(frozen=True, slots=True)
class MapDifference:
    """How a map differs from one of the same shape: `channels` whose sum differs, of `all_channels`; codes of the
    sample that `differ`, of `sampled`, by `largest` at most; the sample's `cosine`; the mean code before and after.
    """

    channels: int
    all_channels: int
    first_channel: int | None
    differ: int
    sampled: int
    largest: int
    cosine: float
    means: tuple[float, float]


def fingerprint(codes: Codes, sampled: int = SAMPLED) -> Fingerprint:
    """Of a map of codes within int16, the batch axis first, one code at least."""
    flat = np.ascontiguousarray(codes, np.int64).reshape(codes.shape[1] if codes.ndim > 1 else 1, -1)
    values = flat.ravel()
    return Fingerprint(
        tuple(int(side) for side in codes.shape),
        sha256(np.ascontiguousarray(values, "<i2").tobytes()).hexdigest(),
        int(values.min()),
        int(values.max()),
        int((values * values).sum()),
        flat.sum(axis=1),
        values[places(values.size, sampled)],
    )


def places(size: int, count: int) -> NDArray[np.int64]:
    """Positions in a flat map of `size` codes, spread over it: the same ones on every machine."""
    if count >= size:
        return np.arange(size, dtype=np.int64)
    return np.array([((index + 1) * _GOLDEN % 2**64 * size) >> 64 for index in range(count)], np.int64)


def difference(kept: Fingerprint, found: Fingerprint) -> MapDifference | None:
    """None where the codes are the same ones. Raises ValueError for maps of different shapes or sample sizes."""
    if kept.shape != found.shape or kept.sample.shape != found.sample.shape:
        raise ValueError(f"maps of shapes {kept.shape} and {found.shape}")
    if kept.digest == found.digest:
        return None
    off = np.abs(kept.sample - found.sample)
    other = np.flatnonzero(kept.totals != found.totals)
    return MapDifference(
        len(other),
        len(kept.totals),
        int(other[0]) if len(other) else None,
        int(np.count_nonzero(off)),
        len(off),
        int(off.max(initial=0)),
        cosine(kept.sample, found.sample),
        (kept.mean, found.mean),
    )


def within(kept: Fingerprint, found: Fingerprint, codes: int, share: float) -> bool:
    """Whether every sampled code is at most `codes` off, at most `share` of them are off at all, and the mean of no
    channel is off by more than `codes` * `share`.
    """
    off = np.abs(kept.sample - found.sample)
    cells = int(np.prod(kept.shape)) // max(len(kept.totals), 1)
    drift = np.abs(kept.totals - found.totals).max(initial=0)
    few = np.count_nonzero(off) <= share * len(off)
    return bool(off.max(initial=0) <= codes and few and drift <= codes * share * cells)


def cosine(a: NDArray[np.int64], b: NDArray[np.int64]) -> float:
    """The cosine of the two as vectors; 1 where both are zero."""
    norm = float(np.sqrt(float((a * a).sum()) * float((b * b).sum())))
    return float((a * b).sum()) / norm if norm else float(not (a.any() or b.any()))
