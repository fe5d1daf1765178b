"""Certificates, verified on the very model: what the adapted network computes another way is compared, site by site.

Nothing is believed of what the rules report. A tensor that both networks have is a site if its producer differs; what
the adapted network computes between such tensors hangs as a side branch on the original, whose own values feed it. So
every site is judged on true inputs, an approximation upstream blurs no exact rewrite downstream. If every site holds,
so does the whole network, by induction in computation order: a tensor that both have is no site only if the same
operator computes it from the same tensors, and inputs and outputs are the original's. A fitted activation is held to
two promises: its operators compute the fitted function, and that function differs by no more than it says. Both
networks are run in one session; of the maps, only a few rows of the fitted ones leave it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto

from ...graph.session import Session
from ...graph.versions import opset_of
from .branch import MEASURES, Branches, measure_branches
from .difference import Difference, differing_sites
from .rule import Certificate, Fit, Step

EXACT_RTOL = 1e-5
Readers = Mapping[str, Sequence[NodeProto]]
_NOBODY = Step("", Certificate.EXACT, EXACT_RTOL, (), (), 0)
_ORDER = (Certificate.EXACT, Certificate.ROUNDING, Certificate.APPROXIMATE, Certificate.FUNCTION_CHANGING)


@dataclass(frozen=True, slots=True)
class Site:
    """One tensor that is computed another way. `max_rel` is `max_abs` over the original's spread (largest minus
    smallest); `rms_rel` is the root mean square difference over the original's standard deviation. `bound` is what
    `max_abs` may not exceed: for EXACT and ROUNDING the rule's share of the spread, for a fitted activation the
    fitted function's own largest error over the inputs that were seen; where the operators do not even compute that
    function, `max_abs` and `bound` say how far they are off. Where all values are equal, as on a map of one cell, their
    magnitude stands for the spread and for the deviation.
    """

    tensor: str
    certificate: Certificate
    bound: float
    max_abs: float
    max_rel: float
    rms_rel: float

    @property
    def holds(self) -> bool:
        """True where the difference is finite and within the bound (a maximum may overlook NaN, a mean does not)."""
        return math.isfinite(self.max_abs) and math.isfinite(self.rms_rel) and self.max_abs <= self.bound


@dataclass(frozen=True, slots=True)
class Certified:
    """The sites in computation order, which sites each step answers for, and the tapped tensors of the original."""

    sites: tuple[Site, ...]
    by_step: tuple[tuple[Site, ...], ...]
    taps: Mapping[str, NDArray[np.float32]]

    @property
    def failures(self) -> tuple[Site, ...]:
        """The sites whose certificate does not hold."""
        return tuple(site for site in self.sites if not site.holds)

    def followed_by(self, later: Certified) -> Certified:
        """Both, where `later` certifies further steps against the network that this one certified."""
        return Certified((*self.sites, *later.sites), (*self.by_step, *later.by_step), self.taps)


def certify(
    original: ModelProto,
    adapted: ModelProto,
    renamed: Mapping[str, str],
    steps: Sequence[Step],
    feeds: Mapping[str, NDArray[np.float32]],
    taps: Sequence[str],
) -> Certified:
    """Compare the two on `feeds`. `renamed` maps the adapted model's outputs, in their order, to the original's tensors
    (empty: the outputs kept their names); `taps` are tensors of the original whose values are wanted.

    Raises ValueError where the two are of different opsets.
    """
    if opset_of(original) != opset_of(adapted):
        raise ValueError(f"opsets {opset_of(original)} and {opset_of(adapted)} cannot be compared")
    difference = differing_sites(original, adapted, renamed)
    readers = _readers(original), _readers(adapted)
    answers = [_sites_of(step, difference, readers) for step in steps]
    promises = {name: _weakest(name, steps, answers) for name in difference.sites}
    fitted = {name for name, step in promises.items() if step.fit is not None}
    branches = measure_branches(original, adapted, difference, taps, fitted)
    results = Session(branches.model, branches.weights).run(feeds) if branches.model.graph.output else {}
    sites = {name: _judge(name, branches, results, promises[name]) for name in difference.sites}
    by_step = tuple(tuple(sites[name] for name in names if name in sites) for names in answers)
    broken = [_incomparable(name, Certificate.EXACT) for name in difference.broken]
    return Certified((*broken, *sites.values()), by_step, {name: results[name] for name in taps})


def _weakest(name: str, steps: Sequence[Step], answers: Sequence[frozenset[str]]) -> Step:
    """The weakest promise of the steps that made a site; one that no step made must be exact."""
    makers = [step for step, names in zip(steps, answers, strict=True) if name in names]
    return max(makers, key=lambda step: (_ORDER.index(step.certificate), step.rtol), default=_NOBODY)


def _incomparable(name: str, certificate: Certificate) -> Site:
    return Site(name, certificate, 0.0, math.inf, math.inf, math.inf)


def _judge(name: str, branches: Branches, results: Mapping[str, NDArray[np.float32]], promise: Step) -> Site:
    """Hold a site to its promise."""
    if name in branches.mismatched:
        return _incomparable(name, promise.certificate)
    measured = {measure: float(np.ravel(results[branches.result(name, measure)])[0]) for measure in MEASURES}
    spread = measured["high"] - measured["low"] or abs(measured["high"])
    largest = measured["largest"]
    bound = promise.rtol * spread
    if promise.fit is not None and name in branches.pairs:
        source, given = (results[output] for output in branches.pairs[name])
        emitted, exact = _emission_error(promise.fit, source, given), EXACT_RTOL * spread
        if emitted <= exact:
            bound = exact + promise.fit.worst(float(source.min()), float(source.max()))
        else:
            largest, bound = emitted, exact
    variance = measured["mean_square"] - measured["mean"] ** 2 if measured["high"] > measured["low"] else spread**2
    deviation = math.sqrt(max(variance, 0.0))
    rms = math.sqrt(max(measured["square"], 0.0)) / max(deviation, 1e-30)
    return Site(name, promise.certificate, bound, largest, largest / max(spread, 1e-30), rms)


def _emission_error(fit: Fit, source: NDArray[np.float32], given: NDArray[np.float32]) -> float:
    """The largest difference between what the operators give and the fitted function, on two rows of every channel."""
    rows = (..., slice(None, None, max(source.shape[-2] // 2, 1)), slice(None)) if source.ndim > 1 else ...
    return float(np.abs(given[rows] - fit.function(source[rows].astype(np.float64))).max())


def _sites_of(step: Step, difference: Difference, readers: Sequence[Readers]) -> frozenset[str]:
    """The sites that show what a step did: its own tensors, or where they vanished, the next ones downstream."""
    found: set[str] = set()
    for tensor in step.sites:
        if tensor in difference.sites:
            found.add(tensor)
        elif tensor not in difference.common:
            for each in readers:
                found |= _downstream(tensor, difference.sites, each)
    return frozenset(found)


def _readers(model: ModelProto) -> Readers:
    """The nodes that read each tensor."""
    found: dict[str, list[NodeProto]] = {}
    for node in model.graph.node:
        for name in node.input:
            found.setdefault(name, []).append(node)
    return found


def _downstream(start: str, sites: Mapping[str, NodeProto], readers: Readers) -> set[str]:
    """The first sites that one meets going down from a tensor."""
    waiting, reached, found = [start], {start}, set[str]()
    while waiting:
        for output in (name for node in readers.get(waiting.pop(), ()) for name in node.output):
            if output in sites:
                found.add(output)
            elif output not in reached:
                reached.add(output)
                waiting.append(output)
    return found
