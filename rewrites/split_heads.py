"""End the network at its raw heads: obj first, then reg, then cls, strides ascending.

Before:   output = tail(heads): sigmoids, concatenations, decoding, in any spelling
After:    outputs obj_s8, reg_s8, cls_s8, obj_s16, ...: what the last convolutions give; nodes in the same order
Declines: nothing; it acts on a reading that was proven before (which output means what).
Numerics: no value is computed anew (EXACT). Further roles, such as key points, follow cls under their own names.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..graph.edit import Editor
from ..graph.nodes import Node, Tensor
from .core.rule import Context, Rule


@dataclass(frozen=True, slots=True)
class Match:
    """The head tensors in order, with the name that each gets."""

    outputs: tuple[tuple[Tensor, str], ...]


def match(node: Node, context: Context) -> Match | None:
    """Look for the first head, once the reading is known and while the tail still stands."""
    if context.reading is None or node.outputs[0].name != context.reading.outputs()[0][0]:
        return None
    wanted = context.reading.outputs()
    if [tensor.name for tensor in context.model.outputs] == [name for _, name in wanted]:
        return None
    tensors = context.model.tensors()
    return Match(tuple((tensors[name], output) for name, output in wanted))


def rewrite(edit: Editor, found: Match) -> None:
    """Make the heads the outputs."""
    edit.expose(found.outputs)


RULE = Rule("split_heads", frozenset({"Conv"}), match, rewrite, after=frozenset({"fold_constants", "focus_to_conv"}))
