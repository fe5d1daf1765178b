"""Replace an activation that the target lacks by one plain LeakyReLU.

Before:   y = activation(x), in any spelling
After:    y = LeakyRelu(x), with the slope asked for
Declines: the nodes compute an elementwise function that is no known activation.
Numerics: FUNCTION_CHANGING. Without retraining the network's accuracy is lost; it runs with consent only, and the
          damage is measured at the heads.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ..graph.edit import Editor
from ..graph.nodes import Node
from .core.activation import LAST_OPERATORS, Activation
from .core.histogram import Histogram, global_histogram
from .core.lacking import lacking_activation
from .core.rule import Certificate, Context, Fit, Rule


@dataclass(frozen=True, slots=True)
class Match:
    """An activation, the slope that replaces it, and where its input lies."""

    activation: Activation
    slope: float
    histogram: Histogram


def match(node: Node, context: Context) -> Match | None:
    """Look for an activation that the target does not run."""
    plan, found = context.activation, lacking_activation(node, context, "leaky")
    if plan is None or found is None:
        return None
    return Match(found, plan.slope, plan.histograms.get(found.input.name) or global_histogram())


def rewrite(edit: Editor, found: Match) -> None:
    """Swap it."""
    edit.supersede(found.activation.output, "LeakyRelu", [found.activation.input], {"alpha": found.slope})


def fit(found: Match) -> Fit:
    """The slope, and the root mean square error over the activation's standard deviation."""
    x = found.histogram.centres
    error = found.histogram.relative_error(leaky(found.slope, x), found.activation.curve(x))
    function, worst = partial(leaky, found.slope), partial(worst_error, found)
    return Fit(found.activation.name, "leaky", (found.slope,), error, function, worst)


def leaky(slope: float, x: NDArray[np.float64]) -> NDArray[np.float64]:
    """LeakyReLU at x, of any shape."""
    return np.where(x > 0, x, slope * x)


def worst_error(found: Match, low: float, high: float) -> float:
    """The largest difference between LeakyReLU and the activation for inputs in [low, high], on a dense grid."""
    x = np.linspace(low, high, 4097)
    return float(np.abs(leaky(found.slope, x) - found.activation.curve(x)).max()) * (1 + 1e-3)


RULE = Rule(
    "activation_to_leaky_relu",
    LAST_OPERATORS,
    match,
    rewrite,
    certificate=Certificate.FUNCTION_CHANGING,
    after=frozenset({"split_heads"}),
    fit=fit,
)
