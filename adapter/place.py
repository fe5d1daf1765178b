"""Node by node: what runs on the NPU, what on the target's CPU, and what nowhere."""

from __future__ import annotations

from ..graph.model import Model
from ..graph.walk import node_name
from ..targets.types import Refusal, Target
from .report.types import Placement, Refused


def place(model: Model, target: Target) -> Placement:
    """Ask the target about every node of the adapted network, whose shapes are static."""
    npu = cpu = 0
    refused: list[Refused] = []
    for node in model.nodes:
        where = target.place(node)
        if isinstance(where, Refusal):
            refused.append(Refused(node_name(node), node.op, where.reason))
        elif where == "npu":
            npu += 1
        else:
            cpu += 1
    return Placement(npu, cpu, tuple(refused))
