"""Opsets: which one a model is in, and since which one an operator is what it is."""

from __future__ import annotations

from onnx import ModelProto, defs


def opset_of(proto: ModelProto) -> int:
    """The default domain's opset."""
    return int(next(entry.version for entry in proto.opset_import if entry.domain in ("", "ai.onnx")))


def since(op: str, opset: int) -> int:
    """The opset in which the operator took the form that it has in this one; 0 where this one has no such operator."""
    if not defs.has(op, opset):
        return 0
    return int(defs.get_schema(op, max_inclusive_version=opset).since_version)
