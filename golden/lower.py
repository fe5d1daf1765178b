"""From the adapted ONNX to a `Network`: constants read, activations fused where the chip fuses them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..errors import AdaptError, Decline, Exit
from ..graph.model import Model
from ..graph.nodes import Node, Tensor
from ..graph.walk import node_name, sole_reader, static_shape
from .network import Curve, FloatLayer, FloatOperator, Network
from .operators import ARRAY, fully_connected, operator_of
from .program import Reshape


@dataclass(frozen=True, slots=True)
class Activation:
    """An activation of the graph, in whatever nodes it is written: `output` = curve(`input`), tensors by name."""

    input: str
    output: str
    curve: Curve


def lower(model: Model, activations: Sequence[Activation]) -> Network:
    """The network that computes the model's outputs. `activations` are those that stand by themselves (tables).

    Raises AdaptError (exit 3) for an operator that has no integer arithmetic here.
    """
    tables = {each.output: each for each in activations}
    needed = _needed(model, tables)
    layers: list[FloatLayer] = []
    fused: set[str] = set()
    for node in model.nodes:
        y = node.outputs[0]
        if y.name not in needed or y.name in fused:
            continue
        table = tables.get(y.name)
        try:
            if table is not None:
                layers.append(_layer(y, [table.input], table.curve, node.op))
                continue
            if node.op in ("Gemm", "MatMul"):
                layers.extend(_fully_connected(node))
                continue
            result, slope = _fused(y, model, tables) if node.op in ARRAY else (y, 1.0)
            fused.update([result.name] if result is not y else [])
            layers.append(_layer(result, *operator_of(node, slope), node.op))
        except Decline as decline:
            raise AdaptError(
                f"{node.op} cannot be simulated in integers: {decline.reason}",
                where=node_name(node),
                hint="--no-golden adapts without the simulation",
                code=Exit.UNSUPPORTED,
            ) from decline
    n, c, h, w = static_shape(model.inputs[0])
    return Network(model.inputs[0].name, (n, c, h, w), tuple(layers), tuple(t.name for t in model.outputs))


def _needed(model: Model, tables: Mapping[str, Activation]) -> set[str]:
    """The tensors that are maps: what the outputs depend on, without the inside of activations."""
    needed = {tensor.name for tensor in model.outputs}
    for node in reversed(model.nodes):
        for y in node.outputs:
            if y.name in needed:
                table = tables.get(y.name)
                needed.update([table.input] if table else [t.name for t in node.inputs])
    return needed


def _layer(y: Tensor, inputs: Sequence[str], operator: FloatOperator, source: str) -> FloatLayer:
    return FloatLayer(y.name, tuple(inputs), operator, source, tuple(static_shape(y)))


def _fused(y: Tensor, model: Model, tables: Mapping[str, Activation]) -> tuple[Tensor, float]:
    """The LeakyReLU or ReLU behind y and its slope, where nothing else reads y; y itself and 1 otherwise."""
    reader = sole_reader(y, model)
    if reader is None or reader.op not in ("LeakyRelu", "Relu") or reader.outputs[0].name in tables:
        return y, 1.0
    slope = float(reader.attrs.get("alpha", 0.01)) if reader.op == "LeakyRelu" else 0.0
    return (reader.outputs[0], slope) if slope >= 0 else (y, 1.0)


def _fully_connected(node: Node) -> list[FloatLayer]:
    """A product of a vector as a convolution over a map of one cell, between two changes of shape."""
    x, linear = fully_connected(node)
    y, (outs, ins) = node.outputs[0], linear.weight.shape[:2]
    cell, product = f"{y.name}.cell", f"{y.name}.product"
    return [
        FloatLayer(cell, (x.name,), Reshape((1, ins, 1, 1)), node.op, (1, ins, 1, 1)),
        FloatLayer(product, (cell,), linear, node.op, (1, outs, 1, 1)),
        FloatLayer(y.name, (product,), Reshape((1, outs)), node.op, (1, outs)),
    ]
