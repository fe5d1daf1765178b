"""Replace an activation that the target lacks by the sum of LeakyReLUs that was chosen for its layer.

Before:   y = activation(x), in any spelling
After:    y = sum over k of LeakyRelu_k(a_k * x + b_k), each a_k * x + b_k a depthwise 1x1 Conv; or, where the sum has
          factors: y = Conv(LeakyRelu(Conv(x, A, b)), S, c), both 1x1, the map between them k times as wide as x
Declines: x is no feature map of static shape; the function is no known activation; no sum was chosen for it.
Numerics: APPROXIMATE. Each channel has its own a_k and b_k, fitted to where its input lies on the calibration images.
          The emitted operators must differ from the activation by no more than the fitted sum does. How many terms a
          layer gets is decided on images, by --activation auto.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ..graph.edit import Editor, Origin
from ..graph.nodes import Node, Tensor
from ..graph.walk import need, static_shape
from .core.activation import LAST_OPERATORS, Activation
from .core.channel_sum import ChannelSum
from .core.lacking import lacking_activation
from .core.rule import Certificate, Context, Fit, Rule
from .core.terms import leaky, write_sum

_POINTWISE = {"kernel_shape": [1, 1], "strides": [1, 1], "pads": [0, 0, 0, 0], "dilations": [1, 1]}


@dataclass(frozen=True, slots=True)
class Match:
    """An activation and the sum that replaces it."""

    activation: Activation
    chosen: ChannelSum


def match(node: Node, context: Context) -> Match | None:
    """Look for an activation that the target does not run."""
    plan, found = context.activation, lacking_activation(node, context, "auto")
    if plan is None or found is None:
        return None
    shape = static_shape(found.input)
    need(len(shape) == 4, f"the input of {found.name} has the shape {shape}, no feature map", node)
    chosen = plan.sums.get(found.input.name)
    if chosen is None:
        need(False, f"no sum was chosen for this {found.name}", node)
        return None
    return Match(found, chosen)


def rewrite(edit: Editor, found: Match) -> None:
    """Write the sum; the last operator computes the activation's own output."""
    if found.chosen.is_plain:
        _write_terms(edit, found)
    else:
        _write_wide(edit, found)


def _write_terms(edit: Editor, found: Match) -> None:
    """Depthwise convolutions, LeakyReLUs and additions."""
    x, chosen = found.activation.input, found.chosen

    def scaled(index: int, stem: str) -> Tensor:
        return _convolved(edit, x, chosen.scale[index].reshape(-1, 1), chosen.shift[index], stem, x.shape)

    write_sum(edit, found.activation.output, chosen.slopes, scaled)


def _write_wide(edit: Editor, found: Match) -> None:
    """All terms side by side in one map, term by term: its channel k * c + i is term k of channel i."""
    x, y, chosen = found.activation.input, found.activation.output, found.chosen
    n, channels, h, w = static_shape(x)
    shape = [n, chosen.hinges * channels, h, w]
    spread = np.concatenate([np.diag(scale) for scale in chosen.scale])
    wide = _convolved(edit, x, spread, chosen.shift.ravel(), f"{y.name}.wide", shape)
    op, inputs, attrs = leaky(wide, chosen.slopes[0])
    bent = edit.compute(op, inputs, attrs, f"{y.name}.wide.act")
    members = np.tile(np.arange(channels), chosen.hinges)
    for made, slope in ((wide, 1.0), (bent, chosen.slopes[0])):
        edit.origins[made.name] = Origin(x.name, members, chosen.scale.ravel(), chosen.shift.ravel(), slope)
    weight = np.concatenate([np.diag(factor) for factor in chosen.factor], axis=1)
    stored = [
        _stored(edit, weight, f"{y.name}.weight"),
        edit.constant(chosen.constant.astype(np.float32), f"{y.name}.bias"),
    ]
    edit.supersede(y, "Conv", [bent, *stored], {**_POINTWISE, "group": 1})


def _convolved(
    edit: Editor, x: Tensor, weight: NDArray[np.float64], bias: NDArray[np.float64], stem: str, shape: list[int] | None
) -> Tensor:
    """A 1x1 convolution of weight [o, i]; depthwise where i is 1."""
    groups = static_shape(x)[1] if weight.shape[1] == 1 else 1
    stored = [_stored(edit, weight, f"{stem}.weight"), edit.constant(bias.astype(np.float32), f"{stem}.bias")]
    return edit.compute("Conv", [x, *stored], {**_POINTWISE, "group": groups}, stem, shape)


def _stored(edit: Editor, weight: NDArray[np.float64], stem: str) -> Tensor:
    return edit.constant(weight.astype(np.float32)[:, :, None, None], stem)


def fit(found: Match) -> Fit:
    """The slopes of the terms, which all channels share, and the error of the fit."""
    chosen = found.chosen
    to = f"pwl{chosen.hinges}" if chosen.is_plain else f"wide{chosen.hinges}"
    return Fit(found.activation.name, to, chosen.slopes, chosen.error, chosen, partial(worst_error, found))


def worst_error(found: Match, low: float, high: float) -> float:
    """The largest difference between sum and activation in any channel, on a grid of [low, high] and at the kinks."""
    chosen = found.chosen
    bent = np.where(chosen.scale != 0, chosen.scale, 1.0)
    kinks = np.clip(-chosen.shift / bent, low, high)
    grid = np.broadcast_to(np.linspace(low, high, 1025)[:, None], (1025, chosen.scale.shape[1]))
    x = np.concatenate([grid, kinks])
    return float(np.abs(chosen(x) - found.activation.curve(x)).max()) * (1 + 1e-3)


RULE = Rule(
    "activation_to_channel_sum",
    LAST_OPERATORS,
    match,
    rewrite,
    certificate=Certificate.APPROXIMATE,
    after=frozenset({"split_heads"}),
    fit=fit,
)
