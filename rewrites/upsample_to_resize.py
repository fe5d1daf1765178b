"""Bring nearest up-sampling by whole factors, in every spelling, to one Resize.

Before:   y = Resize or Upsample (nearest, any rounding), or reshapes, copies and gathers (Reshape, Expand,
          Tile, Concat, Gather, Transpose, ...) of one map x [N, C, H, W], or a ConvTranspose with a kernel of
          ones for each channel
After:    y = Resize(x, scales = [1, 1, h, w]), mode nearest, coordinate_transformation_mode asymmetric,
          nearest_mode floor
Declines: the result is no plain repetition of cells; the opset has no such Resize (before 11); the sizes are
          computed; the map is too large to be told cell by cell.
Numerics: cells are copied (EXACT). Proven, not matched: the nodes are run on numbered cells and the result is
          compared with numpy.repeat; a ConvTranspose is not, for it sums: its kernel must be the ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import Decline
from ..graph.edit import Editor
from ..graph.model import Model
from ..graph.nodes import Node, Tensor, constant_values, is_constant
from ..graph.region import outer_inputs, run_region
from ..graph.walk import need, optional
from .core.rule import Context, Rule

# They only move or copy cells, so that what they do to numbered cells they do to any values.
_COPYING = frozenset(
    {"Resize", "Upsample", "Reshape", "Expand", "Tile", "Concat", "Gather", "Transpose"}
    | {"Unsqueeze", "Squeeze", "Flatten", "Slice", "Identity"}
)
_MOST_CELLS = 1 << 24  # float32 tells so many numbers apart
_CANONICAL = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
_DEFAULTS = {
    "mode": "nearest",
    "coordinate_transformation_mode": "half_pixel",
    "nearest_mode": "round_prefer_floor",
}


@dataclass(frozen=True, slots=True)
class Match:
    """`output` repeats each cell of `source` `factors` (H, W) times."""

    output: Tensor
    source: Tensor
    factors: tuple[int, int]


def match(node: Node, context: Context) -> Match | None:
    """Look for the map whose cells the node's output repeats, as far up the graph as there is one."""
    if _is_canonical(node) and not _copies(node.inputs[0]):
        return None
    if node.op == "ConvTranspose":
        found = _spread_by_ones(node)
    elif node.op in ("Resize", "Upsample") and node.attrs.get("mode", "nearest") != "nearest":
        return None
    else:
        found = _copied(node, context.model)
    if found is None or (_is_canonical(node) and found.source is node.inputs[0]):
        return None
    need(context.model.opset >= 11, f"opset {context.model.opset} has no Resize of this kind (11 has)")
    return found


def _copied(node: Node, model: Model) -> Match | None:
    """Walk up through the copying nodes; of the maps that the node provably repeats, the farthest wins."""
    y = node.outputs[0]
    members: dict[int, Node] = {}
    best: Match | None = None
    failure: Decline | None = None
    following: Node | None = node
    while following is not None:
        members[id(following)] = following
        sources = outer_inputs(members)
        factors = _factors(sources[0], y) if len(sources) == 1 else None
        if factors is not None:
            try:
                _prove(tuple(members.values()), sources[0], y, factors, model.opset)
                best = Match(y, sources[0], factors)
            except Decline as decline:
                failure = failure or decline
        following = next((t.inputs[0] for t in sources if _copies(t)), None)
    if best is None and failure is not None:
        raise failure
    if best is None and node.op in ("Resize", "Upsample"):
        _say_why_not(node)
    return best


def _copies(tensor: Tensor) -> bool:
    if not tensor.inputs or tensor.inputs[0].op not in _COPYING:
        return False
    return bool(tensor.inputs[0].attrs.get("mode", "nearest") == "nearest")


def _factors(source: Tensor, output: Tensor) -> tuple[int, int] | None:
    """How many times H and W grow, None where the two are no maps of that kind."""
    before, after = source.shape, output.shape
    if before is None or after is None or len(before) != 4 or len(after) != 4 or source.dtype != np.float32:
        return None
    if not all(isinstance(size, int) and size > 0 for size in (*before, *after)) or before[:2] != after[:2]:
        return None
    height, width = (new // old for old, new in zip(before[2:], after[2:], strict=True))
    whole = [before[2] * height, before[3] * width] == list(after[2:])
    return (height, width) if whole and height * width > 1 else None


def _prove(nodes: tuple[Node, ...], source: Tensor, output: Tensor, factors: tuple[int, int], opset: int) -> None:
    """Run the nodes on numbered cells; declines unless each number is repeated in its place."""
    shape = [int(size) for size in source.shape or ()]
    need(int(np.prod(shape)) <= _MOST_CELLS, f"{source.name} has too many cells to number")
    numbers = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    expected = numbers.repeat(factors[0], axis=2).repeat(factors[1], axis=3)
    result = run_region(nodes, {source.name: numbers}, [output], opset)[output.name]
    wrong = np.argwhere(result != expected)
    if len(wrong):
        at = tuple(int(i) for i in wrong[0])
        read = np.unravel_index(int(result[at]), shape)
        wanted = np.unravel_index(int(expected[at]), shape)
        raise Decline(
            f"it is no plain repetition: row, column {list(at[2:])} reads {[int(i) for i in read[2:]]}, "
            f"not {[int(i) for i in wanted[2:]]}"
        )


def _say_why_not(node: Node) -> None:
    """Decline a nearest Resize that grows by no whole factors, unless it changes no shape at all."""
    before, after = node.inputs[0].shape, node.outputs[0].shape
    need(all(is_constant(t) for t in node.inputs[1:] if t.name), "its sizes are computed")
    need(before == after, f"it takes {before} to {after}, by no whole factors of H and W alone")


def _spread_by_ones(node: Node) -> Match | None:
    """A ConvTranspose of stride = kernel, whose kernel is 1 from each channel to itself, 0 to others."""
    factors = _factors(node.inputs[0], node.outputs[0])
    weight, bias = constant_values(node.inputs[1]), optional(node, 2)
    if factors is None or weight is None or weight.shape[2:] != factors:
        return None
    groups, channels = node.attrs.get("group", 1), weight.shape[0]
    ones = np.tile(np.eye(channels // groups), (groups, 1))[..., None, None]
    if not (weight == ones).all() or list(node.attrs.get("strides", [1, 1])) != list(factors):
        return None
    added = None if bias is None else constant_values(bias)
    need(bias is None or (added is not None and not added.any()), "the ConvTranspose has a bias")
    shifted = any(any(node.attrs.get(key, [])) for key in ("pads", "output_padding"))
    need(not shifted, "the ConvTranspose cuts or pads its result")
    return Match(node.outputs[0], node.inputs[0], (factors[0], factors[1]))


def _is_canonical(node: Node) -> bool:
    if node.op != "Resize" or len(node.inputs) != 3 or "axes" in node.attrs:
        return False
    written = all(node.attrs.get(key, _DEFAULTS[key]) == value for key, value in _CANONICAL.items())
    return written and constant_values(node.inputs[2]) is not None


def rewrite(edit: Editor, found: Match) -> None:
    """One Resize by whole scales."""
    y = found.output
    scales = edit.constant(np.array([1, 1, *found.factors], np.float32), f"{y.name}.scales")
    edit.supersede(y, "Resize", [found.source, edit.absent(), scales], _CANONICAL)


RULE = Rule(
    "upsample_to_resize",
    _COPYING | {"ConvTranspose"},
    match,
    rewrite,
    after=frozenset({"drop_noop", "fold_constants"}),
)
