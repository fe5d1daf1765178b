"""A head judged by its role: can it still say what it has to say? A dead head has a cosine of 0.99999998, too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .figures import FigureBuilder, Figures

SCORES = (0.1, 0.25, 0.5)  # where the smallest step of a score is asked for


@dataclass(frozen=True, slots=True)
class ScoreResolution:
    """What an objectness or class map can say: codes whose score lies strictly within (0.001, 0.999), and how far the
    next higher code is from a score of 0.1, 0.25 and 0.5. `reached` is the highest score that the codes seen gave.
    """

    levels: int
    steps: tuple[float, ...]
    reached: float


@dataclass(frozen=True, slots=True)
class BoxResolution:
    """What a box map can say: the largest box in pixels, the smallest step of a centre in pixels, and the shares of
    sizes and of centres that met the end of their range.
    """

    largest_px: float
    step_px: float
    saturated_sizes: float
    saturated_centres: float


def score_resolution(normratio: float, code_max: int, seen: Sequence[NDArray[np.int64]]) -> ScoreResolution:
    """Of a map of logits held at this normratio; `seen` are its codes, image by image."""
    codes = np.arange(-code_max, code_max + 1, dtype=np.float64)
    scores = _sigmoid(codes * normratio)
    levels = int(np.count_nonzero((scores > 0.001) & (scores < 0.999)))
    highest = max((int(each.max(initial=-code_max)) for each in seen), default=-code_max)
    return ScoreResolution(
        levels, tuple(_step(scores, score) for score in SCORES), float(_sigmoid(highest * normratio))
    )


def _step(scores: NDArray[np.float64], score: float) -> float:
    """The distance between the two codes around a score; 1 where the codes do not reach it."""
    above = int(np.searchsorted(scores, score, side="right"))
    if above == 0 or above == len(scores):
        return 1.0
    return float(scores[above] - scores[above - 1])


def box_resolution(normratio: float, code_max: int, stride: int, seen: Sequence[NDArray[np.int64]]) -> BoxResolution:
    """Of a map of (dx, dy, log w, log h) in units of the stride."""
    largest = float(np.exp(code_max * normratio)) * stride
    ends = [np.abs(each) >= code_max for each in seen]
    sizes = [float(each[:, 2:4].mean()) for each in ends]
    centres = [float(each[:, :2].mean()) for each in ends]
    return BoxResolution(largest, normratio * stride, float(np.mean(sizes or [0.0])), float(np.mean(centres or [0.0])))


def by_role(pairs: Sequence[tuple[NDArray[np.float32], NDArray[np.float32]]]) -> Figures:
    """Cosine, SQNR and largest difference of one head map over images: (float, integer) pairs [1, c, h, w]."""
    builder = FigureBuilder()
    for truth, found in pairs:
        builder.add(truth, found)
    return builder.figures()


def relative_error(
    found: Sequence[Mapping[str, NDArray[np.float32]]], truth: Sequence[Mapping[str, NDArray[np.float32]]]
) -> float:
    """Mean square error of each head over its variance, averaged over heads and pictures; maps by output name."""
    errors = [
        float(np.square(ours[name] - theirs[name]).mean() / max(float(theirs[name].var()), 1e-12))
        for ours, theirs in zip(found, truth, strict=True)
        for name in ours
    ]
    return float(np.mean(errors))


def _sigmoid(x: NDArray[np.float64] | float) -> NDArray[np.float64]:
    return np.asarray(1 / (1 + np.exp(-np.asarray(x, np.float64))), np.float64)
