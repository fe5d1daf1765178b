"""What must hold of a graph after every sweep; a breach is a bug of a rule and is raised as one."""

from __future__ import annotations

from .model import Model
from .nodes import is_constant


class BrokenGraphError(Exception):
    """A rewrite left the graph inconsistent."""


def check(model: Model) -> None:
    """Single assignment, unique names, links both ways, no dangling input, computation order, outputs computed."""
    ready = {tensor.name for tensor in model.inputs}
    for node in model.nodes:
        for tensor in node.inputs:
            if tensor.name and not is_constant(tensor) and tensor.name not in ready:
                raise BrokenGraphError(f"{node.op} reads {tensor.name!r}, which nothing has computed yet")
            if tensor.name and not any(reader is node for reader in tensor.outputs):
                raise BrokenGraphError(f"{tensor.name!r} does not know its reader {node.op}")
        for tensor in node.outputs:
            if not tensor.name:
                continue
            if tensor.name in ready:
                raise BrokenGraphError(f"{tensor.name!r} is computed twice")
            if len(tensor.inputs) != 1 or tensor.inputs[0] is not node:
                raise BrokenGraphError(f"{tensor.name!r} does not know its producer {node.op}")
            for reader in tensor.outputs:
                if not any(read is tensor for read in reader.inputs):
                    raise BrokenGraphError(f"{tensor.name!r} takes {reader.op} for a reader")
            ready.add(tensor.name)
    for tensor in model.outputs:
        if tensor.name not in ready and not is_constant(tensor):
            raise BrokenGraphError(f"the output {tensor.name!r} is not computed")
    _check_constants(model, ready)


def _check_constants(model: Model, computed: set[str]) -> None:
    by_name: dict[str, int] = {}
    for node in model.nodes:
        for tensor in node.inputs:
            if not is_constant(tensor):
                continue
            if tensor.name in computed or by_name.setdefault(tensor.name, id(tensor)) != id(tensor):
                raise BrokenGraphError(f"the name {tensor.name!r} stands for two tensors")
