"""What a network is named where no family reads it: by marks that hold together, and by nothing less."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pkgutil import ModuleInfo
from typing import Any

import numpy as np
import pytest
from onnx import ModelProto

from icraft_adapt.errors import AdaptError, Exit
from icraft_adapt.graph.model import Model
from icraft_adapt.postproc.core import family
from icraft_adapt.postproc.core.family import families, foreign_kinds, recognise
from icraft_adapt.tests.rewrites.harness import network, weights

GRIDS = {8: (8, 12), 16: (4, 6), 32: (2, 3)}
UNKNOWN = "no detector that is known here: as yolox, "


def heads(levels: Mapping[int, Sequence[int]], tail: str, outputs: str, **stored: Any) -> ModelProto:  # noqa: ANN401
    """Images of 64x96; a level of stride s gives maps m{s}_0, m{s}_1, ... of these channels; then the tail."""
    lines = []
    for s, channels in levels.items():
        lines.append(f"f{s} = Conv<strides=[{s},{s}]>(images, wf{s})")
        stored[f"wf{s}"] = weights(4, 3, 1, 1, seed=s)
        for index, count in enumerate(channels):
            lines.append(f"m{s}_{index} = Conv(f{s}, w{s}_{index})")
            stored[f"w{s}_{index}"] = weights(count, 4, 1, 1, seed=index)
    return network("float[1,3,64,96] images", outputs, "\n".join([*lines, tail]), **stored)


def maps(**channels: Sequence[int]) -> ModelProto:
    """A network whose outputs are the heads' own maps: maps(s8=(2, 64), s16=(2, 64))."""
    levels = {int(name[1:]): counts for name, counts in channels.items()}
    names = [(f"y{s}_{index}", f"m{s}_{index}") for s, counts in levels.items() for index in range(len(counts))]
    return heads(levels, "\n".join(f"{y} = Identity({m})" for y, m in names), ", ".join(y for y, _ in names))


def said(proto: ModelProto) -> str:
    """The line with which recognition ends, exit 3, without the model's name and without the hint."""
    with pytest.raises(AdaptError) as caught:
        recognise(Model.from_proto(proto, "net"), proto)
    assert caught.value.code == Exit.UNSUPPORTED
    assert (caught.value.where, caught.value.hint != "") == ("net", True)
    return caught.value.message


def flat_anchors(anchors: int, numbers: int, rows: Mapping[int, int]) -> ModelProto:
    """Levels of anchors x numbers channels, flattened to [1, rows, numbers]; `rows` may differ from what is right."""
    parts = [f"r{s} = Reshape(m{s}_0, shape{s})" for s in rows]
    shapes = {f"shape{s}": np.array([1, count, -1], np.int64) for s, count in rows.items()}
    tail = "\n".join([*parts, f"y = Concat<axis=1>({', '.join(f'r{s}' for s in rows)})"])
    return heads(dict.fromkeys(rows, (anchors * numbers,)), tail, "y", **shapes)


@pytest.mark.parametrize("anchors", [2, 3, 5])
def test_anchors_are_counted_on_the_flat_output(anchors: int) -> None:
    rows = {s: anchors * h * w for s, (h, w) in GRIDS.items()}
    line = said(flat_anchors(anchors, 9, rows))
    each = f"3 maps of {9 * anchors} channels = {anchors} anchors x (5 + 4)"
    assert line == f"an anchor-based head as in YOLOv5: {each}"


def test_anchors_are_counted_on_an_axis_of_their_own() -> None:
    levels = {16: (12,), 32: (12,)}
    parts = [f"r{s} = Reshape(m{s}_0, shape{s})\ny{s} = Transpose<perm=[0,1,3,4,2]>(r{s})" for s in levels]
    shapes = {f"shape{s}": np.array([1, 2, 6, *GRIDS[s]], np.int64) for s in levels}
    line = said(heads(levels, "\n".join(parts), "y16, y32", **shapes))
    assert line == "an anchor-based head as in YOLOv5: 2 maps of 12 channels = 2 anchors x (5 + 1)"


def test_anchors_that_no_output_shows_are_the_usual_ones() -> None:
    line = "probably an anchor-based head as in YOLOv5: 2 maps of 255 channels = 3 anchors x (5 + 80)"
    assert said(maps(s8=(255,), s16=(255,))) == line
    split = "a8, b8 = Split<axis=1>(m8_0, parts)\na16, b16 = Split<axis=1>(m16_0, parts)"
    parts = np.array([15, 240], np.int64)
    assert said(heads({8: (255,), 16: (255,)}, split, "a8, b8, a16, b16", parts=parts)) == line


