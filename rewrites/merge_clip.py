"""Merge Clip and Relu behind one another into one, and write Clip as Relu where it is one.

Before:   y = clip(clip(x, low1, high1), low2, high2), each a Clip or a Relu; or Clip(x, 0, infinity)
After:    y = clip(x, low, high)    low = clip(low1, low2, high2), high = clip(high1, low2, high2)
          with clip(v, l, h) = min(max(v, l), h); a Relu where low = 0, high = infinity; an Identity where
          nothing is bounded. Where the two intervals do not meet, low = high: y is that constant.
Declines: something else reads the inner result; a bound is computed.
Numerics: comparisons alone (EXACT). A bound that is absent, or of the largest float32, is infinite.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..graph.edit import Editor
from ..graph.nodes import Node, Tensor, is_constant
from ..graph.walk import constant, need, optional, sole_reader
from .core.rule import Context, Rule

_LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True, slots=True)
class Interval:
    """All values from `low` to `high`, low <= high, either may be infinite."""

    low: float
    high: float

    def clip(self, value: float) -> float:
        """The nearest value inside."""
        return min(max(value, self.low), self.high)

    def after(self, inner: Interval) -> Interval:
        """The one interval that clips as this one does behind `inner`: clipping keeps the order of values."""
        return Interval(self.clip(inner.low), self.clip(inner.high))


_RELU = Interval(0.0, np.inf)
_EVERYTHING = Interval(-np.inf, np.inf)


@dataclass(frozen=True, slots=True)
class Match:
    """`output` is `source`, clipped to the interval; the opset says how a Clip is spelt."""

    output: Tensor
    source: Tensor
    interval: Interval
    opset: int


def match(node: Node, context: Context) -> Match | None:
    """Look for a Clip that could be simpler, or for one behind another."""
    source = node.inputs[0]
    inner = source.inputs[0] if source.inputs and source.inputs[0].op in ("Clip", "Relu") else None
    if node.outputs[0].dtype != np.float32 or (inner is None and node.op == "Relu"):
        return None
    if inner is None and not _has_constant_bounds(node):
        return None
    interval = _interval(node)
    if node.op == "Clip" and interval in (_RELU, _EVERYTHING):
        return Match(node.outputs[0], source, interval, context.model.opset)
    if inner is None:
        return None
    need(sole_reader(source, context.model) is node, f"something else reads the inner {inner.op}", at=inner)
    return Match(node.outputs[0], inner.inputs[0], interval.after(_interval(inner)), context.model.opset)


def _has_constant_bounds(node: Node) -> bool:
    return all(is_constant(tensor) for tensor in node.inputs[1:] if tensor.name)


def _interval(node: Node) -> Interval:
    """What the node clips to; ONNX: where min is above max, every value becomes max."""
    if node.op == "Relu":
        return _RELU
    high = _bound(node, 2, "max", np.inf)
    return Interval(min(_bound(node, 1, "min", -np.inf), high), high)


def _bound(node: Node, index: int, key: str, infinite: float) -> float:
    given = optional(node, index)
    value = float(node.attrs.get(key, infinite)) if given is None else float(np.ravel(constant(given))[0])
    return value if abs(value) < _LARGEST else float(np.copysign(np.inf, value))


def rewrite(edit: Editor, found: Match) -> None:
    """Clip once."""
    y, interval = found.output, found.interval
    if interval == _EVERYTHING:
        edit.supersede(y, "Identity", [found.source], {})
        return
    if interval == _RELU:
        edit.supersede(y, "Relu", [found.source], {})
        return
    low, high = (float(np.clip(bound, -_LARGEST, _LARGEST)) for bound in (interval.low, interval.high))
    if found.opset < 11:
        edit.supersede(y, "Clip", [found.source], {"min": low, "max": high})
        return
    least = edit.constant(np.array(low, np.float32), f"{y.name}.min")
    most = edit.constant(np.array(high, np.float32), f"{y.name}.max")
    edit.supersede(y, "Clip", [found.source, least, most], {})


RULE = Rule(
    "merge_clip",
    frozenset({"Clip", "Relu"}),
    match,
    rewrite,
    after=frozenset({"drop_noop", "fold_constants"}),
)
