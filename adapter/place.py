"""Node by node: what runs on the NPU, what on the target's CPU, and what nowhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ..graph.model import Model
from ..graph.walk import node_name
from ..targets.types import Refusal, Target
from .report.types import Placement, Refused


@dataclass(frozen=True, slots=True)
class Located:
    """One node: `name` is what the user knows it by, `reason` the limit's own sentence where it runs nowhere."""

    name: str
    op: str
    where: Literal["npu", "cpu", "refused"]
    reason: str = ""


def locate(model: Model, target: Target) -> dict[str, Located]:
    """Ask the target about every node of the adapted network, whose shapes are static; by each node's first output."""
    found = {}
    for node in model.nodes:
        where, name = target.place(node), node_name(node)
        if isinstance(where, Refusal):
            found[node.outputs[0].name] = Located(name, node.op, "refused", where.reason)
        else:
            found[node.outputs[0].name] = Located(name, node.op, where)
    return found


def placement(located: Mapping[str, Located]) -> Placement:
    """How many nodes run where, and those that run nowhere."""
    places = [each.where for each in located.values()]
    refused = tuple(Refused(each.name, each.op, each.reason) for each in located.values() if each.where == "refused")
    return Placement(places.count("npu"), places.count("cpu"), refused)
