"""Split a convolution whose channels differ widely in range into some of like range, joined again behind.

Before:   y = f(Conv(x, W, b)), f a chain of activations and depthwise convolutions; ordinary convolutions read y
After:    y = Concat(f_1(Conv(x, W_1, b_1)), ...), each with some of the channels; the readers' weights are permuted
Declines: nothing: where a scale a map serves all channels, or a step of the chain has other readers, it stays silent.
Numerics: EXACT: each value is computed by the same products; the readers add theirs in another order.

A map has one scale for all its channels, but a Concat lets each part keep its own. A stem whose channels reach from
.2 to 140 loses the quiet ones in 8 bits; in parts it keeps them, and no product is computed twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..graph.edit import Editor, Origin
from ..graph.nodes import Node, Tensor, constant_values, is_constant
from ..graph.walk import optional
from .core.activation import activation_at
from .core.grouping import Groups, grouped
from .core.rule import Context, Rule

MOST_GROUPS = 4
_AUDIBLE = 1e-2  # noise over variance, a channel: 20 dB
_GAIN = 4.0  # what splitting must take off it
_ENOUGH = 1.5  # fewer groups are taken where they come this close to the best


@dataclass(frozen=True, slots=True)
class Match:
    """The convolution, the nodes behind it up to `last`, the convolutions that read that, and the groups."""

    conv: Node
    chain: tuple[Node, ...]
    last: Tensor
    readers: tuple[Node, ...]
    groups: Groups


def match(conv: Node, context: Context) -> Match | None:
    """Look for a chain whose maps have channels of very different ranges."""
    if not context.ranges or not _is_plain(conv, groups=1):
        return None
    chain, maps = _chain(conv, context)
    last = maps[-1]
    readers = list({id(node): node for node in last.outputs}.values())
    if context.model.is_output(last) or not readers or not all(_is_plain(node, groups=1) for node in readers):
        return None
    if not all(node.inputs[0] is last for node in readers):
        return None
    ranges = [context.ranges[tensor.name] for tensor in maps if tensor.name in context.ranges]
    if len(ranges) != len(maps):
        return None
    options = grouped(ranges, MOST_GROUPS)
    channels = len(ranges[0].reach) * len(ranges)
    whole, best = options[0][0], min(noise for noise, _ in options)
    if whole / channels < _AUDIBLE or best * _GAIN > whole:
        return None
    groups = next(groups for noise, groups in options if noise <= _ENOUGH * best)
    return Match(conv, tuple(chain), last, tuple(readers), groups)


def _is_plain(node: Node, *, groups: int) -> bool:
    """A Conv of constant parameters with this many groups."""
    return (
        node.op == "Conv"
        and node.attrs.get("group", 1) == groups
        and is_constant(node.inputs[1])
        and (optional(node, 2) is None or is_constant(node.inputs[2]))
    )


def _chain(conv: Node, context: Context) -> tuple[list[Node], list[Tensor]]:
    """The nodes of activations and depthwise convolutions behind a convolution, and the maps between them."""
    nodes: list[Node] = []
    maps = [conv.outputs[0]]
    channels = len(constant_values(conv.inputs[1]))  # type: ignore[arg-type]
    while not context.model.is_output(maps[-1]):
        readers = {id(node): node for node in maps[-1].outputs}
        region = _activation_on(maps[-1], context)
        if region is not None:
            members, output = region
        elif len(readers) == 1:
            (reader,) = readers.values()
            if not _is_plain(reader, groups=channels) or channels == 1:
                break
            if len(constant_values(reader.inputs[1])) != channels:  # type: ignore[arg-type]
                break
            members, output = (reader,), reader.outputs[0]
        else:
            break
        nodes.extend(members)
        maps.append(output)
    return nodes, maps


def _activation_on(x: Tensor, context: Context) -> tuple[tuple[Node, ...], Tensor] | None:
    """The nodes and the output of the activation that takes x, where it alone reads x."""
    waiting = list(x.outputs)
    seen: set[int] = set()
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        found = activation_at(node, context.model)
        if found is not None and found.input is x:
            inside = {id(member) for member in found.nodes}
            return (found.nodes, found.output) if all(id(reader) in inside for reader in x.outputs) else None
        if len(seen) < 8 and node.outputs:
            waiting.extend(node.outputs[0].outputs)
    return None


def rewrite(edit: Editor, found: Match) -> None:
    """A copy of the chain for each group, a Concat, and readers whose weights follow the new order."""
    parts = [_part(edit, found, members, index) for index, members in enumerate(found.groups)]
    shape = list(found.last.shape or [])
    joined = edit.compute("Concat", parts, {"axis": 1}, f"{found.last.name}.joined", shape)
    order = np.concatenate(found.groups)
    edit.origins[joined.name] = Origin(found.last.name, order, np.ones(len(order)))
    for reader in found.readers:
        y = reader.outputs[0]
        weight = edit.constant(_values(reader, 1)[:, order], f"{y.name}.weight")
        edit.supersede(y, "Conv", [joined, weight, *reader.inputs[2:]], reader.attrs)


def _part(edit: Editor, found: Match, members: NDArray[np.int64], index: int) -> Tensor:
    """The chain with these channels alone."""
    made: dict[str, Tensor] = {}
    for node in (found.conv, *_in_order(found)):
        y = node.outputs[0]
        shape = list(y.shape or [])
        shape[1] = len(members)
        inputs: list[Tensor] = [made.get(tensor.name, tensor) for tensor in node.inputs]
        attrs = dict(node.attrs)
        if node.op == "Conv":
            inputs[1:] = [
                edit.constant(_values(node, place)[members], f"{y.name}.{index}.{what}")
                for place, what in ((1, "weight"), (2, "bias"))
                if optional(node, place) is not None
            ]
            if node is not found.conv:
                attrs["group"] = len(members)
        made[y.name] = edit.compute(node.op, inputs, attrs, f"{y.name}.{index}", shape)
        edit.origins[made[y.name].name] = Origin(y.name, members, np.ones(len(members)))
    return made[found.last.name]


def _in_order(found: Match) -> Sequence[Node]:
    """The chain's nodes, each after those it reads."""
    ready = {found.conv.outputs[0].name}
    waiting, ordered = list(found.chain), []
    own = {tensor.name for node in found.chain for tensor in node.outputs}
    while waiting:
        node = next(n for n in waiting if all(t.name in ready or t.name not in own for t in n.inputs))
        waiting = [other for other in waiting if other is not node]
        ready.update(tensor.name for tensor in node.outputs)
        ordered.append(node)
    return ordered


def _values(node: Node, place: int) -> NDArray[Any]:
    values = constant_values(node.inputs[place])
    assert values is not None
    return values


RULE = Rule(
    "split_by_range",
    frozenset({"Conv"}),
    match,
    rewrite,
    after=frozenset({"activation_to_pwl", "activation_to_leaky_relu", "split_heads"}),
)
