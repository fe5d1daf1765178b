"""What the C refuses, and where it says the fault is."""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any

import numpy as np
import pytest

from icraft_adapt.data.detections import Detections
from icraft_adapt.postproc.c.library import compiler
from icraft_adapt.postproc.decode.c_decoder import CDecoder, DecodeError
from icraft_adapt.postproc.decode.c_structures import CMap, CMaps, CRecords, Status
from icraft_adapt.postproc.decode.records import Records, pack_records
from icraft_adapt.postproc.decode.values import DecodeOptions
from icraft_adapt.tests.decode.decoder_cases import code_maps, float_maps, model

pytestmark = pytest.mark.skipif(compiler() is None, reason="no C compiler")

PLAIN = DecodeOptions(0.25, 0.45)
CELLS = (96, 24, 6)
GOOD = np.ones(96 * 64, np.float64)  # bytes enough for each map; all numbers of it are good


@cache
def decoder() -> CDecoder:
    """A compiled decoder of 3 classes."""
    return CDecoder(model())


def refused(function: str, *inputs: object, options: DecodeOptions = PLAIN) -> tuple[Status, int, int]:
    """Status, level and item of a call that is refused."""
    with pytest.raises(DecodeError) as error:
        decoder().call(function, options, *inputs)
    return error.value.status, error.value.level, error.value.item


def good_maps(width: int) -> Any:  # noqa: ANN401
    """Maps that are long enough, of numbers `width` bytes wide."""
    levels = [[CMap(GOOD.ctypes.data, n * c * width, 0, 0) for c in (1, 4, 3)] for n in CELLS]
    return (CMaps * 3)(*(CMaps(*level) for level in levels))


FUNCTIONS = [("from_codes", 1), ("from_floats", 4)]


@pytest.mark.parametrize(("function", "width"), FUNCTIONS)
def test_good_maps_are_taken(function: str, width: int) -> None:
    assert decoder().call(function, PLAIN, good_maps(width)).candidates >= 0


@pytest.mark.parametrize(("function", "width"), FUNCTIONS)
@pytest.mark.parametrize("role", ["obj", "reg", "cls"])
@pytest.mark.parametrize("level", [0, 2])
@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"data": None}, Status.BAD_ARGUMENT),
        ({"layout": 2}, Status.BAD_ARGUMENT),
        ({"layout": -1}, Status.BAD_ARGUMENT),
        ({"size": -1}, Status.BAD_SIZE),
        ({"size": 0, "layout": 1}, Status.BAD_SIZE),
        ({"channel_stride": 2**62}, Status.BAD_SIZE),
        ({"channel_stride": 2**64 - 1, "layout": 1}, Status.BAD_SIZE),
        ({"channel_stride": 5}, Status.BAD_SIZE),
    ],
)
def test_bad_maps(function: str, width: int, role: str, level: int, change: dict[str, Any], status: Status) -> None:
    maps = good_maps(width)
    wrong = getattr(maps[level], role)
    for field, value in change.items():
        setattr(wrong, field, wrong.size - 1 if value == -1 and field == "size" else value)
    assert refused(function, maps) == (status, level, 0)


@pytest.mark.parametrize(("function", "width"), FUNCTIONS)
def test_a_stride_too_small(function: str, width: int) -> None:
    maps = good_maps(width)
    maps[1].cls.channel_stride = 2
    assert refused(function, maps) == (Status.BAD_SIZE, 1, 0)
    maps = good_maps(width)
    maps[1].cls.channel_stride, maps[1].cls.layout = 23, 1
    assert refused(function, maps) == (Status.BAD_SIZE, 1, 0)


@pytest.mark.parametrize("function", ["from_records", "from_codes", "from_floats"])
def test_null(function: str) -> None:
    assert refused(function, None) == (Status.BAD_ARGUMENT, 0, 0)
    assert refused("from_boxes", None, 1) == (Status.BAD_ARGUMENT, 0, 0)


@pytest.mark.parametrize(
    "options",
    [
        DecodeOptions(1.0, 0.5),
        DecodeOptions(-0.1, 0.5),
        DecodeOptions(np.nan, 0.5),
        DecodeOptions(0.5, 1.1),
        DecodeOptions(0.5, -0.1),
        DecodeOptions(0.5, np.nan),
        DecodeOptions(0.5, 0.5, ratio=(0.0, 1.0)),
        DecodeOptions(0.5, 0.5, ratio=(1.0, np.inf)),
        DecodeOptions(0.5, 0.5, ratio=(np.nan, 1.0)),
        DecodeOptions(0.5, 0.5, clip=(-1.0, 5.0)),
        DecodeOptions(0.5, 0.5, clip=(5.0, np.nan)),
    ],
)
def test_bad_options(options: DecodeOptions) -> None:
    assert refused("from_codes", good_maps(1), options=options) == (Status.BAD_OPTION, 0, 0)


def records_with(level: int, **change: object) -> tuple[Any, tuple[Records, ...]]:
    """Good records of two cells a level, on one level something else; and the arrays that hold them."""
    maps = {name: np.full_like(array, -127) for name, array in code_maps(model(), np.random.default_rng(0)).items()}
    for stride in (8, 16, 32):
        maps[f"obj_s{stride}"][0, 0, 1, :2] = 100
    packed = pack_records(model(), maps)
    levels = (CRecords * 3)(*(CRecords(r.ctypes.data, r.nbytes, len(r)) for r in packed))
    for field, value in change.items():
        setattr(levels[level], field, value)
    return levels, packed


def refused_records(level: int, **change: object) -> tuple[Status, int, int]:
    """Status, level and item for records with something else on one level."""
    levels, _kept = records_with(level, **change)
    return refused("from_records", levels)


