"""Does a network compute the same in its new opset? Every kind of operator whose definition changed is run in both."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper

from .session import Session
from .versions import opset_of, since

_SIDE = 9  # rows and columns of a map that are enough to tell two definitions apart
_RTOL = 1e-6
_SEED = 17
_FED = "fed::"


def differing_nodes(before: ModelProto, after: ModelProto) -> list[str]:
    """The outputs of nodes that compute something else in the new opset, or that cannot be told.

    Nodes are paired by their first output. Nodes of one kind (operator, attributes, constants, ranks) are run once,
    on seeded maps cropped to a few rows and columns. Both models are static.
    """
    old = {node.output[0]: node for node in before.graph.node}
    pairs = [(old.get(node.output[0]), node) for node in after.graph.node]
    opsets = opset_of(before), opset_of(after)
    operators = {node.op_type for node in after.graph.node}
    redefined = {op for op in operators if since(op, opsets[0]) != since(op, opsets[1])}
    changed = [(was, now) for was, now in pairs if was is None or not _is_untouched(was, now, redefined)]
    sides = (_Side.of(before), _Side.of(after))
    kinds: dict[object, tuple[NodeProto, NodeProto]] = {}
    for was, now in changed:
        if was is None or sides[0].varying(was) != sides[1].varying(now):
            return [now.output[0]]
        kinds.setdefault((sides[0].kind(was), sides[1].kind(now)), (was, now))
    chosen = list(kinds.values())
    if not chosen:
        return []
    feeds = sides[0].feeds([was for was, _ in chosen])
    results = [_run(side, [pair[index] for pair in chosen], feeds) for index, side in enumerate(sides)]
    return [now.output[0] for _, now in chosen if not _same(*(result[now.output[0]] for result in results))]


def _is_untouched(was: NodeProto, now: NodeProto, redefined: Set[str]) -> bool:
    """The same node, whose operator is the same in both opsets."""
    if was.op_type != now.op_type or (was.op_type in redefined and was.domain in ("", "ai.onnx")):
        return False
    return was.input == now.input and (was.attribute == now.attribute or _attributes(was) == _attributes(now))


def _attributes(node: NodeProto) -> tuple[bytes, ...]:
    return tuple(sorted(attribute.SerializeToString(deterministic=True) for attribute in node.attribute))


@dataclass(frozen=True, slots=True)
class _Side:
    """One of the two models, by name: its constants and the shapes of its tensors."""

    model: ModelProto
    constants: Mapping[str, TensorProto]
    shapes: Mapping[str, list[int]]

    @classmethod
    def of(cls, model: ModelProto) -> _Side:
        values = [*model.graph.value_info, *model.graph.input, *model.graph.output]
        shapes = {value.name: [dim.dim_value for dim in value.type.tensor_type.shape.dim] for value in values}
        return cls(model, {tensor.name: tensor for tensor in model.graph.initializer}, shapes)

    def varying(self, node: NodeProto) -> list[str]:
        """The inputs that are computed."""
        return [name for name in node.input if name and name not in self.constants]

    def kind(self, node: NodeProto) -> object:
        constants = (self.constants.get(name) for name in node.input)
        contents = tuple(c.SerializeToString(deterministic=True)[:4096] if c is not None else b"" for c in constants)
        ranks = tuple(len(self.shapes.get(name, ())) for name in node.input)
        return node.op_type, _attributes(node), contents, ranks

    def feeds(self, nodes: list[NodeProto]) -> dict[str, NDArray[np.float32]]:
        """Seeded maps for every computed input; whole where an operand counts rows and columns."""
        random = np.random.default_rng(_SEED)
        found: dict[str, NDArray[np.float32]] = {}
        counted = {n for node in nodes if self._counts_cells(node) for n in self.varying(node)}
        for name in sorted({name for node in nodes for name in self.varying(node)}):
            shape = self.shapes[name]
            cropped = [
                min(size, _SIDE) if axis > 1 and name not in counted else size for axis, size in enumerate(shape)
            ]
            found[name] = random.normal(scale=4.0, size=cropped).astype(np.float32)
        return found

    def _counts_cells(self, node: NodeProto) -> bool:
        integers = (TensorProto.INT64, TensorProto.INT32)
        return any(name in self.constants and self.constants[name].data_type in integers for name in node.input)


def _run(
    side: _Side, nodes: list[NodeProto], feeds: Mapping[str, NDArray[np.float32]]
) -> dict[str, NDArray[np.float32]]:
    """Each node by itself: what it reads is fed, even where another node of the list computes it."""
    inputs = [helper.make_tensor_value_info(_FED + name, TensorProto.FLOAT, x.shape) for name, x in feeds.items()]
    outputs = [helper.make_tensor_value_info(node.output[0], TensorProto.FLOAT, None) for node in nodes]
    alone = []
    for node in nodes:
        copy = NodeProto()
        copy.CopyFrom(node)
        copy.input[:] = [_FED + name if name in feeds else name for name in node.input]
        alone.append(copy)
    read = {name for node in alone for name in node.input}
    weights = [tensor for name, tensor in side.constants.items() if name in read]
    graph = helper.make_graph(alone, "kinds", inputs, outputs, weights)
    version = max(side.model.ir_version, 4)
    model = helper.make_model(graph, opset_imports=side.model.opset_import, ir_version=version)
    return Session(model).run({_FED + name: x for name, x in feeds.items()})


def _same(a: NDArray[np.float32], b: NDArray[np.float32]) -> bool:
    spread = max(float(np.ptp(a)) if a.size else 0.0, 1e-30)
    return a.shape == b.shape and bool((np.abs(a - b) <= _RTOL * spread).all())