NO_ANCHORS = {
    "one box a cell, all roles in one map": flat_anchors(1, 7, {8: 96, 16: 24}),
    "boxes without classes": flat_anchors(3, 5, {8: 288, 16: 72}),
    "levels of different channels": maps(s8=(18,), s16=(21,)),
    "channels that three anchors do not share": maps(s8=(20,), s16=(20,)),
    "five numbers an anchor in bare maps": maps(s8=(15,), s16=(15,)),
    "one level": maps(s16=(18,)),
}


@pytest.mark.parametrize("case", NO_ANCHORS)
def test_what_is_no_anchor_head(case: str) -> None:
    assert said(NO_ANCHORS[case]).startswith(UNKNOWN)


def test_boxes_without_objectness_are_named_by_their_channels() -> None:
    line = said(maps(s8=(64, 80), s16=(64, 80), s32=(64, 80)))
    assert line == ("a head without objectness, as in YOLOv8: 3 levels of 64 + 80 channels, 64 = 4 distances x 16 bins")
    assert said(maps(s8=(3, 4), s16=(4, 3))) == (
        "a head without objectness: 2 levels of 4 + 3 channels, boxes and one score a class"
    )


@pytest.mark.parametrize("bins", [8, 17])
def test_bins_are_counted_on_the_convolution_that_takes_their_mean(bins: int) -> None:
    def mean(values: np.ndarray) -> ModelProto:
        parts = []
        for s in (8, 16):
            parts += [f"b{s} = Reshape(m{s}_0, bins)", f"t{s} = Transpose<perm=[0,2,1,3]>(b{s})"]
            parts += [f"p{s} = Softmax<axis=1>(t{s})", f"d{s} = Conv(p{s}, mean)", f"y{s} = Identity(m{s}_1)"]
        stored = {"bins": np.array([1, 4, bins, -1], np.int64), "mean": values.astype(np.float32)}
        return heads({8: (4 * bins, 2), 16: (4 * bins, 2)}, "\n".join(parts), "d8, y8, d16, y16", **stored)

    proven = np.arange(bins).reshape(1, bins, 1, 1)
    told = f"{4 * bins} + 2 channels, {4 * bins} = 4 distances x {bins} bins"
    assert said(mean(proven)) == f"a head without objectness, as in YOLOv8: 2 levels of {told}"
    assert said(mean(proven + 1)).startswith(UNKNOWN)


NO_DISTANCES = {
    "objectness beside the box": maps(s8=(5, 2), s16=(5, 2)),
    "levels of different classes": maps(s8=(64, 2), s16=(64, 3)),
    "one level": maps(s8=(64, 2)),
}


@pytest.mark.parametrize("case", NO_DISTANCES)
def test_what_has_no_distances(case: str) -> None:
    assert said(NO_DISTANCES[case]).startswith(UNKNOWN)


def test_lists_and_pictures_are_no_detectors() -> None:
    pooled = heads({16: (7,)}, "p = GlobalAveragePool(m16_0)\ny = Identity(p)", "y")
    assert said(pooled) == "no detector: the output [1, 7, 1, 1] speaks of the whole image, as a classifier's does"
    large = heads({1: (2,)}, "y = Sigmoid(m1_0)", "y")
    assert said(large) == "no detector: the output [1, 2, 64, 96] speaks of each pixel, as in segmentation"
    listed = heads({8: (1,), 16: (1,)}, "a = Flatten(m8_0)\nb = Flatten(m16_0)\ny = Concat<axis=1>(a, b)", "y")
    assert said(listed).startswith(UNKNOWN), "the numbers of several grids, one after the other"


def test_a_file_holds_a_family_or_a_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "yolox" in {each.name for each in families()}
    assert {"classifier", "segmentation", "yolov5", "yolov8"} <= {each.name for each in foreign_kinds()}
    monkeypatch.setattr(family, "iter_modules", lambda path: [ModuleInfo(None, "core.proof", False)])  # type: ignore[arg-type]
    for found in (families, foreign_kinds):
        with pytest.raises(TypeError, match=r"postproc\.core\.proof must define FAMILY or FOREIGN"):
            found.__wrapped__()