def test_good_records_are_taken() -> None:
    levels, _kept = records_with(0)
    assert decoder().call("from_records", DecodeOptions(0.0, 1.0), levels).candidates == 6


@pytest.mark.parametrize("level", [0, 1, 2])
def test_bad_records(level: int) -> None:
    size = model().record.length * 2
    assert refused_records(level, count=CELLS[level] + 1) == (Status.BAD_COUNT, level, 0)
    assert refused_records(level, count=2**32 - 1) == (Status.BAD_COUNT, level, 0)
    assert refused_records(level, size=size - 1) == (Status.BAD_SIZE, level, 0)
    assert refused_records(level, count=3) == (Status.BAD_SIZE, level, 0)
    assert refused_records(level, data=None) == (Status.BAD_ARGUMENT, level, 0)
    levels, _kept = records_with(level, count=0, data=None, size=0)
    assert decoder().call("from_records", PLAIN, levels).candidates >= 0


@pytest.mark.parametrize(("at", "value"), [(-6, 12), (-6, 256), (-6, 65535), (-4, 8), (-4, 256), (-2, 1), (-2, 256)])
def test_a_record_of_no_cell(at: int, value: int) -> None:
    levels, kept = records_with(0)
    kept[0].view(np.uint8)[1, at : at + 2 or None] = np.array([value], "<u2").view(np.uint8)
    assert refused("from_records", levels) == (Status.BAD_RECORD, 0, 1)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("obj_s16", np.nan),
        ("obj_s16", np.inf),
        ("cls_s16", np.nan),
        ("cls_s16", np.inf),
        ("reg_s16", np.nan),
        ("reg_s16", np.inf),
        ("reg_s16", -np.inf),
    ],
)
def test_a_float_that_is_no_number(name: str, value: float) -> None:
    maps = {each: np.full_like(array, -20) for each, array in float_maps(model(), np.random.default_rng(0)).items()}
    maps[name][0, -1, 1, 2] = value
    assert decoder().floats(maps, PLAIN).candidates == 0 if not name.startswith("obj") else True
    maps["obj_s16"][0, 0, 1, 2] = value if name == "obj_s16" else 3.0
    maps["cls_s16"][0, 0, 1, 2] = 3.0
    with pytest.raises(DecodeError) as error:
        decoder().floats(maps, PLAIN)
    assert (error.value.status, error.value.level, error.value.item) == (Status.BAD_VALUE, 1, 1 * 6 + 2)


@pytest.mark.parametrize("position", [0, 63, 64, 95])
def test_one_nan_among_cells_that_do_not_pass(position: int) -> None:
    maps = {each: np.full_like(array, -20) for each, array in float_maps(model(), np.random.default_rng(0)).items()}
    maps["obj_s8"][0, 0].flat[position] = np.nan
    with pytest.raises(DecodeError, match=f"BAD_VALUE at level 0, item {position}"):
        decoder().floats(maps, PLAIN)


def test_an_offset_beyond_what_a_float_can_add() -> None:
    maps = {each: np.full_like(array, 3) for each, array in float_maps(model(), np.random.default_rng(0)).items()}
    maps["reg_s8"][0, 1, 0, 0] = np.nextafter(np.float32(2**24), np.float32(np.inf))
    with pytest.raises(DecodeError, match="BAD_VALUE at level 0, item 0"):
        decoder().floats(maps, PLAIN)


@pytest.mark.parametrize(
    ("row", "status"),
    [
        ((0, 0, np.nan, 1, 0.5, 0), Status.BAD_VALUE),
        ((0, 0, np.inf, 1, 0.5, 0), Status.BAD_VALUE),
        ((0, 0, -1, 1, 0.5, 0), Status.BAD_VALUE),
        ((0, 2, 1, 1, 0.5, 0), Status.BAD_VALUE),
        ((0, 0, 2e18, 1, 0.5, 0), Status.BAD_VALUE),
        ((0, 0, 1, 1, np.nan, 0), Status.BAD_VALUE),
        ((0, 0, 1, 1, 1.5, 0), Status.BAD_VALUE),
        ((0, 0, 1, 1, 0.5, 3), Status.BAD_RECORD),
    ],
)
def test_a_box_that_is_none(row: tuple[float, ...], status: Status) -> None:
    rows = np.array([(0, 0, 1, 1, 0.5, 0), row])
    boxes = Detections(rows[:, :4].astype(np.float32), rows[:, 4].astype(np.float32), rows[:, 5].astype(np.int64))
    with pytest.raises(DecodeError) as error:
        decoder().boxes(boxes, PLAIN)
    assert (error.value.status, error.value.item) == (status, 1)


def test_too_many_boxes() -> None:
    assert refused("from_boxes", GOOD.ctypes.data, 2**24 + 1) == (Status.BAD_COUNT, 0, 0)


def test_null_where_the_result_goes() -> None:
    """The wrapper never passes these: the library itself is asked."""
    library = ctypes.CDLL("", handle=decoder()._library._handle)
    function = library.small_post_from_codes
    counts = (ctypes.c_uint32 * 5)()
    options = ctypes.create_string_buffer(64)
    library.small_post_defaults(options)
    library.small_post_defaults(None)
    space, rows, maps = decoder()._workspace, ctypes.create_string_buffer(64), good_maps(1)
    assert function(maps, options, space, rows, 1, None) == Status.BAD_ARGUMENT
    assert function(maps, options, None, rows, 1, counts) == Status.BAD_ARGUMENT
    assert function(maps, None, space, rows, 1, counts) == Status.BAD_ARGUMENT
    assert function(maps, options, space, None, 1, counts) == Status.BAD_ARGUMENT
    assert function(maps, options, space, None, 0, counts) in (Status.OK, Status.TRUNCATED)
