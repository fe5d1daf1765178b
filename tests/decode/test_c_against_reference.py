"""The compiled C against the numpy reference, bit for bit: thousands of record sets, maps in every layout."""

from __future__ import annotations

from functools import cache
from itertools import product
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from icraft_adapt.data.detections import Detections, iou_matrix
from icraft_adapt.postproc.c.library import compiler
from icraft_adapt.postproc.decode.c_decoder import CDecoder
from icraft_adapt.postproc.decode.exponential import score_of
from icraft_adapt.postproc.decode.records import Cells, pack_records, write_records
from icraft_adapt.postproc.decode.reference import (
    Candidates,
    Decoded,
    candidates_of,
    joined,
    ranked,
    reference_boxes,
    reference_codes,
    reference_floats,
    reference_records,
)
from icraft_adapt.postproc.decode.values import DecodeOptions, DecodeValues
from icraft_adapt.tests.decode.decoder_cases import Batch, code_maps, dequantised, float_maps, model, random_batch

pytestmark = pytest.mark.skipif(compiler() is None, reason="no C compiler")

MODELS = {
    "int8": {"classes": 3, "bits": 8},
    "int16": {"classes": 3, "bits": 16},
    "mixed": {"classes": 3, "bits": (8, 16, 8)},
    "one class": {"classes": 1, "bits": 8},
    "17 classes": {"classes": 17, "bits": 8},
    "80 classes": {"classes": 80, "bits": 8},
}
OPTIONS = [
    DecodeOptions(0.25, 0.45),
    DecodeOptions(0.05, 0.65, multi_label=True),
    DecodeOptions(0.3, 0.3, class_agnostic=True, ratio=(0.37, 0.37)),
    DecodeOptions(0.0, 0.0, class_agnostic=True, multi_label=True, top_k=5, ratio=(0.9, 1.7), clip=(80.0, 30.5)),
]


@cache
def decoder(name: str) -> CDecoder:
    """The compiled decoder of one of the models."""
    return CDecoder(model(**MODELS[name]))


def assert_same(got: Decoded, want: Decoded) -> None:
    """Bit for bit, counts too."""
    assert (got.candidates, got.survivors, got.truncated) == (want.candidates, want.survivors, want.truncated)
    np.testing.assert_array_equal(got.anchors, want.anchors)
    np.testing.assert_array_equal(got.detections.classes, want.detections.classes)
    np.testing.assert_array_equal(got.detections.scores, want.detections.scores)
    np.testing.assert_array_equal(got.detections.boxes, want.detections.boxes)


def survivors_of_sets(found: Candidates, sets: NDArray[np.int64], count: int, options: DecodeOptions) -> NDArray[Any]:
    """Rows of the candidates (in order, set by set) that survive: greedy suppression in all sets at once."""
    starts = np.searchsorted(sets, np.arange(count + 1))
    place = np.arange(len(sets)) - starts[sets]
    width = int(np.diff(starts).max(initial=0))
    boxes = np.zeros((count, width, 4), np.float32)
    groups = np.full((count, width), -1)
    boxes[sets, place] = found.boxes
    groups[sets, place] = 0 if options.class_agnostic else found.classes
    area = (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])
    alive = groups >= 0
    for i in range(width):
        low = np.maximum(boxes[:, i : i + 1, :2], boxes[..., :2])
        side = np.maximum(np.minimum(boxes[:, i : i + 1, 2:], boxes[..., 2:]) - low, 0)
        shared = side[..., 0] * side[..., 1]
        union = area[:, i : i + 1] + area - shared
        iou = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
        over = (iou > np.float32(options.iou)) & (groups == groups[:, i : i + 1]) & alive[:, i : i + 1]
        over[:, : i + 1] = False
        alive &= ~over
    alive &= (np.cumsum(alive, axis=1) <= options.top_k) | (options.top_k == 0)
    return np.flatnonzero(alive[sets, place])


