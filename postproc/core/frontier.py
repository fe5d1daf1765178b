"""The frontier: the last convolutions before a network's tail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ...errors import Decline
from ...graph.model import Model
from ...graph.nodes import Node, Tensor
from ...graph.walk import node_name, static_shape


@dataclass(frozen=True, slots=True)
class Frontier:
    """The last convolutions, by output name in order of discovery, and which of them each graph output depends on."""

    convolutions: dict[str, Node]
    by_output: dict[str, tuple[str, ...]]

    def grid(self, name: str) -> tuple[int, int]:
        """The map's height and width in cells."""
        shape = static_shape(self.convolutions[name].outputs[0])
        return shape[2], shape[3]

    def channels(self, name: str) -> int:
        """The map's channel count."""
        return static_shape(self.convolutions[name].outputs[0])[1]

    def source(self, name: str) -> str:
        """The tensor that the convolution reads."""
        return self.convolutions[name].inputs[0].name


def find_frontier(model: Model, through: Callable[[Node], bool] | None = None) -> Frontier:
    """Walk back from every output to the nearest convolutions, past those that `through` names.

    Declines where a path meets none, or no feature map.
    """
    found: dict[str, Node] = {}
    by_output: dict[str, tuple[str, ...]] = {}
    for output in model.outputs:
        nearest = _nearest_convolutions(output, model, through)
        by_output[output.name] = tuple(nearest)
        found |= nearest
    for name, node in found.items():
        shape = static_shape(node.outputs[0])
        if len(shape) != 4 or shape[0] != 1:
            raise Decline(f"the head {name} has the shape {shape}, no single feature map", at=node)
    return Frontier(found, by_output)


def _nearest_convolutions(output: Tensor, model: Model, through: Callable[[Node], bool] | None) -> dict[str, Node]:
    found: dict[str, Node] = {}
    seen: set[int] = set()
    stack = list(output.inputs)
    while stack:
        node = stack.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if node.op == "Conv" and not (through and through(node)):
            found[node.outputs[0].name] = node
        elif node.op not in ("Shape", "Size"):  # shapes are no values of the tail
            if any(model.is_input(tensor) for tensor in node.inputs):
                raise Decline(f"{node_name(node)} leads past every convolution to the input", at=node)
            stack += [producer for tensor in node.inputs for producer in tensor.inputs]
    return found
