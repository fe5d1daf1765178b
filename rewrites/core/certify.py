"""Certificates, verified on the very model: what the adapted network computes another way is compared, site by site.

Nothing is believed of what the rules report. A tensor that both networks have is a site if its producer differs; what
the adapted network computes between such tensors hangs as a side branch on the original, whose own values feed it. So
every site is judged on true inputs, an approximation upstream blurs no exact rewrite downstream, and if every site
holds, so does the whole network, by induction. Both are run in one session; only the differences leave it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto

from ...graph.session import Session
from .branch import MEASURES, Branches, measure_branches
from .difference import Difference, differing_sites
from .rule import Certificate, Step

EXACT_RTOL = 1e-5
_NOBODY = Step("", Certificate.EXACT, EXACT_RTOL, (), (), 0)
_ORDER = (Certificate.EXACT, Certificate.ROUNDING, Certificate.APPROXIMATE, Certificate.FUNCTION_CHANGING)


@dataclass(frozen=True, slots=True)
class Site:
    """One tensor that is computed another way. `max_rel` is `max_abs` over the original's spread (largest minus
    smallest); `rms_rel` is the root mean square difference over the original's standard deviation. `bound` is what
    `max_abs` may not exceed: for EXACT and ROUNDING the rule's share of the spread, for a fitted activation the
    fitted function's own largest error over the inputs that were seen.
    """

    tensor: str
    certificate: Certificate
    bound: float
    max_abs: float
    max_rel: float
    rms_rel: float

    @property
    def holds(self) -> bool:
        """True where the difference is finite and within the bound."""
        return math.isfinite(self.max_abs) and self.max_abs <= self.bound


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


def certify(
    original: ModelProto,
    adapted: ModelProto,
    renamed: Mapping[str, str],
    steps: Sequence[Step],
    feeds: Mapping[str, NDArray[np.float32]],
    taps: Sequence[str],
) -> Certified:
    """Compare the two on `feeds`. `renamed` maps the adapted model's output names to the original's tensors; `taps`
    are tensors of the original whose values are wanted. Both models are of one opset.
    """
    difference = differing_sites(original, adapted, renamed)
    branches = measure_branches(original, adapted, difference, taps)
    results = Session(branches.model).run(feeds)
    answers = [_sites_of(step, difference, original, adapted) for step in steps]
    sites = {}
    for name in difference.sites:
        makers = [step for step, names in zip(steps, answers, strict=True) if name in names]
        sites[name] = _judge(name, branches, results, makers)
    by_step = tuple(tuple(sites[name] for name in names if name in sites) for names in answers)
    return Certified(tuple(sites.values()), by_step, {name: results[name] for name in taps})


def _judge(name: str, branches: Branches, results: Mapping[str, NDArray[np.float32]], makers: Sequence[Step]) -> Site:
    """Hold a site to the weakest promise of the steps that made it; one that no step made must be exact."""
    weakest = max(makers, key=lambda step: (_ORDER.index(step.certificate), step.rtol), default=_NOBODY)
    if name in branches.mismatched:
        return Site(name, weakest.certificate, 0.0, math.inf, math.inf, math.inf)
    measured = {measure: float(np.ravel(results[branches.result(name, measure)])[0]) for measure in MEASURES}
    largest, spread = measured["largest"], measured["high"] - measured["low"]
    deviation = math.sqrt(max(measured["mean_square"] - measured["mean"] ** 2, 0.0))
    bound = weakest.rtol * spread
    if weakest.fit is not None:
        bound = EXACT_RTOL * spread + weakest.fit.worst(measured["input_low"], measured["input_high"])
    relative = largest / max(spread, 1e-30)
    rms = math.sqrt(max(measured["square"], 0.0)) / max(deviation, 1e-30)
    return Site(name, weakest.certificate, bound, largest, relative, rms)


def _sites_of(step: Step, difference: Difference, original: ModelProto, adapted: ModelProto) -> frozenset[str]:
    """The sites that show what a step did: its own tensors, or where they vanished, the next ones downstream."""
    found: set[str] = set()
    for tensor in step.sites:
        if tensor in difference.sites:
            found.add(tensor)
        elif tensor not in difference.common:
            found |= _downstream(tensor, difference.sites, original.graph.node)
            found |= _downstream(tensor, difference.sites, adapted.graph.node)
    return frozenset(found)


def _downstream(start: str, sites: Mapping[str, NodeProto], nodes: Iterable[NodeProto]) -> set[str]:
    """The first sites that one meets going down from a tensor (nodes in computation order)."""
    reached, found = {start}, set[str]()
    for node in nodes:
        if reached.intersection(node.input):
            for output in node.output:
                if output in sites:
                    found.add(output)
                else:
                    reached.add(output)
    return found