def expected(values: DecodeValues, batch: Batch, options: DecodeOptions) -> tuple[Candidates, NDArray[np.int64]]:
    """The survivors of all sets, and the set of each."""
    levels = [candidates_of(values, i, cells, options) for i, cells in enumerate(batch.cells)]
    owners = [np.searchsorted(starts, c.rows, side="right") - 1 for c, starts in zip(levels, batch.starts, strict=True)]
    found, sets = joined(levels), np.concatenate(owners)
    tagged = Candidates(found.boxes, found.scores, found.classes, found.anchors, sets)
    order = ranked(tagged)
    order = order.select(np.argsort(order.rows, kind="stable"))
    kept = survivors_of_sets(order, order.rows, len(batch.starts[0]) - 1, options)
    return order.select(kept), order.rows[kept]


@pytest.mark.parametrize(("name", "options"), list(product(["int8", "int16", "one class"], OPTIONS)))
def test_10000_random_record_sets(name: str, options: DecodeOptions) -> None:
    values, sets = decoder(name).values, 850
    batch = random_batch(values, sets, np.random.default_rng(7))
    want, owners = expected(values, batch, options)
    plain = DecodeOptions(
        **{f: getattr(options, f) for f in ("score", "iou", "class_agnostic", "multi_label", "top_k")}
    )
    got = [decoder(name).records(records, plain) for records in batch.records(values)]
    assert len(want) > sets
    np.testing.assert_array_equal(np.repeat(np.arange(sets), [len(each.anchors) for each in got]), owners)
    for field in ("boxes", "scores", "classes"):
        found = np.concatenate([getattr(each.detections, field) for each in got])
        np.testing.assert_array_equal(found, getattr(want, field), err_msg=field)
    np.testing.assert_array_equal(np.concatenate([each.anchors for each in got]), want.anchors)


@pytest.mark.parametrize("name", ["int8", "int16", "80 classes"])
@pytest.mark.parametrize("options", OPTIONS)
def test_records_of_whole_maps_in_any_order(name: str, options: DecodeOptions) -> None:
    random = np.random.default_rng(11)
    values = decoder(name).values
    maps = code_maps(values, random)
    records = [level[random.permutation(len(level))] for level in pack_records(values, maps)]
    got = decoder(name).records(records, options)
    assert got.candidates > 50
    assert_same(got, reference_records(values, records, options))
    hardware = DecodeOptions(**{f: getattr(options, f) for f in DecodeOptions.__slots__} | {"as_hardware": True})
    assert_same(got, decoder(name).codes(maps, hardware))
    assert_same(got, reference_codes(values, maps, hardware))


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("options", OPTIONS)
def test_integer_maps_in_every_layout(name: str, options: DecodeOptions) -> None:
    values = decoder(name).values
    for seed in range(3):
        maps = code_maps(values, np.random.default_rng(seed), spread=(0.3, 0.5, 0.9)[seed])
        want = reference_codes(values, maps, options)
        assert want.candidates > 0
        for layout, padding in product(("nchw", "nhwc"), ({}, {"obj": 7, "reg": 4, "cls": 1})):
            assert_same(decoder(name).codes(maps, options, layout, padding), want)


@pytest.mark.parametrize("name", ["int8", "one class", "80 classes"])
@pytest.mark.parametrize("options", OPTIONS)
def test_float_maps_in_every_layout(name: str, options: DecodeOptions) -> None:
    values = decoder(name).values
    random = np.random.default_rng(5)
    for maps in (float_maps(values, random), dequantised(values, code_maps(values, random))):
        maps["obj_s8"][0, 0, 0, :3] = -np.inf, 80.0, -3e38
        maps["cls_s8"][0, :, 0, 4] = -np.inf
        maps["reg_s8"][0, :, 1, 1] = 2.0**24, -(2.0**24), 3e38, -3e38
        want = reference_floats(values, maps, options)
        for layout, padding in product(("nchw", "nhwc"), ({}, {"obj": 7, "reg": 4, "cls": 1})):
            assert_same(decoder(name).floats(maps, options, layout, padding), want)


