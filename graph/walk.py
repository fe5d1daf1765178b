"""Looking around in the graph: these raise Decline with the reason, so that a rule's look is a list of needs."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import Decline
from .model import Model
from .nodes import Node, Tensor, constant_values


def need(condition: bool, reason: str, at: Node | None = None) -> None:
    """Decline with `reason`, naming the node `at` that stopped the pattern, unless the condition holds."""
    if not condition:
        raise Decline(reason, at=at)


def producer(tensor: Tensor, *ops: str) -> Node:
    """The node that computes the tensor, of one of these operators if any are named."""
    if not tensor.inputs:
        raise Decline(f"{tensor.name} is not computed by any node")
    node = tensor.inputs[0]
    if ops and node.op not in ops:
        raise Decline(f"{tensor.name} is computed by {node.op}, not by {' or '.join(ops)}", at=node)
    return node


def sole_reader(tensor: Tensor, model: Model) -> Node | None:
    """The one node that reads the tensor, None where there are several, none, or it is a graph output."""
    readers = {id(node): node for node in tensor.outputs}
    if len(readers) != 1 or model.is_output(tensor):
        return None
    return next(iter(readers.values()))


def constant(tensor: Tensor) -> NDArray[Any]:
    """The tensor's stored values."""
    values = constant_values(tensor)
    if values is None:
        raise Decline(f"{tensor.name} is not constant", at=tensor.inputs[0] if tensor.inputs else None)
    return values


def optional(node: Node, index: int) -> Tensor | None:
    """The node's input at `index`, None where it is absent or left empty."""
    if index >= len(node.inputs) or not node.inputs[index].name:
        return None
    return node.inputs[index]


def static_shape(tensor: Tensor) -> list[int]:
    """The tensor's shape, all of it known."""
    shape = tensor.shape
    if shape is None or not all(isinstance(dim, int | np.integer) and dim >= 0 for dim in shape):
        raise Decline(f"{tensor.name} has no static shape")
    return [int(dim) for dim in shape]


def node_name(node: Node) -> str:
    """What the user knows the node by."""
    return node.name or (node.outputs[0].name if node.outputs else node.op)
