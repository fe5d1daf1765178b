"""exp and sigmoid: every code of every table, every 16-bit code, and the C's function bit for bit against numpy's."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from icraft_adapt.errors import AdaptError
from icraft_adapt.postproc.decode import sources
from icraft_adapt.postproc.decode.c_decoder import CDecoder
from icraft_adapt.postproc.decode.exponential import HIGHEST, LOWEST, every_code, score_of, side_of
from icraft_adapt.postproc.decode.records import cells_of
from icraft_adapt.postproc.decode.reference import Candidates, Decoded, candidates_of, ranked
from icraft_adapt.postproc.decode.sources import is_ordered, yolox_component
from icraft_adapt.postproc.decode.values import DecodeOptions, Part
from icraft_adapt.tests.decode.decoder_cases import model

BOUND = 0.501  # units in the last place of a float32
RATIOS = [1e-4, 0.0039, 0.031, 0.0945, 0.37, 1.9, 64.0]
EVERYTHING = DecodeOptions(0.0, 1.0)


def exact_sigmoid(x: float) -> float:
    """In double precision, without overflow and cancellation."""
    e = math.exp(-abs(x))
    return 1 / (1 + e) if x >= 0 else e / (1 + e)


def worst_ulps(got: NDArray[np.float32], want: list[float]) -> float:
    """The largest distance, in units in the last place of the float32 next to the wanted number."""
    expected = np.array(want)
    return float((np.abs(got.astype(np.float64) - expected) / np.spacing(expected.astype(np.float32))).max())


@pytest.mark.parametrize("normratio", RATIOS)
def test_every_code_of_a_table(normratio: float) -> None:
    x = every_code(8, Part(normratio, 8, 1).normratio)
    assert len(x) == 256
    assert worst_ulps(score_of(x), [exact_sigmoid(v) for v in x.clip(LOWEST, -LOWEST)]) <= BOUND
    assert worst_ulps(side_of(x), [math.exp(v) for v in x.clip(LOWEST, HIGHEST)]) <= BOUND


@pytest.mark.parametrize("normratio", [r * 127 / 32767 for r in RATIOS])
def test_every_16_bit_code(normratio: float) -> None:
    x = every_code(16, Part(normratio, 16, 1).normratio)
    assert len(x) == 65536
    assert worst_ulps(score_of(x), [exact_sigmoid(v) for v in x.clip(LOWEST, -LOWEST)]) <= BOUND
    assert worst_ulps(side_of(x), [math.exp(v) for v in x.clip(LOWEST, HIGHEST)]) <= BOUND
    assert is_ordered(Part(normratio, 16, 1))


def test_floats_from_end_to_end() -> None:
    """Every 4,001st float; `benchmarks/every_float.py` takes all of them, in C."""
    x = np.arange(0, 0x7F800000, 4001, dtype=np.uint32).view(np.float32)
    x = np.concatenate([-x[::-1], x])
    score = score_of(x)
    assert (np.diff(score) >= 0).all()
    assert score.min() > 0
    assert score.max() == 1
    assert worst_ulps(score, [exact_sigmoid(v) for v in x.astype(float).clip(LOWEST, -LOWEST)]) <= BOUND
    assert worst_ulps(side_of(x), [math.exp(v) for v in x.astype(float).clip(LOWEST, HIGHEST)]) <= BOUND


def test_the_middle_is_exact() -> None:
    assert score_of(np.zeros(1))[0] == np.float32(0.5)
    assert side_of(np.zeros(1))[0] == 1
    np.testing.assert_array_equal(score_of(np.array([-np.inf, np.inf])), score_of(np.array([LOWEST, -LOWEST])))


def one_code_a_cell(bits: int) -> tuple[Decoded, Candidates, int]:
    """C and reference on a level in which each code is some cell's objectness, width and height; nothing overlaps by
    more than all of it.
    """
    side = 16 if bits == 8 else 256
    classes = 32  # few boxes of one class: none is suppressed, but all of one class are compared
    values = model(classes, (bits, bits, 8), "codes", (side, side), strides=(1,))
    every = every_code(bits, 1.0).astype(np.int64).reshape(1, 1, side, side)
    best = np.arange(side * side).reshape(side, side) % classes
    cls = np.where(np.arange(classes)[:, None, None] == best, 127, -127)[None]
    reg = np.concatenate([every * 0, every * 0, every, every[..., ::-1]], axis=1)
    maps = {"obj_s1": every, "reg_s1": reg, "cls_s1": cls}
    want = ranked(candidates_of(values, 0, cells_of(values, maps)[0], EVERYTHING))
    return CDecoder(values).codes(maps, EVERYTHING), want, side * side


@pytest.mark.parametrize("bits", [8, 16])
def test_the_c_agrees_on_every_code(bits: int) -> None:
    got, want, cells = one_code_a_cell(bits)
    assert len(want.anchors) == cells
    np.testing.assert_array_equal(got.anchors, want.anchors)
    np.testing.assert_array_equal(got.detections.scores, want.scores)
    np.testing.assert_array_equal(got.detections.boxes, want.boxes)


def test_scores_out_of_order_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "score_of", lambda x: -np.asarray(x, np.float32))
    with pytest.raises(AdaptError, match="do not ascend"):
        yolox_component(model(bits=16))
