"""Part of a graph, run on its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from numpy.typing import NDArray
from onnx import ModelProto, helper, numpy_helper

from .nodes import Node, Tensor, constant_values, is_constant, proto_attributes
from .session import Session


def outer_inputs(members: Mapping[int, Node]) -> list[Tensor]:
    """The computed tensors that these nodes, keyed by id, read from outside; in the order in which they read them."""
    found: dict[str, Tensor] = {}
    for node in members.values():
        for tensor in node.inputs:
            inside = bool(tensor.inputs) and id(tensor.inputs[0]) in members
            if tensor.name and not is_constant(tensor) and not inside:
                found[tensor.name] = tensor
    return list(found.values())


def run_region(
    nodes: Sequence[Node], feeds: Mapping[str, NDArray[Any]], outputs: Sequence[Tensor], opset: int
) -> dict[str, NDArray[Any]]:
    """Run these nodes (in any order) on the given arrays; the shapes of the feeds need not be the graph's."""
    ordered = _in_order(nodes, set(feeds))
    initialisers = {}
    for node in ordered:
        for tensor in node.inputs:
            values = constant_values(tensor)
            if values is not None:
                initialisers[tensor.name] = numpy_helper.from_array(values, tensor.name)
    protos = [
        helper.make_node(
            n.op,
            [t.name for t in n.inputs],
            [t.name for t in n.outputs],
            domain=n.domain or "",
            **proto_attributes(n.attrs),
        )
        for n in ordered
    ]
    inputs = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(x.dtype), x.shape)
        for name, x in feeds.items()
    ]
    results = [helper.make_empty_tensor_value_info(t.name) for t in outputs]
    graph = helper.make_graph(protos, "region", inputs, results, list(initialisers.values()))
    domains = {n.domain or "" for n in ordered} - {"", "ai.onnx"}
    opsets = [helper.make_opsetid("", opset), *(helper.make_opsetid(domain, 1) for domain in sorted(domains))]
    return Session(helper.make_model(graph, opset_imports=opsets, ir_version=8)).run(feeds)


def _in_order(nodes: Iterable[Node], ready: set[str]) -> list[Node]:
    """The nodes, each after those that compute its inputs; constants and feeds are ready from the start."""
    waiting = {id(node): node for node in nodes}
    ordered: list[Node] = []

    def place(node: Node) -> None:
        if waiting.pop(id(node), None) is None:
            return
        for tensor in node.inputs:
            if tensor.name not in ready:
                for producer in tensor.inputs:
                    place(producer)
        ordered.append(node)

    for node in list(waiting.values()):
        place(node)
    return ordered


def extract(proto: ModelProto, inputs: Sequence[str], outputs: Sequence[str]) -> ModelProto:
    """The part of a static model between the named tensors, as a model of its own.

    Graph inputs that the part still reads stay inputs; float tensors named in `inputs` become inputs of their
    recorded shape. Raises KeyError for an output that nothing computes.
    """
    makers = {name: place for place, node in enumerate(proto.graph.node) for name in node.output if name}
    types = {value.name: value for value in [*proto.graph.value_info, *proto.graph.output, *proto.graph.input]}
    cut, needed, stack = set(inputs), set[int](), list(outputs)
    while stack:
        name = stack.pop()
        place = makers.get(name)
        if place is None or name in cut or place in needed:
            continue
        needed.add(place)
        stack.extend(proto.graph.node[place].input)
    nodes = [proto.graph.node[place] for place in sorted(needed)]
    read = {name for node in nodes for name in node.input}
    declared = [v for v in proto.graph.input if v.name in read and v.name not in cut]
    part = helper.make_graph(
        nodes,
        "part",
        [*(types[name] for name in inputs), *declared],
        [types.get(name) or helper.make_empty_tensor_value_info(name) for name in outputs],
        [tensor for tensor in proto.graph.initializer if tensor.name in read],
    )
    return helper.make_model(part, opset_imports=proto.opset_import, ir_version=proto.ir_version)
