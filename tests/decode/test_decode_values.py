"""What the generator is given: records as the hardware lays them out, thresholds as it compares them, and refusals."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from icraft_adapt.postproc.decode.records import pack_records, read_records, write_records
from icraft_adapt.postproc.decode.values import DecodeValues, Grid, IntegerHeads, Part, Parts, RecordFormat, filter_code
from icraft_adapt.targets.types import RecordPadding
from icraft_adapt.tests.decode.decoder_cases import PADDING, code_maps, model, part


@pytest.mark.parametrize(("classes", "bits", "length"), [(80, 8, 216), (80, 16, 148), (1, 8, 144), (1, 16, 72)])
def test_records_are_as_long_as_those_of_compiled_networks(classes: int, bits: int, length: int) -> None:
    layout = RecordFormat(bits, classes, PADDING[bits])
    assert layout.length == length
    assert layout.offsets == ((0, 64, 128) if bits == 8 else (0, 32, 64))


def test_one_and_four_classes_have_records_of_one_length() -> None:
    assert RecordFormat(16, 1, PADDING[16]).length == RecordFormat(16, 4, PADDING[16]).length


def test_a_record_holds_its_coordinates_in_its_last_bytes() -> None:
    values = model(classes=2, bits=8)
    maps = {name: np.full_like(array, -127) for name, array in code_maps(values, np.random.default_rng(0)).items()}
    maps["obj_s8"][0, 0, 5, 9], maps["reg_s8"][0, :, 5, 9], maps["cls_s8"][0, :, 5, 9] = 60, [1, -2, 3, -4], [-128, 7]
    (record,), none, nothing = pack_records(values, maps)
    raw = record.tobytes()
    assert len(raw) == values.record.length
    assert (raw[0], raw[64:68], raw[128:130]) == (60, bytes([1, 254, 3, 252]), bytes([128, 7]))
    assert raw[-8:] == bytes([0, 0, 9, 0, 5, 0, 0, 0])
    assert (len(none), len(nothing)) == (0, 0)


@pytest.mark.parametrize("bits", [8, 16])
def test_packed_records_are_the_cells_above_the_filters_code(bits: int) -> None:
    values = model(classes=5, bits=bits)
    maps = code_maps(values, np.random.default_rng(1))
    for level, records in enumerate(pack_records(values, maps)):
        obj, reg, cls = (maps[name][0] for name in values.outputs()[level])
        y, x = np.nonzero(obj[0] > values.quantised.filter_codes()[level])
        cells = read_records(values.record, records.reshape(1, 1, *records.shape))
        np.testing.assert_array_equal(cells.x, x)
        np.testing.assert_array_equal(cells.y, y)
        np.testing.assert_array_equal(cells.obj, obj[0, y, x])
        np.testing.assert_array_equal(cells.reg, reg[:, y, x].T)
        np.testing.assert_array_equal(cells.cls, cls[:, y, x].T)


@pytest.mark.parametrize(
    ("score", "normratio", "code"),
    [(0.1, 0.1, -21), (0.9, 0.1, 21), (0.5, 0.1, 0), (0.1, 3.0, 0), (1e-9, 0.1, -127), (1 - 1e-9, 0.1, 127)],
)
def test_the_filters_code_is_truncated_toward_zero(score: float, normratio: float, code: int) -> None:
    assert filter_code(score, Part(normratio, 8, 1)) == code


def test_the_filter_drops_a_code_that_exact_arithmetic_keeps() -> None:
    """logit(.1) is -21.97 codes: -22 < -21.97 fails exactly, -21 passes exactly, but -21 > -21 fails in hardware."""
    code = filter_code(0.1, Part(0.1, 8, 1))
    assert code == -21
    assert 1 / (1 + math.exp(-code * 0.1)) > 0.1


def test_a_normratio_is_rounded_to_what_the_c_holds() -> None:
    assert Fraction(Part(0.1, 8, 1).normratio) == Fraction(float(np.float32(0.1)))


def test_codes_too_wide_for_their_maps_are_refused() -> None:
    values = model(classes=2, bits=8)
    maps = code_maps(values, np.random.default_rng(2))
    maps["obj_s8"][0, 0, 0, 0], maps["cls_s8"][0, 0, 0, 0] = 100, 200
    with pytest.raises(ValueError, match="200 in 8 bits"):
        pack_records(values, maps)


def test_maps_of_another_shape_are_refused() -> None:
    values = model(classes=2)
    maps = code_maps(values, np.random.default_rng(3))
    maps["reg_s16"] = maps["reg_s16"][:, :3]
    with pytest.raises(ValueError, match="reg_s16 has the shape"):
        pack_records(values, maps)


def test_no_records_without_a_filter_or_of_mixed_widths() -> None:
    with pytest.raises(ValueError, match="no threshold filter"):
        pack_records(model(bits=(8, 16, 8)), {})
    with pytest.raises(ValueError, match="no normratios"):
        pack_records(model(integer=None), {})


def test_no_record_is_written_for_no_cell() -> None:
    values = model(bits=16)
    empty = read_records(values.record, np.zeros((0, values.record.length), np.int16))
    assert write_records(values.record, empty).shape == (0, values.record.length)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Part(0.1, 12, 1), "12 bits"),
        (lambda: Part(0.0, 8, 1), "normratio"),
        (lambda: Part(math.nan, 8, 1), "normratio"),
        (lambda: Part(2.0**20, 8, 1), "normratio"),
        (lambda: RecordFormat(8, 1, RecordPadding(64, 4)), "no coordinates"),
        (lambda: filter_code(1.0, part(8.0, 8, 1)), "no logit"),
        (lambda: model(levels=()), "levels of strides"),
        (lambda: model(levels=(Grid(16, (4, 6)), Grid(8, (8, 12)))), "levels of strides"),
        (lambda: model(levels=(Grid(8, (8, 11)),)), "no grid"),
        (lambda: model(classes=0), "0 classes"),
        (lambda: model(max_candidates=0), "room for 0"),
        (lambda: model(score=1.0), "thresholds"),
        (lambda: model(iou=math.nan), "thresholds"),
        (lambda: replace(model(), classes=4), "parts of"),
        (lambda: model(levels=(Grid(8, (8, 12)),)), "3 levels in integers"),
        (lambda: model(classes=2**31, integer=None), "classes at"),
    ],
)
def test_contradictions_are_refused(build: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build()


def test_a_filter_needs_a_threshold_between_zero_and_one() -> None:
    heads = model().quantised
    with pytest.raises(ValueError, match="no logit"):
        replace(model(), integer=IntegerHeads(heads.levels, 0.0, heads.padding))


def test_anchors_run_over_the_levels() -> None:
    values = DecodeValues("a", (Grid(8, (8, 12)), Grid(32, (2, 3))), 1, (64, 96), 0.3, 0.5)
    assert (values.anchors, values.first_anchors, values.capacity) == (102, (0, 96), 102)
    assert values.outputs()[1] == ("obj_s32", "reg_s32", "cls_s32")
    assert isinstance(model().quantised.levels[0], Parts)
