"""What the rules that replace an activation have in common: which activation is theirs."""

from __future__ import annotations

from typing import Literal

from ...graph.nodes import Node
from ...graph.walk import need
from .activation import Activation, activation_at
from .rule import Context


def lacking_activation(node: Node, context: Context, mode: Literal["pwl", "leaky", "auto"]) -> Activation | None:
    """The activation that ends at the node, where the plan's mode is this one and the target does not run it.

    Declines where the nodes compute an elementwise function that is no known activation.
    """
    if context.activation is None or context.activation.mode != mode:
        return None
    found = activation_at(node, context.model)
    if found is None or found.name == "identity" or context.target.runs_activation(found.name):
        return None
    need(found.is_known, "an elementwise function, but no known activation", node)
    return found
