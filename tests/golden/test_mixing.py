"""Which layers deserve 16 bits is measured, and the budget is kept."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import ModelProto, numpy_helper

from icraft_adapt.golden.engine.oracle import Oracle
from icraft_adapt.golden.lower import lower
from icraft_adapt.golden.mixing import Unit, head_error, pick, rank, units
from icraft_adapt.golden.quantise import Quantiser
from icraft_adapt.golden.samples import collect
from icraft_adapt.golden.settings import Settings
from icraft_adapt.graph.model import Model
from icraft_adapt.graph.session import Session
from icraft_adapt.tests.golden.test_quantise import SILU, arithmetic, images, residual_network
from icraft_adapt.tests.rewrites.harness import network


def uneven_network() -> ModelProto:
    """The channels of the depthwise layer differ a hundredfold: 8 bits lose the quiet ones."""
    proto = residual_network()
    for tensor in proto.graph.initializer:
        if tensor.name in ("w1", "b1"):
            values = numpy_helper.to_array(tensor) * np.geomspace(0.01, 1, 8).reshape(-1, *[1] * (len(tensor.dims) - 1))
            tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float32), tensor.name))
        if tensor.name == "w2":
            values = (
                numpy_helper.to_array(tensor) / np.concatenate([np.ones(8), np.geomspace(0.01, 1, 8)])[:, None, None]
            )
            tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float32), tensor.name))
    return proto


def quantiser(proto: ModelProto) -> Quantiser:
    silu = [SILU] if any(node.op_type == "Sigmoid" for node in proto.graph.node) else []
    net = lower(Model.from_proto(proto, "net"), silu)
    return Quantiser(net, collect(proto, net, images(6), 6), arithmetic())


def test_a_unit_is_a_convolution_with_what_its_map_becomes() -> None:
    found = units(quantiser(residual_network()))
    assert found["z2"] == ("z2", "y2")
    assert found["y0"] == ("y0",)
    assert set(found) == {"y0", "y1", "r", "z2", "out"}  # c only lies side by side


def test_heads_are_one_unit_and_so_are_the_sums_that_stand_for_activations() -> None:
    found = units(quantiser(split_network()))
    assert found == {"z": ("z",), "t0": ("t0", "t1", "y"), "d": ("d",), "w": ("w",), "a": ("a", "b")}


def split_network() -> ModelProto:
    """An activation as a sum of two terms, a true residual sum behind it, and two heads, one of them transposed."""
    rng = np.random.default_rng(0)
    body = """
        z = Conv(x, w0)
        t0 = Conv<group=4>(z, w1)
        u1 = Conv<group=4>(z, w1)
        t1 = LeakyRelu<alpha=0.5>(u1)
        y = Add(t0, t1)
        d = Conv<kernel_shape=[1,1]>(y, w2)
        w = Add(y, d)
        a = Conv<kernel_shape=[1,1]>(w, w2)
        b = Conv<kernel_shape=[1,1]>(w, w2)
        back = Transpose<perm=[0,2,3,1]>(b)
    """
    shapes = {"w0": (4, 3, 2, 2), "w1": (4, 1, 1, 1), "w2": (4, 4, 1, 1)}
    weights = {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    return network("float[1,3,24,32] x", "a, back", body, **weights)


def test_the_layer_that_spoils_the_heads_comes_first_and_16_bits_there_help() -> None:
    proto = uneven_network()
    made = quantiser(proto)
    pictures = [(picture, Session(proto).run({"x": picture})) for picture in images(8)[6:]]
    ranked = rank(made, Oracle, pictures, Settings())
    assert sum(unit.macs for unit in ranked) == pytest.approx(1)
    assert [unit.loss for unit in ranked] == sorted((unit.loss for unit in ranked), reverse=True)
    best = ranked[0]
    plain = head_error(made.program(Settings()), Oracle, pictures)
    helped = head_error(made.program(Settings(mixed=dict.fromkeys(best.layers, 16))), Oracle, pictures)
    last = head_error(made.program(Settings(mixed=dict.fromkeys(ranked[-1].layers, 16))), Oracle, pictures)
    assert helped < plain
    assert helped < last


def test_a_program_made_twice_is_made_once() -> None:
    made = quantiser(residual_network())
    first, again = made.program(Settings()), made.program(Settings())
    assert all(one is other for one, other in zip(first.layers, again.layers, strict=True))
    mixed = made.program(Settings(mixed={"out": 16}))
    changed = [one.name for one, other in zip(first.layers, mixed.layers, strict=True) if one is not other]
    assert changed == ["out"]


def test_the_budget_is_kept_and_loss_per_mac_decides() -> None:
    ranked = [
        Unit("big", ("big", "big.act"), 0.5, 1.0),
        Unit("small", ("small",), 0.01, 0.5),
        Unit("fits", ("fits",), 0.1, 0.4),
        Unit("free", ("free",), 0.0, 0.0),
    ]
    assert pick(ranked, 0.2) == {"small": 16, "fits": 16}
    assert pick(ranked, 0.61) == {"small": 16, "fits": 16, "big": 16, "big.act": 16}
    assert pick(ranked, 0.0) == {}
