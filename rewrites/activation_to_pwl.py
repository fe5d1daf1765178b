"""Replace an activation that the target lacks by a sum of shifted LeakyReLUs.

Before:   y = activation(x), in any spelling
After:    y = sum over k of LeakyRelu_alpha_k(a_k * x + b_k), each a_k * x + b_k a depthwise 1x1 Conv, alpha 0 a Relu
Declines: x is no feature map of static shape; the function is no known activation.
Numerics: APPROXIMATE. The sum is fitted to where the layer's input lies: its histogram over the calibration images,
          else a normal distribution. The emitted operators must differ from the activation by no more than the
          fitted function does; what that does to the heads is bounded by --max-damage.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np

from ..graph.edit import Editor
from ..graph.nodes import Node, Tensor
from ..graph.walk import need, static_shape
from .core.activation import KNOWN, LAST_OPERATORS, Activation
from .core.histogram import global_histogram
from .core.lacking import lacking_activation
from .core.pwl import LeakySum, Term, fit_leaky_sum
from .core.rule import Certificate, Context, Fit, Rule
from .core.terms import write_sum


@dataclass(frozen=True, slots=True)
class Match:
    """An activation and the sum that replaces it."""

    activation: Activation
    fitted: LeakySum
    hinges: int


def match(node: Node, context: Context) -> Match | None:
    """Look for an activation that the target does not run."""
    plan, found = context.activation, lacking_activation(node, context, "pwl")
    if plan is None or found is None:
        return None
    shape = static_shape(found.input)
    need(len(shape) == 4, f"the input of {found.name} has the shape {shape}, no feature map", node)
    histogram = plan.histograms.get(found.input.name)
    if histogram is None:
        return Match(found, _global_fit(found.name, plan.hinges), plan.hinges)
    return Match(found, fit_leaky_sum(found.curve, histogram, plan.hinges), plan.hinges)


@lru_cache
def _global_fit(name: str, hinges: int) -> LeakySum:
    return fit_leaky_sum(KNOWN[name], global_histogram(), hinges)


def rewrite(edit: Editor, found: Match) -> None:
    """Write the terms and add them up; the last operator computes the activation's own output."""
    x, terms = found.activation.input, found.fitted.terms
    slopes = [term.alpha for term in terms]
    write_sum(edit, found.activation.output, slopes, lambda index, stem: _scaled(edit, x, terms[index], stem))


def _scaled(edit: Editor, x: Tensor, term: Term, stem: str) -> Tensor:
    """a * x + b, per channel, as a depthwise 1x1 convolution."""
    channels = static_shape(x)[1]
    weight = edit.constant(np.full((channels, 1, 1, 1), term.a, np.float32), f"{stem}.weight")
    bias = edit.constant(np.full(channels, term.b, np.float32), f"{stem}.bias")
    attrs = {
        "kernel_shape": [1, 1],
        "strides": [1, 1],
        "pads": [0, 0, 0, 0],
        "dilations": [1, 1],
        "group": channels,
    }
    return edit.compute("Conv", [x, weight, bias], attrs, stem)


def fit(found: Match) -> Fit:
    """The terms' numbers (a, b, alpha of each) and the error of the fit."""
    numbers = tuple(value for term in found.fitted.terms for value in (term.a, term.b, term.alpha))
    fitted = found.fitted
    return Fit(found.activation.name, f"pwl{found.hinges}", numbers, fitted.error, fitted, partial(worst_error, found))


def worst_error(found: Match, low: float, high: float) -> float:
    """The largest difference between the sum and the activation, on a grid of [low, high] and at the kinks."""
    x = np.concatenate([np.linspace(low, high, 4097), np.clip(found.fitted.kinks, low, high)])
    return float(np.abs(found.fitted(x) - found.activation.curve(x)).max()) * (1 + 1e-3)


RULE = Rule(
    "activation_to_pwl",
    LAST_OPERATORS,
    match,
    rewrite,
    certificate=Certificate.APPROXIMATE,
    after=frozenset({"split_heads"}),
    fit=fit,
)
