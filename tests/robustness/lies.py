"""What a whole graph can be wrong about: its order, its links, its names, its shapes, its types, its version."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.random import Generator
from onnx import ModelProto, TensorProto, defs, helper, numpy_helper

from icraft_adapt.tests.robustness.damage import INTEGERS, TEXTS, copied, messages, pick


def shuffle_nodes(proto: ModelProto, random: Generator) -> str:
    """The nodes in any order."""
    nodes = [copied(proto.graph.node[place]) for place in random.permutation(len(proto.graph.node))]
    del proto.graph.node[:]
    proto.graph.node.extend(nodes)
    return "nodes shuffled"


def close_cycle(proto: ModelProto, random: Generator) -> str:
    """A node reads what a later one computes."""
    places = sorted(random.integers(len(proto.graph.node), size=2))
    early, late = (proto.graph.node[place] for place in places)
    if early.input and late.output:
        early.input[random.integers(len(early.input))] = late.output[0]
    return f"node {places[0]} reads node {places[1]}"


def share_name(proto: ModelProto, random: Generator) -> str:
    """Two things of one name."""
    named = [message for message in messages(proto.graph) if hasattr(message, "name")]
    one, other = pick(named, random), pick(named, random)
    one.name = other.name
    return f"two of the name {one.name[:40]!r}"


def compute_twice(proto: ModelProto, random: Generator) -> str:
    """Two nodes that compute one tensor."""
    one, other = pick(proto.graph.node, random), pick(proto.graph.node, random)
    one.output[:] = other.output
    return f"{list(one.output)} computed twice"


def leave_dangling(proto: ModelProto, random: Generator) -> str:
    """A node that reads what nobody computes, or leaves out what it needs."""
    node = pick(proto.graph.node, random)
    if node.input:
        node.input[random.integers(len(node.input))] = pick(["nowhere", ""], random)
    return f"dangling {list(node.input)}"


def read_another(proto: ModelProto, random: Generator) -> str:
    """A node reads another tensor than its own."""
    node, other = pick(proto.graph.node, random), pick(proto.graph.node, random)
    if node.input and other.input:
        node.input[random.integers(len(node.input))] = pick(other.input, random)
    return f"{node.name[:40]!r} reads {list(node.input)}"


def bypass(proto: ModelProto, random: Generator) -> str:
    """A node is left out, its readers read what it read."""
    place = int(random.integers(len(proto.graph.node)))
    gone = copied(proto.graph.node[place])
    del proto.graph.node[place]
    for node in proto.graph.node:
        node.input[:] = [gone.input[0] if gone.input and name in gone.output else name for name in node.input]
    return f"without {gone.op_type} {gone.name[:40]!r}"


def expose(proto: ModelProto, random: Generator) -> str:
    """One more output: any tensor, with a shape or without."""
    name = pick([name for node in proto.graph.node for name in (*node.output, *node.input)], random)
    shape = pick([None, [1, 4, 4, 4], ["n"]], random)
    proto.graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
    return f"also puts out {name}"


def forget_shapes(proto: ModelProto, random: Generator) -> str:
    """No recorded shape stands against what the nodes say."""
    del proto.graph.value_info[:]
    for value in proto.graph.output:
        value.type.tensor_type.ClearField("shape")
    return "no shapes"


def lie_about_shape(proto: ModelProto, random: Generator) -> str:
    """A recorded dimension is wrong, or beyond all measure."""
    value = pick([*proto.graph.input, *proto.graph.output, *proto.graph.value_info], random)
    dims = value.type.tensor_type.shape.dim
    if dims:
        pick(dims, random).dim_value = pick([*INTEGERS, 32, 96, 100000], random)
    return f"{value.name} is {[dim.dim_value for dim in dims]}"


def lie_about_weights(proto: ModelProto, random: Generator) -> str:
    """An initialiser of another type or shape than its bytes."""
    tensor = pick(proto.graph.initializer, random)
    dims = list(tensor.dims)
    if random.random() < 0.5:
        tensor.data_type = pick(sorted(TensorProto.DataType.values()), random)
    else:
        tensor.dims[:] = pick([dims[::-1], [-1], [1 << 40, 1 << 40], [], [*dims, 1], [0], dims[1:]], random)
    return f"{tensor.name} is {tensor.data_type} {list(tensor.dims)}"


def change_operand(proto: ModelProto, random: Generator) -> str:
    """A small constant (a Slice's ends, a Reshape's shape, a Resize's scales) has another value."""
    small = [tensor for tensor in proto.graph.initializer if len(tensor.raw_data) <= 64]
    small += [a.t for node in proto.graph.node for a in node.attribute if a.HasField("t") and len(a.t.raw_data) <= 64]
    if not small:
        return "no operands"
    tensor = pick(small, random)
    values = numpy_helper.to_array(tensor).copy()
    if values.size and values.dtype.kind in "if":
        flat, most = values.reshape(-1), float("inf") if values.dtype.kind == "f" else np.iinfo(values.dtype).max
        small_ones = [number for number in (*INTEGERS, *(flat + 1).tolist(), 5) if abs(number) <= min(most, 6e4)]
        flat[random.integers(flat.size)] = pick([*small_ones, *([most] if values.dtype.kind == "i" else [])], random)
        tensor.CopyFrom(numpy_helper.from_array(flat.reshape(values.shape), tensor.name))
    return f"constant {tensor.name!r} is {values.tolist()}"


def change_attribute(proto: ModelProto, random: Generator) -> str:
    """An attribute has another value of its type."""
    node = pick([node for node in proto.graph.node if node.attribute], random)
    attribute = pick(node.attribute, random)
    near = [attribute.i + 1, attribute.i - 1, *attribute.ints, 0, 1, 2, 3]
    if attribute.ints and random.random() < 0.3:
        attribute.ints[:] = [pick(near, random)] * len(attribute.ints)
    elif attribute.ints:
        attribute.ints[random.integers(len(attribute.ints))] = pick([*near, *INTEGERS], random)
    elif attribute.HasField("f"):
        attribute.f = pick([0.0, -1.0, 0.5, 1e30, float("nan"), attribute.f * 2], random)
    elif attribute.HasField("i"):
        attribute.i = pick([*near, *INTEGERS], random)
    return f"{node.op_type} {node.name[:40]!r}: {attribute.name} = {helper.get_attribute_value(attribute)!r}"[:120]


def lie_about_opset(proto: ModelProto, random: Generator) -> str:
    """No opset, another one, several."""
    del proto.opset_import[:]
    for _ in range(random.integers(3)):
        domain = pick(["", "ai.onnx", "com.microsoft", "x"], random)
        proto.opset_import.append(helper.make_opsetid(domain, pick([0, 1, 7, 9, 10, 12, 13, 14, 18, 22, 99], random)))
    return f"opsets {[(entry.domain, entry.version) for entry in proto.opset_import]}"


def swap_operator(proto: ModelProto, random: Generator) -> str:
    """A node is another operator: one that the graph has elsewhere, or any."""
    node = pick(proto.graph.node, random)
    known = sorted({node.op_type for node in proto.graph.node})
    every = sorted({schema.name for schema in defs.get_all_schemas()})
    was, node.op_type = node.op_type, pick(known if random.random() < 0.7 else every, random)
    return f"{was} {node.name[:40]!r} is {node.op_type}"


def name_outlandishly(proto: ModelProto, random: Generator) -> str:
    """One tensor gets such a name wherever it stands: the graph stays whole."""
    old = pick([name for node in proto.graph.node for name in node.output if name], random)
    new = pick([text for text in TEXTS if text], random)
    for node in proto.graph.node:
        node.input[:] = [new if name == old else name for name in node.input]
        node.output[:] = [new if name == old else name for name in node.output]
    for value in (*proto.graph.output, *proto.graph.value_info):
        value.name = new if value.name == old else value.name
    return f"{old} is called {new[:40]!r}"


LIES: tuple[Callable[[ModelProto, Generator], str], ...] = (
    shuffle_nodes,
    close_cycle,
    share_name,
    compute_twice,
    leave_dangling,
    read_another,
    bypass,
    expose,
    lie_about_shape,
    lie_about_weights,
    change_operand,
    change_attribute,
    lie_about_opset,
    swap_operator,
    name_outlandishly,
)
