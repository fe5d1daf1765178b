"""split_by_range: channels of like range go together, and the network stays the same."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import ModelProto, numpy_helper

from icraft_adapt.graph.model import Model
from icraft_adapt.rewrites.core.grouping import grouped
from icraft_adapt.rewrites.core.rule import ChannelRange, Context
from icraft_adapt.rewrites.core.run import run
from icraft_adapt.rewrites.split_by_range import RULE
from icraft_adapt.targets.loader import load_target
from icraft_adapt.tests.rewrites.harness import BUYI, apply, network, operators, weights

LOUD = np.array([100.0, 0.1, 90.0, 0.12, 80.0, 0.09])
STEM = "z = Conv<pads = [1, 1, 1, 1]>(x, w, b) s = Sigmoid(z) y = Mul(z, s)"
CHAIN = f"{STEM} d = Conv<group = 6>(y, v) r = Relu(d)"


def of(reach: NDArray[np.float64]) -> ChannelRange:
    return ChannelRange(reach, reach / 3)


def stem(body: str, outputs: str = "o, p") -> ModelProto:
    constants = {"w": weights(6, 3, 3, 3), "b": weights(6, seed=1), "u": weights(4, 6, 1, 1, seed=2)}
    constants |= {"q": weights(5, 6, 1, 1, seed=3), "v": weights(6, 1, 3, 3, seed=4)}
    used = {name: values for name, values in constants.items() if f"{name})" in body or f"{name}," in body}
    return network("float[1,3,8,8] x", outputs, body, **used)


def test_a_stem_and_its_activation_are_split_and_joined_before_their_readers() -> None:
    proto = stem(f"{STEM} o = Conv(y, u) p = Conv(y, q)")
    found = apply(RULE, proto, times=1, ranges={"z": of(LOUD), "y": of(LOUD)})
    assert sorted(operators(found)) == sorted(["Conv", "Sigmoid", "Mul"] * 2 + ["Concat", "Conv", "Conv"])
    shapes = {tensor.name: tensor.dims for tensor in found.graph.initializer}
    assert sorted(dims[0] for name, dims in shapes.items() if name.endswith(".weight")) == [3, 3, 4, 5]


def test_a_depthwise_convolution_and_what_follows_it_go_along() -> None:
    proto = stem(f"{CHAIN} o = Conv(r, u) p = Conv(r, q)")
    found = apply(RULE, proto, times=1, ranges={name: of(LOUD) for name in "zydr"})
    assert operators(found).count("Conv") == 2 * 2 + 2
    assert operators(found).count("Concat") == 1
    groups = [a.i for node in found.graph.node for a in node.attribute if a.name == "group" and a.i > 1]
    assert groups == [3, 3]


@pytest.mark.parametrize(
    ("body", "outputs", "ranges"),
    [
        (f"{STEM} o = Conv(y, u) p = Conv(y, q)", "o, p", {}),  # nothing was measured
        (f"{STEM} o = Conv(y, u) p = Conv(y, q)", "o, p", {"z": of(LOUD)}),  # not all of it was
        (f"{STEM} o = Conv(y, u) p = Conv(y, q)", "o, p", {n: of(np.ones(6)) for n in "zy"}),  # all alike
        (f"{STEM} o = Conv(y, u) p = Relu(y)", "o, p", {n: of(LOUD) for n in "zyo"}),  # a reader that is no Conv
        (f"{STEM} o = Conv(y, u)", "y, o", {n: of(LOUD) for n in "zy"}),  # an output
        (f"{STEM} c = Concat<axis = 1>(y, z) o = Relu(c)", "o", {n: of(LOUD) for n in "zy"}),
    ],
)
def test_stays_silent(body: str, outputs: str, ranges: dict[str, ChannelRange]) -> None:
    model = Model.from_proto(stem(body, outputs), "model")
    applied = run(Context(model, load_target(BUYI), ranges=ranges), [RULE])
    assert not applied.steps


def test_the_new_maps_say_where_they_come_from() -> None:
    proto = stem(f"{STEM} o = Conv(y, u) p = Conv(y, q)")
    model = Model.from_proto(proto, "model")
    (step,) = run(Context(model, load_target(BUYI), ranges={"z": of(LOUD), "y": of(LOUD)}), [RULE]).steps
    origins = step.origins
    assert {origin.tensor for origin in origins.values()} == {"z", "s", "y"}
    joined = next(origin for name, origin in origins.items() if name.startswith("y.joined"))
    assert sorted(joined.channels.tolist()) == [0, 1, 2, 3, 4, 5]
    after = {t.name: numpy_helper.to_array(t) for t in model.to_proto().graph.initializer}
    before = {t.name: numpy_helper.to_array(t) for t in proto.graph.initializer}
    np.testing.assert_array_equal(after["o.weight"], before["u"][:, joined.channels])
    for name, origin in origins.items():
        if origin.tensor == "z":
            index = name.split(".")[1]
            np.testing.assert_array_equal(after[f"z.{index}.weight"], before["w"][origin.channels])


def test_groups_are_the_best_there_are() -> None:
    rng = np.random.default_rng(5)
    for _ in range(20):
        reach = np.sort(10 ** rng.uniform(-2, 2, 7))
        deviation = reach * rng.uniform(0.1, 0.5, 7)
        ranges = [ChannelRange(reach, deviation)]

        def noise(groups: list[list[int]]) -> float:
            return sum(((reach[g].max() / 127) ** 2 / 12 / deviation[g] ** 2).sum() for g in groups)  # noqa: B023

        for most in (1, 2, 3):
            least = min(
                noise([list(range(a, b)) for a, b in itertools.pairwise((0, *cut, 7))])
                for cut in itertools.combinations(range(1, 7), most - 1)
            )
            found, groups = grouped(ranges, most)[-1]
            assert found == pytest.approx(least)
            assert noise([group.tolist() for group in groups]) == pytest.approx(least)