@pytest.mark.parametrize("options", OPTIONS)
def test_float64_differs_by_rounding_only(options: DecodeOptions) -> None:
    values = decoder("int8").values
    maps = float_maps(values, np.random.default_rng(6), spread=2.0)
    single, double = (reference_floats(values, maps, options, kind) for kind in (np.float32, np.float64))
    np.testing.assert_array_equal(single.anchors, double.anchors)
    np.testing.assert_allclose(single.detections.boxes, double.detections.boxes, rtol=3e-7, atol=1e-3)
    np.testing.assert_allclose(single.detections.scores, double.detections.scores, rtol=3e-7)
    assert double.detections.boxes.dtype == np.float64


@pytest.mark.parametrize("name", ["int8", "80 classes"])
@pytest.mark.parametrize("options", OPTIONS)
def test_boxes_decoded_elsewhere(name: str, options: DecodeOptions) -> None:
    random = np.random.default_rng(8)
    corner = random.uniform(-20, 90, (90, 2))
    boxes = np.concatenate([corner, corner + random.choice([0.0, 5.0, 25.0], (90, 2))], axis=1).astype(np.float32)
    classes = random.integers(0, decoder(name).values.classes, 90)
    given = Detections(boxes, (random.integers(0, 9, 90) / 8).astype(np.float32), classes)
    want = reference_boxes(decoder(name).values, given, options)
    assert want.candidates > 40
    assert_same(decoder(name).boxes(given, options), want)


@pytest.mark.parametrize(("name", "room"), [("int8", 1), ("int8", 7), ("int16", 40)])
def test_a_full_workspace_keeps_the_first_in_order(name: str, room: int) -> None:
    """What a small workspace gives is a prefix of what a large one gives."""
    options = DecodeOptions(0.02, 0.5, multi_label=True)
    values = model(**MODELS[name], max_candidates=room)
    maps = code_maps(values, np.random.default_rng(9))
    got, whole = CDecoder(values).codes(maps, options), reference_codes(model(**MODELS[name]), maps, options)
    assert got.truncated
    assert got.candidates == whole.candidates > room
    assert_same(got, reference_codes(values, maps, options))
    np.testing.assert_array_equal(got.detections.boxes, whole.detections.boxes[: len(got.anchors)])


@pytest.mark.parametrize("capacity", [0, 4])
def test_a_short_result_is_a_prefix_and_says_so(capacity: int) -> None:
    values = model(name="brief")
    maps = code_maps(values, np.random.default_rng(10))
    options = DecodeOptions(0.2, 0.5)
    got, whole = CDecoder(values, capacity).codes(maps, options), reference_codes(values, maps, options)
    assert got.truncated
    assert (got.survivors, len(got.anchors)) == (whole.survivors, capacity)
    np.testing.assert_array_equal(got.detections.boxes, whole.detections.boxes[:capacity])


def test_nothing_found_is_no_error() -> None:
    values = decoder("int8").values
    maps = {name: np.full_like(array, -127) for name, array in code_maps(values, np.random.default_rng(0)).items()}
    got = decoder("int8").codes(maps, DecodeOptions(0.25, 0.45))
    assert (got.candidates, got.survivors, len(got.anchors), got.truncated) == (0, 0, 0, False)
    none = [np.zeros((0, values.record.length), np.int8)] * 3
    assert decoder("int8").records(none, DecodeOptions(0.25, 0.45)).candidates == 0


