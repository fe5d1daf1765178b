"""The demo's training: cells are assigned as SimOTA says, the loss is zero for the truth and falls on a batch."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from icraft_adapt.data.detections import GroundTruth, iou_matrix
from icraft_adapt.models.demo import train
from icraft_adapt.models.demo.assignment import Truth, aligned_iou, assign, pairwise_iou
from icraft_adapt.models.demo.films import FIRST_TRAINED, HELD_OUT, SIZE, film, people, training_batch
from icraft_adapt.models.demo.loss import Grid, detection_loss
from icraft_adapt.models.demo.recipe import Recipe
from icraft_adapt.models.demo.score import detections
from icraft_adapt.models.yolox import YoloxConfig

SMALL = YoloxConfig("s", classes=1, width=0.0625)
GRID = Grid.of(SIZE)
CENTRE = (GRID.cell + 0.5) * GRID.stride


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Small maps; other tests may want the rest of the machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def perfect(boxes: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Predictions [1, A, 4] that every cell makes of one box, and a score of a half."""
    every = boxes.expand(1, len(CENTRE), 4).clone()
    return every, torch.full((1, len(CENTRE)), 0.5)


def test_overlap_is_that_of_the_evaluation() -> None:
    rng = np.random.default_rng(0)
    corner = rng.uniform(0, 50, (2, 9, 2))
    a, b = np.concatenate([corner, corner + rng.uniform(1, 40, (2, 9, 2))], 2)
    found = pairwise_iou(torch.from_numpy(a)[None], torch.from_numpy(b)[None])[0]
    np.testing.assert_allclose(found.numpy(), iou_matrix(a, b), rtol=1e-6)
    np.testing.assert_allclose(aligned_iou(torch.from_numpy(a), torch.from_numpy(b)).numpy(), np.diag(found.numpy()))


def test_ten_sure_cells_near_the_centre_answer_for_an_object() -> None:
    box = torch.tensor([[[96.0, 40.0, 136.0, 130.0]]])
    chosen = assign(*perfect(box), Truth(box, torch.tensor([[True]])), CENTRE, GRID.stride)
    assert int(chosen.positive.sum()) == 10
    off = (CENTRE[chosen.positive[0]] - torch.tensor([116.0, 85.0])).abs() / GRID.stride[chosen.positive[0]]
    assert float(off.max()) < 2.5


def test_an_object_no_prediction_meets_still_gets_one_cell() -> None:
    box = torch.tensor([[[96.0, 40.0, 136.0, 130.0]]])
    nowhere, score = perfect(torch.tensor([[[0.0, 0.0, 2.0, 2.0]]]))
    chosen = assign(nowhere, score, Truth(box, torch.tensor([[True]])), CENTRE, GRID.stride)
    assert int(chosen.positive.sum()) == 1


def test_a_cell_wanted_twice_goes_to_the_better_overlap() -> None:
    first, second = [96.0, 40.0, 136.0, 130.0], [100.0, 50.0, 132.0, 120.0]
    boxes, score = perfect(torch.tensor([[[0.0, 0.0, 2.0, 2.0]]]))
    only = 10 * 36 + 14  # row 10, column 14 of stride 8: centre (116, 84)
    boxes[0, only] = torch.tensor(first)
    for order, owner in (([first, second], 0), ([second, first], 1)):
        truth = Truth(torch.tensor([order]), torch.tensor([[True, True]]))
        chosen = assign(boxes, score, truth, CENTRE, GRID.stride)
        assert torch.nonzero(chosen.positive[0]).ravel().tolist() == [only]
        assert int(chosen.target[0, only]) == owner


def test_padding_gets_no_cell() -> None:
    box = torch.tensor([[[96.0, 40.0, 136.0, 130.0]]])
    chosen = assign(*perfect(box), Truth(box, torch.tensor([[False]])), CENTRE, GRID.stride)
    assert not chosen.positive.any()


def test_raw_numbers_and_boxes_are_inverse() -> None:
    boxes = torch.tensor([10.0, 20.0, 34.0, 90.0]).expand(1, len(CENTRE), 4)
    torch.testing.assert_close(GRID.boxes(GRID.raw(boxes)), boxes, rtol=1e-4, atol=1e-3)


