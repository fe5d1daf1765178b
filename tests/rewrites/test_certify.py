"""Certification of the main job: what is right passes, and each mistake seeded is found where it was made."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from icraft_adapt.errors import AdaptError, Exit
from icraft_adapt.graph.model import Model
from icraft_adapt.graph.nodes import Node
from icraft_adapt.models.yolox import OutputForm
from icraft_adapt.postproc.core.family import recognise
from icraft_adapt.rewrites import fold_batchnorm, fold_pad, merge_clip, upsample_to_resize
from icraft_adapt.rewrites.core.rule import Certificate, Context
from icraft_adapt.tests.exports import exported
from icraft_adapt.tests.rewrites.harness import network, weights
from icraft_adapt.tests.rewrites.seeding import (
    NANO,
    SMALL,
    Journey,
    against,
    detector,
    failed,
    maker,
    noise,
    rewritten,
    spoil,
    stored,
    values_of,
)


@pytest.mark.parametrize("mode", ["pwl", "leaky", "keep"])
@pytest.mark.parametrize("exporter", ["torchscript", "dynamo"])
def test_the_main_job_is_certified(tmp_path: Path, exporter: str, mode: str) -> None:
    target = "icraft-v3-buyi" if mode == "keep" else "icraft-v1.1"
    journey, _ = detector(tmp_path, mode, target=target, exporter=exporter)  # type: ignore[arg-type]
    certified = journey.certify()
    assert certified.failures == ()
    kinds = {site.certificate for site in certified.sites}
    weakest = {"pwl": Certificate.APPROXIMATE, "leaky": Certificate.FUNCTION_CHANGING, "keep": Certificate.EXACT}
    assert weakest[mode] in kinds
    fits = [sites for step, sites in zip(journey.steps, certified.by_step, strict=True) if step.fit is not None]
    assert all(len(sites) == 1 for sites in fits)
    assert bool(fits) is (mode != "keep")


@pytest.mark.parametrize("opset", range(11, 18))
def test_every_opset(tmp_path: Path, opset: int) -> None:
    journey, _ = detector(tmp_path, config=SMALL, opset=opset)
    certified = journey.certify()
    assert certified.sites
    assert certified.failures == ()


def test_the_same_network_has_no_sites(tmp_path: Path) -> None:
    journey, _ = detector(tmp_path)
    same = against(journey.original, Model.from_proto(journey.original, "model").to_proto())
    assert same.certify().sites == ()


def test_focus_phases_swapped(tmp_path: Path) -> None:
    journey, _ = detector(tmp_path)
    conv = journey.adapted.graph.node[0]
    kernel = values_of(journey.adapted, conv.input[1])
    spoil(journey.adapted, conv.input[1], kernel[[3, 4, 5, 0, 1, 2, *range(6, 12)]])
    assert failed(journey.certify()) == list(conv.output)


def test_obj_and_cls_swapped_at_one_class(tmp_path: Path) -> None:
    journey, reading = detector(tmp_path)
    first = reading.levels[0]
    swapped = dict(journey.renamed) | {"obj_s8": first.cls, "cls_s8": first.obj}
    assert sorted(failed(replace(journey, renamed=swapped).certify())) == sorted([first.cls, first.obj])


def test_the_proof_refuses_obj_and_cls_swapped(tmp_path: Path) -> None:
    """The tail of a network of one class, its Concat written as if the score were the class: the values alone fit."""
    _, reading = detector(tmp_path)
    proto = onnx.load_from_string(exported(NANO, OutputForm()))
    first = reading.levels[0]
    scores = {node.input[0]: node.output[0] for node in proto.graph.node if node.op_type == "Sigmoid"}
    obj, cls = scores[first.obj], scores[first.cls]
    concat = next(node for node in proto.graph.node if node.op_type == "Concat" and {obj, cls} <= set(node.input))
    concat.input[:] = [{obj: cls, cls: obj}.get(name, name) for name in concat.input]
    path = tmp_path / "swapped.onnx"
    onnx.save(proto, path)
    with pytest.raises(AdaptError, match="swapped") as caught:
        recognise_file(path)
    assert caught.value.code == Exit.UNSUPPORTED


def recognise_file(path: Path) -> None:
    from icraft_adapt.graph.load import load_static

    original = load_static(path)
    recognise(Model.from_proto(original, "swapped"), original)


@pytest.mark.parametrize(("role", "channels"), [("reg", [1, 0, 2, 3]), ("reg", [0, 1, 3, 2])])
def test_head_channels_permuted(tmp_path: Path, role: str, channels: list[int]) -> None:
    journey, reading = detector(tmp_path)
    conv = maker(journey.adapted, f"{role}_s16")
    for name in conv.input[1:]:
        spoil(journey.adapted, name, values_of(journey.adapted, name)[channels])
    assert failed(journey.certify()) == [dict(reading.levels[1].roles)[role]]


def test_weights_of_obj_and_cls_swapped(tmp_path: Path) -> None:
    journey, reading = detector(tmp_path)
    obj, cls = (maker(journey.adapted, name) for name in ("obj_s8", "cls_s8"))
    obj.input[1:], cls.input[1:] = list(cls.input[1:]), list(obj.input[1:])
    assert sorted(failed(journey.certify())) == sorted([reading.levels[0].obj, reading.levels[0].cls])


@pytest.mark.parametrize("which", ["weight", "bias"])
def test_a_constant_changed_by_no_step(tmp_path: Path, which: str) -> None:
    journey, _ = detector(tmp_path)
    convs = [node for node in journey.adapted.graph.node if node.op_type == "Conv" and len(node.input) == 3]
    conv = next(node for node in convs if stored(journey.original, node.input[1]).name == node.input[1])
    name = conv.input[1 if which == "weight" else 2]
    spoil(journey.adapted, name, values_of(journey.adapted, name) + np.float32(0.01))
    certified = journey.certify()
    assert failed(certified) == list(conv.output)
    assert certified.failures[0].certificate == Certificate.EXACT


def fitted_terms(journey: Journey, index: int) -> list[onnx.NodeProto]:
    """The convolutions of the terms of one fitted activation."""
    site = [step for step in journey.steps if step.fit is not None][index].sites[0]
    found = [node for node in journey.adapted.graph.node if node.output[0].startswith(f"{site}.h")]
    return [node for node in found if node.op_type == "Conv"]


@pytest.mark.parametrize("shift", [0.3, 3e-3])
def test_the_bias_of_one_channel_of_one_term(tmp_path: Path, shift: float) -> None:
    """Also where it hides inside the error that the fit has anyway."""
    journey, _ = detector(tmp_path)
    name = fitted_terms(journey, 5)[1].input[2]
    bias = values_of(journey.adapted, name)
    bias[-1] += shift
    spoil(journey.adapted, name, bias)
    site = [step for step in journey.steps if step.fit is not None][5].sites[0]
    assert failed(journey.certify()) == [site]


def test_the_slopes_of_two_terms_swapped(tmp_path: Path) -> None:
    journey, _ = detector(tmp_path)
    step = [step for step in journey.steps if step.fit is not None][2]
    bent = [
        node
        for node in journey.adapted.graph.node
        if node.op_type == "LeakyRelu" and node.output[0].startswith(f"{step.sites[0]}.h")
    ]
    slopes = [node.attribute[0].f for node in bent]
    assert len(set(slopes)) > 1
    for node, slope in zip(bent, reversed(slopes), strict=True):
        node.attribute[0].f = slope
    assert failed(journey.certify()) == list(step.sites)


def test_a_plain_leaky_relu_of_another_slope(tmp_path: Path) -> None:
    journey, _ = detector(tmp_path, "leaky")
    node = next(node for node in journey.adapted.graph.node if node.op_type == "LeakyRelu")
    node.attribute[0].f += 1e-3
    assert failed(journey.certify()) == list(node.output)


def test_something_else_hides_in_a_fitted_site(tmp_path: Path) -> None:
    """A fit excuses the elementwise function of its input only, not what else is done on the way."""
    journey, _ = detector(tmp_path)
    terms = fitted_terms(journey, 5)
    source = terms[0].input[0]
    pool = onnx.helper.make_node(
        "AveragePool", [source], ["blurred"], kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[1, 1]
    )
    place = list(journey.adapted.graph.node).index(terms[0])
    journey.adapted.graph.node.insert(place, pool)
    terms = fitted_terms(journey, 5)
    terms[0].input[0] = "blurred"
    assert failed(journey.certify()) == [[step for step in journey.steps if step.fit is not None][5].sites[0]]


def test_an_interval_merged_wrongly() -> None:
    body = "a = Clip(x, low, high) y = Clip(a, zero, six)"
    bounds = {"low": -3.0, "high": 2.0, "zero": 0.0, "six": 6.0}
    constants: dict[str, Any] = {name: np.float32(value) for name, value in bounds.items()}
    journey = rewritten(network("float[1,3,16,8] x", "y", body, **constants), merge_clip.RULE)
    assert journey.certify().failures == ()
    spoil(journey.adapted, maker(journey.adapted, "y").input[2], np.array(2.01, np.float32))
    assert failed(journey.certify()) == ["y"]


def test_a_normalisation_folded_without_its_epsilon() -> None:
    rng = np.random.default_rng(3)
    statistics: dict[str, Any] = {
        name: rng.uniform(0.1, 1, 4).astype(np.float32) for name in ("scale", "shift", "mean", "variance")
    }
    body = "c = Conv(x, w) y = BatchNormalization<epsilon = 0.001>(c, scale, shift, mean, variance)"
    proto = network("float[1,3,16,8] x", "y", body, w=weights(4, 3, 3, 3), **statistics)
    right = rewritten(proto, fold_batchnorm.RULE).certify()
    assert right.failures == ()
    assert [site.certificate for site in right.sites] == [Certificate.ROUNDING]

    def without_epsilon(bn: Node, context: Context) -> fold_batchnorm.Match:
        found = fold_batchnorm.match(bn, context)
        found.bn.attrs["epsilon"] = 0.0
        return fold_batchnorm.match(found.bn, context)

    wrong = replace(fold_batchnorm.RULE, match=without_epsilon)
    assert failed(rewritten(proto, wrong).certify()) == ["y"]


def test_a_pad_dropped() -> None:
    body = "p = Pad(x, pads) y = Conv(p, w)"
    constants: dict[str, Any] = {"w": weights(4, 3, 3, 3), "pads": np.array([0, 0, 1, 1, 0, 0, 1, 1])}
    journey = rewritten(network("float[1,3,16,8] x", "y", body, **constants), fold_pad.RULE)
    assert journey.certify().failures == ()
    pads = next(a for a in maker(journey.adapted, "y").attribute if a.name == "pads")
    for wrong in ([0, 0, 0, 0], [2, 1, 0, 1]):
        pads.ints[:] = wrong
        assert failed(journey.certify()) == ["y"]


@pytest.mark.parametrize("factors", [(4, 4), (1, 1), (2, 4)])
def test_a_wrong_resize_factor(factors: tuple[int, int]) -> None:
    body = "r = Reshape(x, six) e = Expand(r, grown) y = Reshape(e, map)"
    shapes = {"six": [1, 3, 4, 1, 5, 1], "grown": [1, 3, 4, 2, 5, 2], "map": [1, 3, 8, 10]}
    constants: dict[str, Any] = {name: np.array(shape) for name, shape in shapes.items()}
    journey = rewritten(network("float[1,3,4,5] x", "y", body, **constants), upsample_to_resize.RULE)
    assert journey.certify().failures == ()
    spoil(journey.adapted, maker(journey.adapted, "y").input[2], np.array([1, 1, *factors], np.float32))
    assert failed(journey.certify()) == ["y"]


def test_weights_that_are_stored_as_numbers(tmp_path: Path) -> None:
    """float_data instead of raw_data: the same values are no site, others are one."""
    proto = network("float[1,3,16,8] x", "y", "a = Conv(x, w) y = Relu(a)", w=weights(4, 3, 3, 3))
    kernel = stored(proto, "w")
    numbers = values_of(proto, "w").ravel().tolist()
    kernel.ClearField("raw_data")
    kernel.float_data.extend(numbers)
    journey = against(proto, Model.from_proto(proto, "model").to_proto())
    assert journey.certify().sites == ()
    spoil(journey.adapted, "w", values_of(journey.adapted, "w") + np.float32(0.01))
    assert failed(journey.certify()) == ["a"]


def test_taps_are_the_originals(tmp_path: Path) -> None:
    from icraft_adapt.graph.session import Session, with_outputs
    from icraft_adapt.rewrites.core.certify import certify

    journey, reading = detector(tmp_path)
    names = [tensor for tensor, _ in reading.outputs()]
    found = certify(journey.original, journey.adapted, journey.renamed, journey.steps, journey.feeds, names)
    expected = Session(with_outputs(journey.original, names)).run(journey.feeds)
    for name in names:
        np.testing.assert_array_equal(found.taps[name], expected[name])
    assert noise((2,), 1).shape == (2,)
