"""equalise_channels: powers of two between convolutions, bit for bit the same heads."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import ModelProto

from icraft_adapt.graph.model import Model
from icraft_adapt.graph.session import Session, with_outputs
from icraft_adapt.rewrites.core.rule import ChannelRange, Context
from icraft_adapt.rewrites.core.run import Applied, run
from icraft_adapt.rewrites.equalise_channels import RULE
from icraft_adapt.targets.loader import load_target
from icraft_adapt.tests.rewrites.harness import apply, network, weights

V1 = "icraft-v1.1"
UNEVEN = 10.0 ** np.linspace(-2, 2, 6)
BODY = """
    z = Conv<pads = [1, 1, 1, 1]>(x, w, b)
    a = LeakyRelu<alpha = 0.1>(z)
    d = Conv<pads = [1, 1, 1, 1], group = 6>(a, v)
    e = Relu(d)
    r = Add(a, e)
    m = MaxPool<kernel_shape = [2, 2], strides = [2, 2]>(r)
    n = MaxPool<kernel_shape = [2, 2], strides = [2, 2]>(a)
    c = Concat<axis = 1>(m, n)
    o = Conv(c, u)
"""


def uneven(body: str = BODY, outputs: str = "o") -> ModelProto:
    scale = UNEVEN.reshape(6, 1, 1, 1).astype(np.float32)
    constants = {"w": weights(6, 3, 3, 3) * scale, "b": weights(6, seed=1), "v": weights(6, 1, 3, 3, seed=2)}
    constants |= {"u": weights(4, 12, 1, 1, seed=3), "t": weights(4, 6, 1, 1, seed=4)}
    used = {name: values for name, values in constants.items() if f"{name})" in body or f"{name}," in body}
    return network("float[1,3,8,8] x", outputs, body, **used)


def measured(proto: ModelProto) -> dict[str, ChannelRange]:
    """The ranges of all maps on one noise image."""
    names = [node.output[0] for node in proto.graph.node]
    found = Session(with_outputs(proto, names)).run({"x": weights(1, 3, 8, 8, seed=9)})
    maps: dict[str, NDArray[np.float32]] = {name: found[name][0].reshape(found[name].shape[1], -1) for name in names}
    return {n: ChannelRange(np.abs(v).max(axis=1).astype(float), v.std(axis=1, dtype=float)) for n, v in maps.items()}


def applied(proto: ModelProto, ranges: dict[str, ChannelRange] | None = None) -> tuple[Applied, ModelProto]:
    model = Model.from_proto(proto, "model")
    steps = run(Context(model, load_target(V1), ranges=measured(proto) if ranges is None else ranges), [RULE])
    return steps, model.to_proto()


def test_the_heads_are_the_same_in_every_bit() -> None:
    proto = uneven()
    found = apply(RULE, proto, times=1, target=V1, ranges=measured(proto))
    feeds = {"x": weights(1, 3, 8, 8, seed=11)}
    np.testing.assert_array_equal(Session(found).run(feeds)["o"], Session(proto).run(feeds)["o"])


def test_afterwards_all_channels_reach_equally_far() -> None:
    proto = uneven()
    before = measured(proto)
    _, after = applied(proto)
    reached = {name: each.reach for name, each in measured(after).items()}
    assert before["z"].reach.max() / before["z"].reach.min() > 500
    z = next(reach for name, reach in reached.items() if name.startswith("z."))
    assert z.max() / z.min() < 12  # the residual sum shares its scale with both of its parts
    for name, reach in reached.items():
        if name != "o":
            assert reach.max() < 8 * 1.5, name


def test_new_maps_are_old_ones_scaled() -> None:
    proto = uneven()
    steps, after = applied(proto)
    feeds = {"x": weights(1, 3, 8, 8, seed=5)}
    origins = steps.steps[0].origins
    old = Session(with_outputs(proto, [origin.tensor for origin in origins.values()])).run(feeds)
    new = Session(with_outputs(after, list(origins))).run(feeds)
    assert {origin.tensor for origin in origins.values()} == set("zaderm") | {"n", "c"}
    for name, origin in origins.items():
        scaled = old[origin.tensor][:, origin.channels] * origin.scale.reshape(1, -1, 1, 1).astype(np.float32)
        np.testing.assert_array_equal(new[name], scaled)
        assert np.array_equal(np.exp2(np.round(np.log2(origin.scale))), origin.scale)


@pytest.mark.parametrize("between", ["s = Sigmoid(z) a = Mul(z, s)", "a = Clip(z, , six)", "s = Tanh(z) a = Add(s, z)"])
def test_what_does_not_scale_keeps_its_channels(between: str) -> None:
    body = f"z = Conv(x, w, b) {between} o = Conv(a, t)"
    proto = uneven(body) if "six" not in body else None
    if proto is None:
        scale = UNEVEN.reshape(6, 1, 1, 1).astype(np.float32)
        constants = {"w": weights(6, 3, 3, 3) * scale, "b": weights(6, seed=1), "t": weights(4, 6, 1, 1, seed=4)}
        proto = network("float[1,3,8,8] x", "o", body, six=6.0, **constants)
    steps, _ = applied(proto)
    assert not steps.steps


def test_nothing_happens_unmeasured_and_a_dead_channel_stays() -> None:
    proto = uneven()
    assert not applied(proto, {})[0].steps
    ranges = measured(proto)
    reach = ranges["z"].reach.copy()
    reach[2] = 0.0
    dead = {**ranges, "z": ChannelRange(reach, ranges["z"].deviation)}
    steps, _ = applied(proto, dead)
    scale = next(origin.scale for origin in steps.steps[0].origins.values() if origin.tensor == "z")
    assert scale[2] == 1
    assert (scale[[0, 1, 4, 5]] != 1).any()
