"""From float networks to integers: within the hardware's ranges, and close to what the float network computes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx import ModelProto

from icraft_adapt.golden.engine.oracle import Oracle
from icraft_adapt.golden.engine.protocol import decode_map, encode_image
from icraft_adapt.golden.lower import Activation, lower
from icraft_adapt.golden.network import Curve, Network
from icraft_adapt.golden.normratio import aware_threshold, ems_threshold, kld_threshold, largest
from icraft_adapt.golden.program import Convolution, Program
from icraft_adapt.golden.quantise import quantise
from icraft_adapt.golden.samples import CELLS, Samples, collect
from icraft_adapt.golden.scales import Sizes, fix
from icraft_adapt.golden.settings import Image, Settings
from icraft_adapt.graph.model import Model
from icraft_adapt.graph.session import Session
from icraft_adapt.targets.arithmetic import Arithmetic
from icraft_adapt.targets.loader import load_target
from icraft_adapt.tests.rewrites.harness import network

Values = NDArray[np.float32]


def arithmetic() -> Arithmetic:
    found = load_target("icraft-v1.1").arithmetic
    assert found is not None
    return found


def residual_network(seed: int = 0) -> ModelProto:
    """A stride, a fused leaky, a depthwise layer, a residual sum, a concat, a table and a raw head."""
    rng = np.random.default_rng(seed)

    def conv(o: int, i: int, k: int) -> NDArray[np.float32]:
        return np.asarray(rng.normal(size=(o, i, k, k)) / np.sqrt(i * k * k), np.float32)

    body = """
        z0 = Conv<kernel_shape=[2,2], strides=[2,2]>(x, w0, b0)
        y0 = LeakyRelu<alpha=0.1>(z0)
        z1 = Conv<kernel_shape=[3,3], pads=[1,1,1,1], group=8>(y0, w1, b1)
        y1 = LeakyRelu<alpha=0.1>(z1)
        r = Add(y0, y1)
        c = Concat<axis=1>(y0, r)
        z2 = Conv<kernel_shape=[1,1]>(c, w2, b2)
        s = Sigmoid(z2)
        y2 = Mul(z2, s)
        out = Conv<kernel_shape=[1,1]>(y2, w3, b3)
    """
    constants = {"w0": conv(8, 3, 2), "w1": conv(8, 1, 3), "w2": conv(8, 16, 1), "w3": conv(5, 8, 1)}
    sizes = [len(weight) for weight in constants.values()]
    constants |= {f"b{i}": np.asarray(rng.normal(size=size) / 2, np.float32) for i, size in enumerate(sizes)}
    return network("float[1,3,24,32] x", "out", body, **constants)


SILU = Activation("z2", "y2", Curve("silu", lambda x: x / (1 + np.exp(-x))))


def images(count: int, scale: float = 1.0) -> list[Values]:
    rng = np.random.default_rng(7)
    return [(rng.normal(size=(1, 3, 24, 32)) * scale).astype(np.float32) for _ in range(count)]


def prepared(proto: ModelProto, pictures: list[Values]) -> tuple[Network, Samples]:
    net = lower(Model.from_proto(proto, "net"), [SILU])
    return net, collect(proto, net, pictures, len(pictures))


def signal_to_noise(proto: ModelProto, program: Program, picture: Values) -> float:
    """In dB, at the head, over a picture that nobody calibrated with."""
    truth = Session(proto).run({"x": picture})["out"]
    image = program.input
    codes = encode_image(picture, image, program.code_max(image.format.bits))
    found = decode_map(Oracle(program).run(codes).maps["out"], program.formats()["out"].normratios)
    return float(10 * np.log10(truth.var() / np.square(truth - found).mean()))


@pytest.mark.parametrize(
    ("bits", "method", "least"),
    [(16, "null", 75), (16, "aware", 75), (8, "aware", 27), (8, "ems", 27), (8, "null", 24), (8, "kld", 20)],
)
def test_the_program_computes_what_the_network_computes(bits: int, method: str, least: float) -> None:
    proto = residual_network()
    net, samples = prepared(proto, images(8))
    program = quantise(net, samples, arithmetic(), Settings(bits=bits, saturation=method))
    assert signal_to_noise(proto, program, images(9)[8]) > least


def test_sixteen_bits_in_part_of_the_network_help() -> None:
    proto = residual_network()
    net, samples = prepared(proto, images(8))
    picture = images(9)[8]
    wide = {layer.name: 16 for layer in net.layers}
    alone = signal_to_noise(proto, quantise(net, samples, arithmetic(), Settings()), picture)
    first = dict.fromkeys(("y0", "y1"), 16)
    some = signal_to_noise(proto, quantise(net, samples, arithmetic(), Settings(mixed=first)), picture)
    last = dict.fromkeys(("z2", "y2", "out"), 16)
    others = signal_to_noise(proto, quantise(net, samples, arithmetic(), Settings(mixed=last)), picture)
    every = signal_to_noise(proto, quantise(net, samples, arithmetic(), Settings(mixed=wide)), picture)
    assert alone < some < every
    assert alone < others < every


def test_everything_stays_in_the_ranges_of_the_hardware() -> None:
    rules = arithmetic()
    for bits, width in rules.widths.items():
        net, samples = prepared(residual_network(1), images(4, 3.0))
        program = quantise(net, samples, rules, Settings(bits=bits))
        for layer in program.layers:
            epilogue = getattr(layer.operator, "epilogue", None)
            if epilogue is None:
                continue
            assert 0 <= epilogue.multiplier.min() <= epilogue.multiplier.max() <= width.multiplier_max
            assert 0 <= epilogue.negative.min() <= epilogue.negative.max() <= width.multiplier_max
            assert width.shift_min <= epilogue.shift.min() <= epilogue.shift.max() <= width.shift_max
            assert np.abs(epilogue.bias).max() < 2 ** (width.bias_bits - 1)
            assert epilogue.first_cut is None or 0 <= epilogue.first_cut <= rules.first_cut_max
            if isinstance(layer.operator, Convolution):
                assert np.abs(layer.operator.weight).max() <= width.code_max


def test_the_images_shift_is_made_up_for_in_the_first_bias() -> None:
    proto = residual_network()
    rng = np.random.default_rng(1)
    pictures = [rng.integers(0, 256, (1, 3, 24, 32)).astype(np.float32) for _ in range(4)]
    mean, scale = np.array([123.7, 116.3, 103.5]), np.array([58.4, 57.1, 57.4])
    feeds = [((p - mean.reshape(1, 3, 1, 1)) / scale.reshape(1, 3, 1, 1)).astype(np.float32) for p in pictures]
    net, samples = prepared(proto, feeds)
    program = quantise(net, samples, arithmetic(), Settings(bits=16), Image(mean, scale))
    np.testing.assert_allclose(program.input.shift, (128 - mean) / scale)
    inverse = 1024 / program.input.format.normratios
    np.testing.assert_allclose(inverse, np.round(inverse))  # the image maker's constraint
    assert signal_to_noise(proto, program, feeds[0]) > 75


def test_an_image_that_is_padded_at_once_is_not_shifted() -> None:
    proto = network(
        "float[1,3,8,8] x",
        "y",
        "y = Conv<kernel_shape=[3,3], pads=[1,1,1,1]>(x, w)",
        w=np.ones((2, 3, 3, 3), np.float32),
    )
    net = lower(Model.from_proto(proto, "net"), [])
    samples = collect(proto, net, [np.full((1, 3, 8, 8), 200, np.float32)], 1)
    program = quantise(net, samples, arithmetic(), Settings(), Image(np.zeros(3), np.ones(3)))
    assert not program.input.shift.any()


def test_samples_do_not_grow_with_the_number_of_images() -> None:
    proto = residual_network()
    _, few = prepared(proto, images(2))
    _, many = prepared(proto, images(60))
    for name, values in many.recorded.items():
        assert values.shape[1] <= max(CELLS * 1.1, 60 + 2) + 60, name
    assert few.recorded["x"].shape[0] == 3
    # an activation's branches are worked out, not recorded
    assert "y2" not in many.recorded
    np.testing.assert_allclose(many.of("y2"), SILU.curve.function(many.of("z2").astype(np.float64)), rtol=1e-5)
    assert many.offspring("z2") == "y2"


def test_samples_are_values_of_the_network_and_hold_its_extremes() -> None:
    proto = residual_network()
    pictures = images(3)
    _, samples = prepared(proto, pictures)
    truth = np.concatenate([Session(proto).run({"x": p})["out"].reshape(5, -1) for p in pictures], axis=1)
    found = samples.of("out")
    for channel in range(5):
        assert np.isin(found[channel], truth[channel]).all()
    np.testing.assert_array_equal(found.max(axis=1), truth.max(axis=1))
    np.testing.assert_array_equal(found.min(axis=1), truth.min(axis=1))


def test_the_same_images_give_the_same_program() -> None:
    proto = residual_network()
    first, second = (quantise(*prepared(proto, images(5)), arithmetic(), Settings()) for _ in range(2))
    for one, other in zip(first.layers, second.layers, strict=True):
        np.testing.assert_array_equal(one.format.normratios, other.format.normratios)
        if isinstance(one.operator, Convolution):
            np.testing.assert_array_equal(one.operator.weight, other.operator.weight)


def test_thresholds() -> None:
    rng = np.random.default_rng(0)
    normal = rng.normal(size=(4, 4096)).astype(np.float32)
    outlier = normal.copy()
    outlier[0, 0] = 20
    calibration = arithmetic().calibration
    assert largest(outlier) == 20
    assert kld_threshold(outlier, calibration) < 8
    assert 2 < ems_threshold(outlier, 7) < 8
    assert ems_threshold(normal, 32767) == pytest.approx(largest(normal), rel=0.2)
    assert kld_threshold(np.zeros((2, 8), np.float32), calibration) == 0


def test_aware_looks_behind_the_activation_and_at_each_channel() -> None:
    rng = np.random.default_rng(0)
    loud = rng.normal(size=(1, 4096)).astype(np.float32) * 50
    quiet = rng.normal(size=(7, 4096)).astype(np.float32)
    values = np.concatenate([loud, quiet])
    assert aware_threshold(values, 127, lambda x: x) < ems_threshold(values, 127)
    negative = -np.abs(loud)

    def gone(x: Values) -> Values:
        return np.maximum(x, np.float32(-1))

    assert aware_threshold(np.concatenate([negative, quiet]), 127, gone) < 8


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([8, 16]), st.booleans(), st.sampled_from([1.0, 0.1, 0.0, 1.7]))
def test_weights_and_biases_are_the_nearest_that_can_be_held(seed: int, bits: int, cuts: bool, slope: float) -> None:
    rng = np.random.default_rng(seed)
    rules = arithmetic()
    inputs = int(rng.integers(1, 40))
    weight = rng.normal(size=(6, inputs, 1, 1)) * 10.0 ** rng.uniform(-2.5, -0.5, (6, 1, 1, 1))
    bias = rng.normal(size=6) * 20
    code_max = rules.widths[bits].code_max
    sizes = Sizes(np.full(inputs, (code_max / 4) ** 2), np.full(6, float(code_max)))
    fixed = fix(weight, bias, sizes, replace(rules, cut_rounding="half_up"), bits=bits, slope=slope, two_cuts=cuts)
    held = fixed.weight * fixed.step[:, None, None, None]
    inside = np.abs(fixed.weight) < code_max
    assert np.abs(held - weight)[inside].max(initial=0) <= fixed.step.max() / 2 * (1 + 1e-9)
    unit = np.ldexp(fixed.epilogue.multiplier.astype(float), -fixed.epilogue.shift)
    assert np.abs(fixed.epilogue.bias * unit - bias).max() <= unit.max() * 0.5001
    if slope == 0.1 and bits == 8 and cuts:  # a slope of .1 comes out well, for .05 of the step
        assert np.abs(fixed.epilogue.negative / fixed.epilogue.multiplier / slope - 1).max() < 0.02
