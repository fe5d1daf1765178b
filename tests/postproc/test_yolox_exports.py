"""Recognition of what exporters and simplifiers write, and decode against two independent decoders."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from icraft_adapt.adapter.prepare import Prepared, prepare
from icraft_adapt.adapter.progress import Silent
from icraft_adapt.adapter.request import Request
from icraft_adapt.data.detections import Detections
from icraft_adapt.errors import AdaptError, Exit
from icraft_adapt.graph.region import extract
from icraft_adapt.graph.session import Session
from icraft_adapt.models.export import Spelling
from icraft_adapt.models.yolox import OutputForm, YoloxConfig
from icraft_adapt.postproc.yolox import FAMILY
from icraft_adapt.targets.loader import load_target
from icraft_adapt.tests.exports import exported

Array = NDArray[np.float32]


def prepared(tmp_path: Path, classes: int, form: OutputForm, keypoints: int = 0, **spelling: Any) -> Prepared:  # noqa: ANN401
    """A small network in this form and spelling, up to its proven reading."""
    config = YoloxConfig("s", classes=classes, width=0.125, keypoints=keypoints)
    file = tmp_path / "net.onnx"
    file.write_bytes(exported(config, form, **spelling))
    return prepare(Request(file), load_target("icraft-v1.1"), Silent())


def sources(found: Prepared) -> list[tuple[int, ...]]:
    """(channels, is the branch that of the box) of each head, in output order."""
    makers = {name: node for node in found.original.graph.node for name in node.output}
    shapes = {tensor.name: sum(tensor.dims[:1]) for tensor in found.original.graph.initializer}
    return [
        (shapes[makers[name].input[1]], int(makers[name].input[0] == makers[level.reg].input[0]))
        for level in found.reading.levels
        for _, name in level.roles
    ]


CELLS: list[tuple[int, OutputForm, Spelling]] = [
    (1, OutputForm(True, "scatter"), {}),
    (4, OutputForm(False, "scatter"), {"simplify": "onnxslim"}),
    (80, OutputForm(True, "concat"), {"simplify": "onnxsim"}),
    (4, OutputForm(True, "constant"), {"shape": (1, 3, 96, 64)}),
    (1, OutputForm(True), {"shape": (1, 3, 32, 32)}),
    (4, OutputForm(False), {"dtype": "float16"}),
    (1, OutputForm(True, "concat"), {"dtype": "float16"}),
    (1, OutputForm(True, None, "maps"), {"simplify": "onnxslim"}),
    (1, OutputForm(False, None, "raw"), {}),
    (4, OutputForm(False, None, "raw"), {"opset": 17}),
    (1, OutputForm(True, "scatter"), {"keep_batchnorm": True}),
    (3, OutputForm(True, "concat"), {"shape": (1, 3, 64, 32), "exporter": "dynamo"}),
]


@pytest.mark.parametrize(("classes", "form", "spelling"), CELLS)
def test_exports_are_read(tmp_path: Path, classes: int, form: OutputForm, spelling: Spelling) -> None:
    found = prepared(tmp_path, classes, form, **spelling)
    assert sources(found) == [(1, 1), (4, 1), (classes, 0)] * 3
    assert found.reading.sigmoid_inside is form.sigmoid
    assert found.reading.decoded_inside is (form.decode is not None)
    assert [output.name for output in found.model.outputs] == [name for _, name in found.reading.outputs()]


@pytest.mark.parametrize("layout", ["flat", "maps", "raw"])
def test_key_points_of_an_export_are_extra(tmp_path: Path, layout: str) -> None:
    found = prepared(tmp_path, 1, OutputForm(True, None, layout), keypoints=5)  # type: ignore[arg-type]
    assert sources(found) == [(1, 1), (4, 1), (1, 0), (10, 1)] * 3
    assert [name for _, name in found.reading.outputs()][3::4] == ["extra_s8", "extra_s16", "extra_s32"]


@pytest.mark.parametrize("layout", ["scrambled", "transposed"])
@pytest.mark.parametrize("decode", [None, "constant"])
def test_exports_in_another_order_are_declined(tmp_path: Path, layout: str, decode: str | None) -> None:
    with pytest.raises(AdaptError, match=r"other cells: scrambled, transposed") as caught:
        prepared(tmp_path, 4, OutputForm(True, decode, layout))  # type: ignore[arg-type]
    assert caught.value.code == Exit.UNSUPPORTED


def raw_heads(found: Prepared, image: Array) -> dict[str, Array]:
    """The original's head maps by tensor name."""
    part = extract(found.original, [], [name for name, _ in found.reading.outputs()])
    return Session(part).run({found.input_name: image})


