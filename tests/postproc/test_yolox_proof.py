"""Recognition on hand-made heads: every form is read, every fault is declined with the reason that names it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from icraft_adapt.errors import AdaptError, Exit
from icraft_adapt.postproc.core.proof import TOLERANCE, is_rearranged, shown_as
from icraft_adapt.tests.postproc.head_network import STRIDES, HeadNetwork, roles_of

RIGHT = [f"{role}{s}" for s in STRIDES for role in ("obj", "reg", "cls")]
FORMS = [(s, d, layout) for s in (True, False) for d in (True, False) for layout in ("flat", "maps", "raw")]


def declined(net: HeadNetwork) -> str:
    """The one line with which recognition declines, exit 3."""
    with pytest.raises(AdaptError) as caught:
        net.read()
    assert caught.value.code == Exit.UNSUPPORTED
    line = str(caught.value)
    assert line.count("net: ") == 1
    assert "\n" not in line
    return line


@pytest.mark.parametrize("classes", [1, 3, 4, 80])
@pytest.mark.parametrize(("sigmoid", "decode", "layout"), [form for form in FORMS if not form[1] or form[2] == "flat"])
def test_every_form_is_read_with_the_right_roles(sigmoid: bool, decode: bool, layout: str, classes: int) -> None:
    reading = HeadNetwork(classes, sigmoid=sigmoid, decode=decode, layout=layout).read()
    exposed = [f"p{name}" if layout == "raw" and not (sigmoid and "reg" not in name) else name for name in RIGHT]
    assert [name.removeprefix("p") for name in roles_of(reading)] == [name.removeprefix("p") for name in exposed]
    assert (reading.classes, reading.sigmoid_inside, reading.decoded_inside) == (classes, sigmoid, decode)
    assert [level.grid for level in reading.levels] == [(8, 12), (4, 6), (2, 3)]
    assert 0 <= reading.proof_max_abs < 1e-3


def test_a_level_of_a_single_cell_is_proven() -> None:
    for decode in (True, False):
        net = HeadNetwork(1, decode=decode)
        net.size = (32, 32)
        assert [level.grid for level in net.read().levels] == [(4, 4), (2, 2), (1, 1)]


@pytest.mark.parametrize("weight", ["wobj16", "wcls8", "wreg32"])
def test_a_dead_role_is_read_right_and_its_faults_are_seen(weight: str) -> None:
    """Weights of zero make a constant map in use, but the proof feeds the tail itself."""
    net, s = HeadNetwork(2), weight[4:]
    net.dead.add(weight)
    assert roles_of(net.read()) == RIGHT
    net.change(f"preg{s}, pobj{s}, pcls{s}", f"preg{s}, pcls{s}, pobj{s}")
    assert "neither raw nor" in declined(net)


FAULTS: dict[str, tuple[dict[str, Any], list[tuple[str, str]], str]] = {
    "box channels permuted": (
        {},
        [("preg16 = Identity(reg16)", "x, y, w, h = Split<axis=1>(reg16)\npreg16 = Concat<axis=1>(y, x, w, h)")],
        "stride 16: the output shows the box map neither raw nor decoded",
    ),
    "scores scaled": (
        {},
        [("pcls8 = Sigmoid(cls8)", "likely8 = Sigmoid(cls8)\npcls8 = Mul(likely8, half)")],
        "stride 8: the output shows the class map neither raw nor through a sigmoid, off by",
    ),
    "logits scaled": (
        {},
        [("pobj32 = Sigmoid(obj32)", "less32 = Mul(obj32, half)\npobj32 = Sigmoid(less32)")],
        "stride 32: the output shows the objectness map neither raw nor through a sigmoid",
    ),
    "scores multiplied": (
        {},
        [("pcls8 = Sigmoid(cls8)", "likely8 = Sigmoid(cls8)\npcls8 = Mul(likely8, pobj8)")],
        "stride 8: the output shows the class map neither",
    ),
    "a sigmoid on objectness only": (
        {},
        [(f"pcls{s} = Sigmoid", f"pcls{s} = Identity") for s in STRIDES],
        "only one passes a sigmoid",
    ),
    "a sigmoid on one level only": (
        {},
        [(f"p{role}16 = Sigmoid", f"p{role}16 = Identity") for role in ("obj", "cls")],
        "the levels disagree",
    ),
    "cells off by half": (
        {"decode": True},
        [("at8 = Add(xy8, cell8)", "there8 = Add(xy8, half)\nat8 = Add(there8, cell8)")],
        "stride 8: the output shows the box map neither raw nor decoded",
    ),
    "a stride for another": (
        {"decode": True},
        [("Mul(cells8, stride8)", "Mul(cells8, stride16)")],
        "stride 8: the output shows the box map neither raw nor decoded",
    ),
    "levels in another order": (
        {},
        [("(flat8, flat16, flat32)", "(flat32, flat16, flat8)")],
        "levels out of order",
    ),
    "decoded levels in another order": (
        {"decode": True},
        [("(flat8, flat16, flat32)", "(flat8, flat32, flat16)")],
        "levels out of order",
    ),
    "cells down the columns": (
        {},
        [("flat8 = Reshape(map8, flat)", "t8 = Transpose<perm=[0,1,3,2]>(map8)\nflat8 = Reshape(t8, flat)")],
        "in other cells",
    ),
    "rows for columns": ({}, [("perm=[0,2,1]", "perm=[0,1,2]")], "[1, 8, 126] is transposed"),
    "cells left out": (
        {},
        [("all = ", "half32, rest = Split<axis=2>(flat32)\nall = "), ("flat16, flat32)", "flat16, half32)")],
        "has 123 rows, where",
    ),
    "not one list": (
        {},
        [("output = Transpose<perm=[0,2,1]>(all)", "output = Transpose<perm=[1,2,0]>(all)")],
        "outputs of the shapes [8, 126, 1] are neither",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_of_the_tail_are_declined_with_the_reason(fault: str) -> None:
    form, changes, reason = FAULTS[fault]
    net = HeadNetwork(**form)
    for old, new in changes:
        net.change(old, new)
    assert reason in declined(net)


@pytest.mark.parametrize("sigmoid", [True, False])
@pytest.mark.parametrize("levels", [STRIDES, STRIDES[:1]])
def test_objectness_and_class_swapped_in_the_tail_at_one_class(sigmoid: bool, levels: tuple[int, ...]) -> None:
    """The numbers alone fit the swapped roles: it is provenance that contradicts."""
    net = HeadNetwork(1, sigmoid=sigmoid)
    for s in levels:
        net.change(f"preg{s}, pobj{s}, pcls{s}", f"preg{s}, pcls{s}, pobj{s}")
    assert "swapped?" in declined(net)


def test_without_two_branches_the_place_in_the_output_decides() -> None:
    net = HeadNetwork(1)
    for s in STRIDES:
        net.change(f"Conv(c{s}, wcls{s})", f"Conv(b{s}, wcls{s})")
    assert roles_of(net.read()) == RIGHT
    raw = HeadNetwork(1, layout="raw")
    for s in STRIDES:
        raw.change(f"Conv(c{s}, wcls{s})", f"Conv(b{s}, wcls{s})")
    assert "can both be the objectness map" in declined(raw)


def with_key_points(layout: str, channels: int, branch: str = "b", **form: bool) -> HeadNetwork:
    """A fourth map per level, last in the output."""
    net = HeadNetwork(1, layout=layout, **form)
    net.channels["kpt"] = channels
    for s in STRIDES:
        net.change(f"cls{s} = Conv(", f"kpt{s} = Conv({branch}{s}, wkpt{s})\ncls{s} = Conv(")
        if layout == "raw":
            net.outputs.append(f"kpt{s}")
        else:
            net.change(f"pobj{s}, pcls{s})", f"pobj{s}, pcls{s}, kpt{s})")
    return net


@pytest.mark.parametrize("layout", ["flat", "maps", "raw"])
@pytest.mark.parametrize("channels", [1, 2, 10])
@pytest.mark.parametrize("sigmoid", [True, False])
def test_key_points_are_extra_and_never_classes(layout: str, channels: int, sigmoid: bool) -> None:
    net = with_key_points(layout, channels, sigmoid=sigmoid)
    if (layout, channels, sigmoid) == ("raw", 1, False):
        assert "can both be the objectness map" in declined(net)
        return
    reading = net.read()
    assert [name.removeprefix("p") for name in roles_of(reading)] == RIGHT
    assert [level.extra for level in reading.levels] == [(("extra", f"kpt{s}"),) for s in STRIDES]
    assert [output for _, output in reading.outputs()][3::4] == ["extra_s8", "extra_s16", "extra_s32"]


def test_two_maps_that_fit_equally_are_declined_by_name() -> None:
    line = declined(with_key_points("raw", 4))
    assert "kpt8 and reg8 can both be the box map" in line


def test_shapes_that_are_no_detector_say_why() -> None:
    net = HeadNetwork()
    net.channels["reg"] = 5
    assert "maps of 1, 3, 5 channels are no objectness (1), box (4) and classes" in declined(net)
    odd = HeadNetwork()
    odd.size = (72, 96)
    assert "is no grid over an image of 72x96" in declined(odd)


def test_tolerance_is_a_share_of_the_role_and_blindness_proves_nothing() -> None:
    raw = np.random.default_rng(0).uniform(-3, 3, (2, 50, 4)).astype(np.float32)
    spread = float(np.ptp(raw))
    assert shown_as(raw + np.float32(0.5 * TOLERANCE * spread), (raw, 9 * raw)).holds
    assert not shown_as(raw + np.float32(2 * TOLERANCE * spread), (raw, 9 * raw)).holds
    assert shown_as(9 * raw, (raw, 9 * raw)).inside
    one_wrong = raw.copy()
    one_wrong[1, 49, 3] = np.nan
    assert not shown_as(one_wrong, (raw, 9 * raw)).holds
    flat = np.full_like(raw, 0.25)
    assert not shown_as(flat, (flat, flat)).holds, "equal constants prove nothing"
    assert not shown_as(None, (raw, raw)).holds
    assert not shown_as(raw[:, :49], (raw, raw)).holds


def test_rearranged_means_the_same_values_elsewhere() -> None:
    levels = [np.random.default_rng(n).uniform(size=(2, n, 1)).astype(np.float32) for n in (6, 3)]
    assert is_rearranged([levels[0][:, ::-1], levels[1]], levels)
    assert not is_rearranged([levels[0] + np.float32(0.1), levels[1]], levels)
    assert not is_rearranged(levels[:1], levels)
