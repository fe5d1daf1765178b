"""How well a network finds the people of some frames: its ONNX run, its output decoded, COCO's AP; no torch."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto

from ...data.coco_ap import ApResult, average_precision
from ...data.detections import EVALUATION_IOU, EVALUATION_SCORE, Detections, nms
from ...graph.session import Session
from ..config import STRIDES
from ..scenes.scene import Frame
from .films import people


def measure(model: ModelProto, frames: Iterable[Frame]) -> ApResult:
    """AP and AP50 of a one-class YOLOX (output [1, anchors, 6], scores inside, boxes not decoded) on `frames`."""
    session = Session(model)
    truth, found = [], []
    for frame in frames:
        tensor = frame.image.transpose(2, 0, 1)[None].astype(np.float32)
        (output,) = session.run({session.inputs[0]: tensor}).values()
        truth.append(people(frame))
        found.append(detections(output[0], tensor.shape[2:]))
    return average_precision(truth, found)


def detections(output: NDArray[np.float32], size: tuple[int, ...]) -> Detections:
    """What the rows [anchors, 6] (box, objectness, class score) say of an input of `size`, suppressed.

    A cell's box: centre (xy + cell) * stride, extent exp(wh) * stride; its score: objectness times class score.
    """
    cell, stride = anchors(size)
    score = output[:, 4] * output[:, 5]
    centre, half = (output[:, :2] + cell) * stride, np.exp(output[:, 2:4]) * stride / 2
    boxes = np.concatenate([centre - half, centre + half], axis=1)
    found = Detections(boxes.astype(np.float32), score, np.zeros(len(score), np.int64))
    return nms(found.select(score > EVALUATION_SCORE), EVALUATION_IOU)


def anchors(size: tuple[int, ...]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The cell (x, y) of each anchor, [anchors, 2], and its stride, [anchors, 1], of an input of (h, w)."""
    cells, strides = [], []
    for stride in STRIDES:
        rows, columns = np.mgrid[: size[0] // stride, : size[1] // stride]
        cells.append(np.stack([columns.ravel(), rows.ravel()], axis=1))
        strides.append(np.full((rows.size, 1), stride))
    return np.concatenate(cells).astype(np.float32), np.concatenate(strides).astype(np.float32)