def levels_of(raw: torch.Tensor, score: torch.Tensor) -> list[tuple[torch.Tensor, ...]]:
    """Rows [A, 4] and logits [A] as the head's maps."""
    maps, start = [], 0
    for stride in (8, 16, 32):
        h, w = SIZE[0] // stride, SIZE[1] // stride
        rows = slice(start, start + h * w)
        logits = score[rows].reshape(1, 1, h, w)
        maps.append((raw[rows].T.reshape(1, 4, h, w), logits, logits))
        start += h * w
    return maps


def test_loss_vanishes_for_the_truth_and_only_for_it() -> None:
    box = torch.tensor([[[96.0, 40.0, 136.0, 130.0]]])
    truth = Truth(box, torch.tensor([[True]]))
    raw = GRID.raw(box.expand(1, len(CENTRE), 4))
    sure = torch.full((1, len(CENTRE)), 0.999)
    answering = assign(perfect(box)[0], sure, truth, CENTRE, GRID.stride).positive[0]
    right = torch.where(answering, 20.0, -20.0)
    exact = detection_loss(levels_of(raw[0], right), truth, GRID, distance=True)
    assert float(exact) == pytest.approx(0, abs=1e-3)
    wrong_score = detection_loss(levels_of(raw[0], -right), truth, GRID, distance=True)
    wrong_box = detection_loss(levels_of(raw[0] + 0.1, right), truth, GRID, distance=True)
    assert float(wrong_score) > 20
    assert float(wrong_box) > 0.3
    assert float(wrong_box - detection_loss(levels_of(raw[0] + 0.1, right), truth, GRID, distance=False)) > 0.3


def test_output_decodes_to_the_boxes_of_the_loss() -> None:
    net = train.untrained(3, SMALL).eval()
    images, _ = train.tensors(training_batch(np.random.default_rng(1), 1))
    with torch.no_grad():
        output = net(images)[0]
        output[:, 4:] = 0.5
    found = detections(output.numpy(), SIZE)
    expected = GRID.boxes(output[None, :, :4])[0].numpy()
    assert len(found) > 0
    assert iou_matrix(found.boxes, expected).max(1).min() > 0.999


def test_a_batch_is_learnt_in_a_few_steps() -> None:
    recipe = replace(Recipe(), steps=20, warm_up=1, rate=1e-2, distance=0.0)
    batch = training_batch(np.random.default_rng(0), 2)
    found = list(train.losses(train.untrained(0, SMALL), recipe, itertools.repeat(batch)))
    assert len(found) == 20
    assert all(math.isfinite(loss) for loss in found)
    assert found[-1] < 0.8 * found[0]


def test_training_takes_images_without_people() -> None:
    frames = [film(seed).frame(0) for seed in range(2)]
    bare = [replace(frame, boxes=frame.boxes[:0], classes=frame.classes[:0]) for frame in frames]
    (loss,) = train.losses(train.untrained(0, SMALL), replace(Recipe(), steps=1), iter([bare]))
    assert math.isfinite(loss)


def test_the_rate_warms_up_and_falls() -> None:
    recipe = Recipe()
    rates = [recipe.rate_at(step) for step in range(recipe.steps)]
    assert np.argmax(rates) == pytest.approx(recipe.warm_up, abs=1)
    assert max(rates) == pytest.approx(recipe.rate)
    assert rates[0] < recipe.rate / 100
    assert 0 < rates[-1] < recipe.rate / 40


def test_no_training_film_is_held_out() -> None:
    assert max(HELD_OUT) < FIRST_TRAINED
    truth = people(film(0).frame(0))
    assert isinstance(truth, GroundTruth)
    assert set(truth.classes.tolist()) <= {0}


def test_a_short_training_writes_both_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train, "HELD_OUT", range(3))
    monkeypatch.setattr(train, "held_out", lambda: (film(seed).frame(5) for seed in range(3)))
    recipe = replace(Recipe(), steps=2, films=1)
    train.write(train.trained(recipe, SMALL), recipe, tmp_path)
    again = tmp_path / "again"
    again.mkdir()
    train.write(train.trained(recipe, SMALL), recipe, again)
    assert (tmp_path / "demo_person.onnx").read_bytes() == (again / "demo_person.onnx").read_bytes()
    onnx.checker.check_model(onnx.load(tmp_path / "demo_person.onnx"), full_check=True)
    metrics = json.loads((tmp_path / "demo_person.json").read_text())
    assert metrics["steps"] == 2
    assert metrics["held_out_seeds"] == [0, 2]
