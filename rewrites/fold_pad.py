"""Fold a Pad of H and W into the convolution or the max pool behind it.

Before:   y = Conv(Pad(x, 0), W, b), or y = MaxPool(Pad(x, -inf))
After:    y = Conv(x, W, b), or y = MaxPool(x), with the pads added to the node's own
Declines: the value is not the one that the node pads with; mode other than constant; negative pads; channels
          padded; something else reads the padded map; auto_pad; a pool's ceil_mode, indices, or pads as large
          as its kernel.
Numerics: the same products and the same order of sums (EXACT).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import Decline
from ..graph.edit import Editor
from ..graph.nodes import Node, Tensor
from ..graph.walk import constant, need, optional, sole_reader, static_shape
from .core.rule import Context, Rule


@dataclass(frozen=True, slots=True)
class Match:
    """The Pad's input, the node that will pad it, and its new pads (all begins, then all ends)."""

    source: Tensor
    reader: Node
    pads: tuple[int, ...]


def match(pad: Node, context: Context) -> Match | None:
    """Look for a Pad in front of one Conv or MaxPool."""
    if not any(reader.op in ("Conv", "MaxPool") for reader in pad.outputs[0].outputs):
        return None
    added = _pads(pad)
    if not any(added):
        return None
    reader = sole_reader(pad.outputs[0], context.model)
    if reader is None:
        raise Decline("something else reads the padded map")
    need(all(tensor is not pad.outputs[0] for tensor in reader.inputs[1:]), "it pads the weights", at=reader)
    rank = len(added) // 2
    mode = pad.attrs.get("mode", "constant")
    need(mode == "constant", f"the mode is {mode}")
    need(min(added) >= 0, f"the pads {added} cut cells off")
    need(not any(added[:2] + added[rank : rank + 2]), f"the pads {added} add channels or images")
    neutral = 0.0 if reader.op == "Conv" else -np.inf
    value = _value(pad)
    need(value == neutral, f"it pads with {value:g}, but {reader.op} with {neutral:g}")
    auto_pad = reader.attrs.get("auto_pad", "NOTSET")
    need(auto_pad == "NOTSET", f"auto_pad is {auto_pad}", at=reader)
    own = reader.attrs.get("pads") or [0] * 2 * (rank - 2)
    pads = [a + b for a, b in zip(own, added[2:rank] + added[rank + 2 :], strict=True)]
    if reader.op == "MaxPool":
        _need_plain_pool(reader, pads)
    return Match(pad.inputs[0], reader, tuple(pads))


def _need_plain_pool(pool: Node, pads: list[int]) -> None:
    need(not pool.attrs.get("ceil_mode", 0), "ceil_mode depends on where the map ends", at=pool)
    need(not any(tensor.name for tensor in pool.outputs[1:]), "the indices count the padded cells", at=pool)
    kernel = pool.attrs["kernel_shape"]
    small = all(size < kernel[axis % len(kernel)] for axis, size in enumerate(pads))
    need(small, f"a pool of kernel {kernel} cannot pad by {pads}", at=pool)


def _pads(pad: Node) -> list[int]:
    """One begin for every axis, then one end for every axis, whichever way the opset spells them."""
    if "pads" in pad.attrs:
        return [int(size) for size in pad.attrs["pads"]]
    given = [int(size) for size in constant(pad.inputs[1])]
    chosen = optional(pad, 3)
    if chosen is None:
        return given
    rank = len(static_shape(pad.inputs[0]))
    axes = [int(axis) % rank for axis in constant(chosen)]
    pads = [0] * 2 * rank
    for index, axis in enumerate(axes):
        pads[axis], pads[axis + rank] = given[index], given[index + len(axes)]
    return pads


def _value(pad: Node) -> float:
    given = optional(pad, 2)
    return float(pad.attrs.get("value", 0.0)) if given is None else float(np.ravel(constant(given))[0])


def rewrite(edit: Editor, found: Match) -> None:
    """Let the reader pad."""
    reader = found.reader
    inputs = [found.source, *reader.inputs[1:]]
    edit.supersede(reader.outputs[0], reader.op, inputs, {**reader.attrs, "pads": list(found.pads)})


RULE = Rule("fold_pad", frozenset({"Pad"}), match, rewrite, after=frozenset({"drop_noop", "explicit_pads"}))