def in_float64(found: Prepared, maps: dict[str, Array]) -> tuple[NDArray[np.float64], ...]:
    """Every cell as (boxes xyxy, score, class), straight from YOLOX's formulas, cell by cell."""
    rows = []
    for level in found.reading.levels:
        obj, reg, cls = (maps[name][0].astype(np.float64) for name in (level.obj, level.reg, level.cls))
        for y in range(level.grid[0]):
            for x in range(level.grid[1]):
                cx, cy = (reg[0, y, x] + x) * level.stride, (reg[1, y, x] + y) * level.stride
                w, h = np.exp(reg[2, y, x]) * level.stride, np.exp(reg[3, y, x]) * level.stride
                scores = 1 / (1 + np.exp(-obj[0, y, x])) / (1 + np.exp(-cls[:, y, x]))
                rows.append([cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2, scores.max(), scores.argmax()])
    table = np.array(rows)
    return table[:, :4], table[:, 4], table[:, 5]


def test_decode_is_the_formula_and_what_the_graph_itself_decodes(tmp_path: Path) -> None:
    found = prepared(tmp_path, 4, OutputForm(True, "concat"), shape=(1, 3, 64, 128))
    image = np.random.default_rng(5).uniform(0, 255, found.input_shape).astype(np.float32)
    maps = raw_heads(found, image)
    made = FAMILY.decode(found.reading, maps, 0.0)
    boxes, scores, classes = in_float64(found, maps)
    assert len(made) == len(boxes) == 128 + 32 + 8
    np.testing.assert_allclose(made.boxes, boxes, rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(made.scores, scores, rtol=1e-5)
    np.testing.assert_array_equal(made.classes, classes)
    (own,) = Session(found.original).run({found.input_name: image}).values()
    centre, half = own[0, :, :2], own[0, :, 2:4] / 2
    np.testing.assert_allclose(made.boxes, np.hstack([centre - half, centre + half]), rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(made.scores, own[0, :, 4] * own[0, :, 5:].max(axis=1), rtol=1e-5)


def test_decode_keeps_what_is_strictly_above_and_the_first_of_equal_classes(tmp_path: Path) -> None:
    found = prepared(tmp_path, 4, OutputForm(False))
    channels = {"obj": 1, "reg": 4, "cls": 4}
    levels = found.reading.levels
    maps = {name: np.zeros((1, channels[role], *at.grid), np.float32) for at in levels for role, name in at.roles}
    assert len(FAMILY.decode(found.reading, maps, 0.25)) == 0, "sigmoid(0) squared is exactly .25"
    assert set(FAMILY.decode(found.reading, maps, 0.2499).classes.tolist()) == {0}
    first = levels[0]
    maps[first.obj][0, 0, 1, 2] = 200
    maps[first.cls][0, 3, 1, 2] = 200
    maps[first.reg][0, 2, 1, 2] = 500
    one = FAMILY.decode(found.reading, maps, 0.5)
    assert isinstance(one, Detections)
    assert (len(one), one.classes.tolist(), one.scores.tolist()) == (1, [3], [1.0])
    assert np.isfinite(one.boxes).all()
    assert one.boxes[0, 1::2].tolist() == [1 * 8 - 4, 1 * 8 + 4]
