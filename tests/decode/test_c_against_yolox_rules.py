"""The compiled C against YOLOX's own rules as the rest of the package has them: the family's decode, then NMS."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from icraft_adapt.data.detections import Detections, nms
from icraft_adapt.graph.reading import Level, Reading
from icraft_adapt.postproc.c.library import compiler
from icraft_adapt.postproc.decode.c_decoder import CDecoder
from icraft_adapt.postproc.decode.values import DecodeOptions, DecodeValues
from icraft_adapt.postproc.yolox import FAMILY
from icraft_adapt.tests.decode.decoder_cases import Maps, code_maps, dequantised, float_maps, model

pytestmark = pytest.mark.skipif(compiler() is None, reason="no C compiler")

ULPS = 4
EVALUATION, DEPLOYED = (0.001, 0.65), (0.25, 0.45)


@cache
def decoder(classes: int) -> CDecoder:
    """A compiled decoder."""
    return CDecoder(model(classes))


def yolox(values: DecodeValues, maps: Maps, score: float, iou: float, class_aware: bool) -> Detections:
    """What the package's YOLOX gives, in pixels of the input."""
    levels = tuple(Level(g.stride, g.cells, *n) for g, n in zip(values.levels, values.outputs(), strict=True))
    reading = Reading("yolox", levels, values.classes, False, False, 0.0)
    return nms(FAMILY.decode(reading, maps, score), iou, class_aware)


def ulps(got: NDArray[np.float32], want: NDArray[np.float32], scale: NDArray[np.float32]) -> float:
    """The largest difference, in units in the last place of `scale`."""
    return float((np.abs(got.astype(np.float64) - want) / np.spacing(scale)).max(initial=0.0))


def assert_close(got: Detections, want: Detections) -> None:
    """The same boxes in the same order; coordinates to 4 ulp of themselves or of the box's size."""
    assert len(want) > 5
    np.testing.assert_array_equal(got.classes, want.classes)
    assert ulps(got.scores, want.scores, want.scores) <= ULPS
    size = np.tile(want.boxes[:, 2:] - want.boxes[:, :2], 2)
    assert ulps(got.boxes, want.boxes, np.maximum(np.abs(want.boxes), size)) <= ULPS


@pytest.mark.parametrize("class_aware", [True, False])
@pytest.mark.parametrize(("score", "iou"), [EVALUATION, DEPLOYED])
@pytest.mark.parametrize("classes", [1, 3, 80])
def test_float_maps(classes: int, score: float, iou: float, class_aware: bool) -> None:
    options = DecodeOptions(score, iou, class_agnostic=not class_aware)
    for seed in range(20):
        maps = float_maps(decoder(classes).values, np.random.default_rng(seed), spread=1.5)
        got = decoder(classes).floats(maps, options).detections
        assert_close(got, yolox(decoder(classes).values, maps, score, iou, class_aware))


@pytest.mark.parametrize("class_aware", [True, False])
@pytest.mark.parametrize("classes", [1, 3])
def test_integer_maps_are_the_floats_that_they_stand_for(classes: int, class_aware: bool) -> None:
    """Ties are the rule here; float rounding of code * normratio is the only difference."""
    values = decoder(classes).values
    options = DecodeOptions(0.2003, 0.4503, class_agnostic=not class_aware)
    for seed in range(20):
        maps = code_maps(values, np.random.default_rng(seed), spread=0.25)
        got = decoder(classes).codes(maps, options).detections
        want = yolox(values, dequantised(values, maps), options.score, options.iou, class_aware)
        np.testing.assert_array_equal(np.sort(got.classes), np.sort(want.classes))
        np.testing.assert_allclose(np.sort(got.scores), np.sort(want.scores), rtol=1e-6)
        order, wanted = (np.lexsort((*d.boxes.T.round(2), d.classes)) for d in (got, want))
        np.testing.assert_allclose(got.boxes[order], want.boxes[wanted], rtol=1e-5, atol=1e-3)
