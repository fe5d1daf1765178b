"""Scale the channels of the maps between convolutions so that all reach equally far.

Before:   z = Conv(x, W, b), y = f(z), f of LeakyRelu, Relu, pools, up-sampling, Add, Concat; convolutions read y
After:    the same with W * t_out / t_in and b * t_out, t a power of two for each channel of each map
Declines: nothing: a channel that meets a table, a product or an output keeps its scale; a graph with nodes of several
          outputs, or of computed weights, is left alone.
Numerics: EXACT: f scales with its input, and a power of two changes no digit of a float.

A map has one scale in integers; a channel that reaches a hundredth as far as its neighbour loses all but one bit. The
heads stay what they are. The vendor's quantiser gains by it too, since it is the network that changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..graph.edit import Editor, Origin
from ..graph.model import Model
from ..graph.nodes import Node, Tensor, constant_values, is_constant
from .core.channels import Channels
from .core.rule import ChannelRange, Context, Rule

_COMMON = 8.0  # how far each channel shall reach; maps have scales of their own, so any number will do
_FURTHEST = 12  # the largest exponent of a scale
_DEAD = 1e-4  # of a map's largest reach: a channel below it stays what it is

_HOMOGENEOUS = frozenset({"LeakyRelu", "Relu", "MaxPool", "AveragePool", "GlobalAveragePool", "Resize"})

Scales = Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Match:
    """All nodes in order, and the scale of every channel of every map that has some other than 1."""

    nodes: tuple[Node, ...]
    scales: Scales


def match(conv: Node, context: Context) -> Match | None:
    """Look once, at the first convolution: the scales of all maps hang together."""
    model = context.model
    first = next((node for node in model.nodes if node.op == "Conv"), None)
    if conv is not first or not any(name in context.ranges for name in _names(model)):
        return None
    nodes = tuple(node for node in model.nodes if node.outputs)
    if any(len(node.outputs) != 1 for node in nodes):
        return None
    channels = _channels(model)
    if channels is None:
        return None
    scales = _scales(channels, context.ranges)
    if all(np.all(scale == 1) for scale in scales.values()):
        return None
    return Match(nodes, scales)


def _names(model: Model) -> list[str]:
    return [tensor.name for node in model.nodes for tensor in node.outputs]


def _channels(model: Model) -> Channels | None:
    """Which channels of which maps must have a common scale; None where a convolution's weights are computed."""
    found = Channels()
    for tensor in model.inputs:
        found.fix(found.fresh(tensor))
    for node in model.nodes:
        y = node.outputs[0]
        maps = [tensor for tensor in node.inputs if tensor.name and not is_constant(tensor)]
        if node.op == "Conv":
            if len(maps) != 1:
                return None
            found.fresh(y)
        elif node.op in _HOMOGENEOUS and len(maps) == 1:
            found.share(y, found.of(maps[0]))
        elif node.op == "Add" and len(maps) == 2 and maps[0].shape == maps[1].shape:
            found.share(y, found.join(found.of(maps[0]), found.of(maps[1])))
        elif node.op == "Concat" and node.attrs.get("axis") == 1 and len(maps) == len(node.inputs):
            found.share(y, np.concatenate([found.of(tensor) for tensor in maps]))
        else:
            for tensor in maps:
                found.fix(found.of(tensor))
            found.fix(found.fresh(y))
    for tensor in model.outputs:
        found.fix(found.of(tensor))
    return found


def _scales(channels: Channels, ranges: Mapping[str, ChannelRange]) -> Scales:
    """A power of two for each channel, by how far it reaches in any of the maps that share it."""
    reach = np.zeros(channels.count)
    dead = np.zeros(channels.count, np.bool_)
    for name, each in ranges.items():
        if channels.knows(name):
            members = channels.roots(name)
            np.maximum.at(reach, members, each.reach)
            dead[members[each.reach <= _DEAD * each.reach.max()]] = True
    exponent = np.zeros(channels.count)
    free = (reach > 0) & ~dead & ~channels.fixed
    exponent[free] = np.clip(np.round(np.log2(_COMMON / reach[free])), -_FURTHEST, _FURTHEST)
    return {name: np.exp2(exponent[channels.roots(name)]) for name in channels.names()}


def rewrite(edit: Editor, found: Match) -> None:
    """Every map again under a new name, but for the outputs, which keep theirs and their values."""
    made: dict[str, Tensor] = {}
    for node in found.nodes:
        y = node.outputs[0]
        inputs = [made.get(tensor.name, tensor) for tensor in node.inputs]
        if node.op == "Conv":
            inputs[1:] = _scaled(edit, node, found.scales)
        if edit.model.is_output(y):
            edit.supersede(y, node.op, inputs, node.attrs)
            continue
        made[y.name] = edit.compute(node.op, inputs, node.attrs, f"{y.name}.scaled", y.shape)
        scale = found.scales[y.name]
        edit.origins[made[y.name].name] = Origin(y.name, np.arange(len(scale), dtype=np.int64), scale)


def _scaled(edit: Editor, conv: Node, scales: Scales) -> list[Tensor]:
    """Weight and bias of a convolution between scaled maps."""
    values = [constant_values(tensor) for tensor in conv.inputs[1:] if tensor.name]
    weight, y = values[0], conv.outputs[0]
    assert weight is not None
    into, out = scales[conv.inputs[0].name], scales[y.name]
    if conv.attrs.get("group", 1) == 1:
        factor = out[:, None] / into[None, :]
    else:
        factor = (out / np.repeat(into, len(out) // len(into)))[:, None]
    operands = [edit.constant((weight * factor[:, :, None, None]).astype(weight.dtype), f"{y.name}.weight")]
    if len(values) > 1 and values[1] is not None:
        operands.append(edit.constant((values[1] * out).astype(values[1].dtype), f"{y.name}.bias"))
    return operands


RULE = Rule(
    "equalise_channels",
    frozenset({"Conv"}),
    match,
    rewrite,
    after=frozenset({"activation_to_pwl", "activation_to_leaky_relu", "split_heads"}),
)
