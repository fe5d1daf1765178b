"""The verdict: what fails, what is refused, and the one line that says how it went."""

from __future__ import annotations

import math
from collections.abc import Iterable

from ..errors import Exit
from ..rewrites.core.certify import Site
from .facts import Facts
from .heads import damage_by_role
from .integer_warnings import integer_warnings
from .mixture.types import Mixture
from .outcome import Outcome
from .report.types import Report
from .request import Request

# Heads that only exact and rounding rewrites lie before: the largest difference over the role's spread.
EXACT_HEADS = 1e-4
# Heads behind approximated activations, on the user's images: root mean square difference over the role's standard
# deviation, so that 1 is an error as large as the signal. On noise no bound is held unless one is given: what a
# network says of noise is no measure of its worth.
DEFAULT_MAX_DAMAGE = 1.0


def judge(report: Report, facts: Facts) -> Outcome:
    """Exit 1 for a failed certificate or bound, 3 for refused nodes or missing consent, else 0. No files are made."""
    failures = tuple(_failures(facts))
    code, verdict = Exit.FINE, _success(report, facts)
    if failures:
        code, verdict = Exit.FAILED, f"not adapted: {failures[0]}" + _more(len(failures) - 1)
    elif facts.placement.refused:
        code, verdict = Exit.UNSUPPORTED, _refusal(facts)
    elif _lacks_consent(facts):
        code, verdict = Exit.UNSUPPORTED, _consent(facts)
    return Outcome(report, verdict, tuple(_warnings(facts)), code, failures)


def _failures(facts: Facts) -> Iterable[str]:
    if facts.certified is not None:
        yield from (_failed_site(facts, site) for site in facts.certified.failures)
    if facts.mixture is not None and not facts.mixture.holds:
        yield _short_of(facts.mixture, facts.request)
    if facts.recovery is not None:
        yield from facts.recovery.failures
    if facts.verification is None:
        return
    if facts.mode == "keep" or not _approximated(facts):
        for head in facts.verification.per_head:
            if not head.max_rel <= EXACT_HEADS:
                yield f"{head.head} is off by {head.max_rel:.3g} of its spread (bound {EXACT_HEADS:g})"
    elif facts.mode in ("pwl", "auto"):
        bound = _bound(facts)
        for role, damage in damage_by_role(facts.verification).items():
            if not damage <= bound:
                yield f"{role} is off by {damage:.3g} of its deviation (--max-damage {bound:g})"


def _short_of(mixture: Mixture, request: Request) -> str:
    """What was asked of the mixture, and the best that was found."""
    limit = request.max_extra_macs
    within = "" if limit is None else f" with at most {limit:+.0%} multiply-accumulates"
    best = mixture.point
    return (
        f"no mixture of sums agrees to {request.min_agreement:.1%}{within} on {mixture.held_out} held-out images;"
        f" the best agrees to {best.agreement:.1%} with {best.extra_macs:+.1%}"
    )


def _bound(facts: Facts) -> float:
    if facts.request.max_damage is not None:
        return facts.request.max_damage
    return DEFAULT_MAX_DAMAGE if facts.calibration is not None else math.inf


def _failed_site(facts: Facts, site: Site) -> str:
    anchor = facts.anchor((site.tensor,))
    measured = f"off by {site.max_abs:.3g} (bound {site.bound:.3g})"
    return f"{anchor} ({site.tensor}): the {site.certificate} certificate fails, {measured}"


def _approximated(facts: Facts) -> bool:
    return any(step.fit is not None for step in facts.applied.steps)


def _lacks_consent(facts: Facts) -> bool:
    """A plan changes nothing, so it needs no consent."""
    request = facts.request
    return facts.mode == "leaky" and _approximated(facts) and not (request.accept_function_change or request.dry_run)


def _consent(facts: Facts) -> str:
    damage = damage_by_role(facts.verification) if facts.verification is not None else {}
    told = ", ".join(f"{role} {value:.0%}" for role, value in damage.items())
    return (
        f"not adapted: a plain LeakyReLU changes the function (damage at the heads: {told});"
        " add --accept-function-change, or use --activation pwl"
    )


def _refusal(facts: Facts) -> str:
    refused = facts.placement.refused
    first = refused[0]
    told = f"not adapted: {facts.target.name} runs {first.op} {first.node} nowhere: {first.reason}"
    lacking = any(not facts.target.runs_activation(each.name) for each in facts.prepared.activations.values())
    hint = "; --activation pwl approximates what it lacks" if facts.mode == "keep" and lacking else ""
    return told + _more(len(refused) - 1) + hint


def _more(count: int) -> str:
    return f" (and {count} more)" if count else ""


def _success(report: Report, facts: Facts) -> str:
    fits = {(fit.source, fit.to) for fit in report.activations if fit.source != fit.to}
    changed = ", ".join(sorted(f"{source} -> {to}" for source, to in fits)) or "activations kept"
    if facts.recovery is not None:
        changed = f"recovered as {facts.recovery.activation}, {facts.recovery.measured}"
    if facts.verification is None:
        return f"plan: {changed}; {facts.placement.npu} nodes on the NPU, {facts.placement.cpu} on the CPU"
    damage = max(damage_by_role(facts.verification).values())
    worst = facts.verification.max_rel
    same = f"heads equal to {worst:.0e} of their spread" if worst else "heads equal in every bit"
    how = f"heads off by {damage:.1%} at most" if fits else same
    told = f"adapted for {facts.target.name}: {changed}; {how} on {facts.verification.input}; all certificates hold"
    return told + _in_integers(report)


def _in_integers(report: Report) -> str:
    """How many of the adapted network's boxes the integer network still finds."""
    found, integers = report.detections, report.integers
    if found is None or integers is None:
        return ""
    width = f"{integers.bits} bits" + (" and 16" if integers.wider else "")
    return f"; in integers ({width}) {found.matched} of {found.matched + found.lost} boxes stay, {found.new} are new"


def _warnings(facts: Facts) -> Iterable[str]:
    seen = facts.calibration
    if seen is not None:
        yield from (f"skipped {each}" for each in seen.skipped)
    elif facts.mode != "keep" and not facts.request.dry_run:
        yield "no --calib images: fits follow a normal distribution, and damage on noise says little; give --calib DIR"
    if facts.recovery is not None:
        yield from facts.recovery.warnings
    if facts.simulation is not None:
        yield from integer_warnings(facts.simulation)
    elif seen is not None and facts.request.golden and not facts.request.dry_run:
        yield f"no integer simulation: {facts.target.name} has no integer arithmetic here yet"
    extra = [role for level in facts.prepared.reading.levels for role, _ in level.extra]
    if extra:
        yield f"{len(extra)} further head maps are raw outputs after cls; their meaning is not proven"
