"""What a rule is: a look, which may decline with a reason, and an edit, which always succeeds."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ...graph.edit import Editor, Origin
from ...graph.model import Model
from ...graph.nodes import Node
from ...graph.reading import Reading
from ...targets.types import Target
from .channel_sum import ChannelSum
from .histogram import Histogram


class Certificate(StrEnum):
    """What a rule promises, from the strongest promise to the weakest; each is verified on the very model.

    EXACT: equal but for the order of float operations (1e-5 of the tensor's spread). ROUNDING: float products are
    re-associated (the rule's rtol). APPROXIMATE: another function, close to the first, within a bound on the damage.
    FUNCTION_CHANGING: another function; needs consent.
    """

    EXACT = "exact"
    ROUNDING = "rounding"
    APPROXIMATE = "approximate"
    FUNCTION_CHANGING = "function-changing"


@dataclass(frozen=True, slots=True)
class ActivationPlan:
    """What becomes of activations that the target lacks; `histograms` by the name of the activation's input tensor.

    `sums` are those that mode "auto" chose, by the same names. `merge`: the convolutions that write them may be merged
    with their neighbours.
    """

    mode: Literal["pwl", "leaky", "keep", "auto"]
    hinges: int = 4
    slope: float = 0.1
    histograms: Mapping[str, Histogram] = field(default_factory=dict)
    sums: Mapping[str, ChannelSum] = field(default_factory=dict)
    merge: bool = False


@dataclass(frozen=True, slots=True)
class ChannelRange:
    """How far each channel of a map goes, and how much it varies; float64 [c] each, seen on calibration images."""

    reach: NDArray[np.float64]
    deviation: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Context:
    """What a rule may look at. `activation` and `reading` are None until they are known; their rules then wait.

    `ranges` of maps by their names: rules that prepare for quantisation wait for them.
    """

    model: Model
    target: Target
    activation: ActivationPlan | None = None
    reading: Reading | None = None
    ranges: Mapping[str, ChannelRange] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Fit:
    """What replaced an activation: names, the numbers of the new terms, and the relative error of the fit.

    `function` (float64 to float64, any shape) is what the emitted operators compute; `worst(low, high)` is the largest
    difference between it and the activation for inputs between low and high. The certificate holds both.
    """

    source: str
    to: str
    parameters: tuple[float, ...]
    error: float
    function: Callable[[NDArray[np.float64]], NDArray[np.float64]]
    worst: Callable[[float, float], float]


@dataclass(frozen=True, slots=True)
class Rule:
    """One local change. `match` gives None where the rule has nothing to say, and declines where it nearly applies.

    `certificate` is what it promises; `rtol` bounds the difference over the tensor's spread for EXACT and ROUNDING.
    `fit` tells what a match does to an activation. Its module's docstring is the rule's documentation.
    """

    name: str
    ops: frozenset[str]
    match: Callable[[Node, Context], Any]
    rewrite: Callable[[Editor, Any], None]
    certificate: Certificate = Certificate.EXACT
    rtol: float = 1e-5
    after: frozenset[str] = frozenset()
    fit: Callable[[Any], Fit] | None = None

    @property
    def doc(self) -> str:
        """The rule's documentation, first line first."""
        return (sys.modules[self.match.__module__].__doc__ or "").strip()


@dataclass(frozen=True, slots=True)
class Step:
    """One application of a rule: the tensors it computes another way, the nodes it replaced, the nodes it added.

    `origins` names maps that hold another one's channels, scaled.
    """

    rule: str
    certificate: Certificate
    rtol: float
    sites: tuple[str, ...]
    nodes: tuple[str, ...]
    added: int
    fit: Fit | None = None
    origins: Mapping[str, Origin] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NearMiss:
    """Where a rule nearly applied: the node that stopped it, and why."""

    rule: str
    node: str
    reason: str
