"""What every rule is put through: count, interface, checker, numbers, and that it comes to rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import ArrayLike, NDArray
from onnx import ModelProto, ValueInfoProto, helper, numpy_helper, parser

from icraft_adapt.graph.model import Model
from icraft_adapt.graph.session import Session
from icraft_adapt.graph.shapes import infer_shapes
from icraft_adapt.rewrites.core.rule import ChannelRange, Context, Rule
from icraft_adapt.rewrites.core.run import Applied, run
from icraft_adapt.targets.loader import load_target

BUYI = "icraft-v3-buyi"
SEEDS = (0, 1, 2)


def network(inputs: str, outputs: str, body: str, *, opset: int = 17, **constants: Any) -> ModelProto:  # noqa: ANN401
    """A model in ONNX's text form: network("float[1,3,8,8] x", "y", "y = Conv(x, w)", w=weights).

    `outputs` are names of float tensors. `constants` become initialisers; Python's floats are float32.
    """
    results = ", ".join(f"float {name}" for name in outputs.split(", "))
    text = f'<ir_version: 8, opset_import: ["": {opset}]> g ({inputs}) => ({results}) {{ {body} }}'
    proto: ModelProto = parser.parse_model(text)
    for value in proto.graph.output:
        value.type.tensor_type.ClearField("shape")  # the parser takes none for a scalar
    for name, values in constants.items():
        proto.graph.initializer.append(numpy_helper.from_array(_stored(values), name))
    infer_shapes(proto)
    onnx.checker.check_model(proto, full_check=True)
    return proto


def one_op(
    op: str,
    shape: Sequence[int],
    *operands: ArrayLike | None,
    opset: int = 17,
    **attrs: Any,  # noqa: ANN401  (what ONNX takes as an attribute)
) -> ModelProto:
    """A model of one node between x (float32) and y; None leaves an operand out."""
    names = ["" if values is None else f"c{index}" for index, values in enumerate(operands)]
    node = helper.make_node(op, ["x", *names], ["y"], name=op.lower(), **attrs)
    pairs = zip(names, operands, strict=True)
    stored = [numpy_helper.from_array(_stored(values), name) for name, values in pairs if values is not None]
    graph = helper.make_graph(
        [node],
        "one",
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, None)],
        stored,
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    infer_shapes(proto)
    onnx.checker.check_model(proto, full_check=True)
    return proto


def weights(*shape: int, seed: int = 0) -> NDArray[np.float32]:
    """Normal float32 values of this shape."""
    return np.random.default_rng(seed).standard_normal(shape, np.float32)


def apply(
    rule: Rule,
    proto: ModelProto,
    *,
    times: int,
    target: str = BUYI,
    ranges: Mapping[str, ChannelRange] | None = None,
) -> ModelProto:
    """The model after the rule, which must apply exactly `times` times and keep all its promises."""
    before = proto.SerializeToString(deterministic=True)
    context = Context(Model.from_proto(proto, "model"), load_target(target), ranges=ranges or {})
    applied = run(context, [rule])
    assert len(applied.steps) == times, applied
    assert proto.SerializeToString(deterministic=True) == before, "the rule wrote into the caller's model"
    adapted = context.model.to_proto()
    onnx.checker.check_model(adapted, full_check=True)
    assert _interface(adapted) == _interface(proto)
    for seed in SEEDS:
        assert_same_numbers(proto, adapted, rule.rtol, seed)
    assert not attempt(rule, adapted, target=target).steps, "the rule does not come to rest"
    return adapted


def attempt(rule: Rule, proto: ModelProto, *, target: str = BUYI) -> Applied:
    """What the rule does to the model, nothing checked."""
    return run(Context(Model.from_proto(proto, "model"), load_target(target)), [rule])


def assert_declines(rule: Rule, proto: ModelProto, reason: str, *, target: str = BUYI) -> None:
    """The rule applies nowhere, and one of its near misses gives a reason that contains `reason`."""
    applied = attempt(rule, proto, target=target)
    assert not applied.steps
    assert any(reason in miss.reason for miss in applied.near_misses), applied.near_misses


def assert_silent(rule: Rule, proto: ModelProto, *, target: str = BUYI) -> None:
    """The rule applies nowhere and has nothing to say."""
    assert attempt(rule, proto, target=target) == Applied((), ())


def operators(proto: ModelProto) -> list[str]:
    """The operators in the order in which the model lists them."""
    return [node.op_type for node in proto.graph.node]


def attributes(proto: ModelProto, op: str) -> dict[str, object]:
    """The attributes of the only node of this operator, as Python values."""
    (node,) = (node for node in proto.graph.node if node.op_type == op)
    return {a.name: helper.get_attribute_value(a) for a in node.attribute}


def operand(proto: ModelProto, op: str, index: int) -> NDArray[Any]:
    """The stored operand at `index` of the only node of this operator."""
    (node,) = (node for node in proto.graph.node if node.op_type == op)
    (tensor,) = (tensor for tensor in proto.graph.initializer if tensor.name == node.input[index])
    return numpy_helper.to_array(tensor)


def assert_same_numbers(original: ModelProto, adapted: ModelProto, rtol: float, seed: int) -> None:
    """Every output agrees, within rtol of its spread, on random input from a random interval."""
    rng = np.random.default_rng(seed)
    feeds = {}
    for value in original.graph.input:
        low, high = np.sort(rng.uniform(-8, 8, 2))
        shape = [d.dim_value for d in value.type.tensor_type.shape.dim]
        kind = helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type)
        feeds[value.name] = rng.uniform(low, high, shape).astype(kind)
    expected, found = Session(original).run(feeds), Session(adapted).run(feeds)
    for name, values in expected.items():
        spread = float(np.ptp(values)) or float(np.max(np.abs(values)))
        np.testing.assert_allclose(found[name], values, rtol=0, atol=rtol * spread, err_msg=name)


def _stored(values: ArrayLike) -> NDArray[np.generic]:
    array = np.asarray(values)
    return array.astype(np.float32) if array.dtype == np.float64 else array


def _interface(proto: ModelProto) -> list[tuple[str, int, list[int]]]:
    def of(value: ValueInfoProto) -> tuple[str, int, list[int]]:
        kind = value.type.tensor_type
        return value.name, kind.elem_type, [d.dim_value for d in kind.shape.dim]

    return [of(value) for value in [*proto.graph.input, *proto.graph.output]]
