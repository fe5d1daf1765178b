"""The bundled network: small, as YOLOX exports its models, and as good as its figures say. Needs no torch."""

from __future__ import annotations

import json
from pathlib import Path

import onnx
import pytest

import icraft_adapt.models.demo as demo
from icraft_adapt.models.demo.films import HELD_OUT, SIZE, held_out
from icraft_adapt.models.demo.score import measure

FOLDER = Path(demo.__file__).parent
FILE = FOLDER / "demo_person.onnx"
METRICS = json.loads((FOLDER / "demo_person.json").read_text(encoding="utf-8"))
FEW = range(0, len(HELD_OUT), 4)


def test_it_is_small_and_static() -> None:
    assert FILE.stat().st_size <= 4_000_000
    model = onnx.load(FILE)
    onnx.checker.check_model(model, full_check=True)
    shapes = [
        [dim.dim_value for dim in value.type.tensor_type.shape.dim]
        for value in (*model.graph.input, *model.graph.output)
    ]
    assert shapes == [[1, 3, *SIZE], [1, sum(SIZE[0] // s * (SIZE[1] // s) for s in (8, 16, 32)), 6]]
    operators = {node.op_type for node in model.graph.node}
    assert {"Slice", "Sigmoid", "Mul", "MaxPool", "Resize"} <= operators
    assert "BatchNormalization" not in operators


def test_its_figures_meet_the_promise() -> None:
    assert METRICS["ap50"] >= 0.90
    assert METRICS["ap50"] > METRICS["ap"] > 0.4
    assert METRICS["held_out_seeds"] == [HELD_OUT.start, HELD_OUT.stop - 1]


def test_it_finds_people_in_films_it_has_not_seen() -> None:
    found = measure(onnx.load(FILE), held_out(FEW))
    assert found.ap50 >= 0.90
    assert found.ap50 == pytest.approx(METRICS["ap50"], abs=0.03)
    assert found.ap == pytest.approx(METRICS["ap"], abs=0.05)