@pytest.mark.parametrize("position", [0, 1, 37, 63, 64, 95])
@pytest.mark.parametrize("name", ["int8", "int16", "mixed"])
def test_one_cell_that_barely_passes_is_found(name: str, position: int) -> None:
    """Blocks of cells are skipped by one look: the least code above the threshold must stop it, wherever it stands."""
    values = decoder(name).values
    maps = {each: np.full_like(array, -120) for each, array in code_maps(values, np.random.default_rng(0)).items()}
    part = values.quantised.levels[0].obj
    options = DecodeOptions(float(score_of(np.array(-6 * part.normratio))), 0.5)
    maps["obj_s8"][0, 0].flat[position] = -5
    maps["cls_s8"][0, 1] = values.quantised.levels[0].cls.largest
    assert list(decoder(name).codes(maps, options, "nhwc").anchors) == [position]
    maps["obj_s8"][0, 0].flat[position] = -6
    assert decoder(name).codes(maps, options, "nhwc").candidates == 0
    floats = {each: np.full_like(array, -50, np.float32) for each, array in maps.items()}
    floats["cls_s8"][0, 1] = 40.0
    floats["obj_s8"][0, 0].flat[position] = 1e-6
    assert list(decoder(name).floats(floats, DecodeOptions(0.5, 0.5)).anchors) == [position]


def test_equal_scores_come_by_anchor_then_class() -> None:
    values = model(name="roomy", max_candidates=126 * 3)
    maps = {name: np.zeros_like(array) for name, array in code_maps(values, np.random.default_rng(0)).items()}
    got = CDecoder(values).codes(maps, DecodeOptions(0.2, 1.0, multi_label=True))
    assert len(got.anchors) == values.anchors * values.classes
    np.testing.assert_array_equal(got.anchors, np.repeat(np.arange(values.anchors), values.classes))
    np.testing.assert_array_equal(got.detections.classes, np.tile(np.arange(values.classes), values.anchors))
    assert set(got.detections.scores.tolist()) == {0.25}


def test_a_score_equal_to_the_threshold_is_no_candidate() -> None:
    values = decoder("int8").values
    maps = {name: np.zeros_like(array) for name, array in code_maps(values, np.random.default_rng(0)).items()}
    assert decoder("int8").codes(maps, DecodeOptions(0.25, 1.0)).candidates == 0
    assert decoder("int8").floats(maps, DecodeOptions(0.25, 1.0)).candidates == 0


def test_records_of_one_cell_come_as_they_are_given() -> None:
    """Equal scores at one place: the order is that of the records, however many there are."""
    values = decoder("int8").values
    count = 53
    cells = Cells(
        np.full(count, 3),
        np.full(count, 2),
        np.full(count, 90),
        np.arange(4 * count).reshape(count, 4) % 100 - 50,
        np.tile([5, 90, -3], (count, 1)),
    )
    nothing = cells.select(np.arange(0))
    records = [write_records(values.record, each) for each in (cells, nothing, nothing)]
    options = DecodeOptions(0.25, 1.0)
    got = decoder("int8").records(records, options)
    assert_same(got, reference_records(values, records, options))
    boxes = candidates_of(values, 0, cells, options).boxes
    np.testing.assert_array_equal(got.detections.boxes, boxes)


def test_an_overlap_equal_to_the_threshold_stays() -> None:
    """The IoU is rounded to float32 exactly as numpy rounds it: a threshold of that very number suppresses nothing."""
    random = np.random.default_rng(12)
    scores, classes = np.array([0.9, 0.8], np.float32), np.zeros(2, np.int64)
    for _ in range(300):
        corner = random.uniform(0, 8, (2, 2)).astype(np.float32)
        boxes = np.concatenate([corner, corner + random.uniform(8, 30, (2, 2)).astype(np.float32)], axis=1)
        iou = iou_matrix(boxes[:1], boxes[1:])[0, 0]
        assert iou > 0
        kept = [
            len(decoder("int8").boxes(Detections(boxes, scores, classes), DecodeOptions(0.1, float(limit))).anchors)
            for limit in (iou, np.nextafter(iou, np.float32(0)))
        ]
        assert kept == [2, 1]


def test_the_defaults_are_the_models() -> None:
    assert decoder("int8").defaults() == DecodeOptions(0.25, float(np.float32(0.45)))
