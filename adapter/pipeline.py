"""The journey of one model, on one page: load, read, rewrite, place, certify, compare, judge, emit."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import NamedTuple

from onnx import ModelProto

from ..errors import AdaptError, Exit
from ..graph.cost import macs_by_output
from ..graph.opset import convert_opset
from ..rewrites.core.certify import Certified
from ..rewrites.core.rule import ActivationPlan, Context
from ..rewrites.core.rules import discover
from ..rewrites.core.run import Applied, run
from ..targets.loader import load_target
from ..targets.types import Target
from .calibrate import Calibration, calibrate
from .compare import certify_conditioning, certify_on_probe, compare
from .condition import condition, merge, with_made_maps
from .emit.folder import emit
from .facts import Facts
from .judge import judge
from .mixture.types import Mixture
from .outcome import Outcome
from .place import locate
from .prepare import Prepared, prepare
from .progress import Progress, Silent
from .recover_types import Recovery, RecoveryRequest
from .report.build import build_report
from .request import Activation, Request
from .simulate import simulate
from .stopwatch import Stopwatch


def adapt(request: Request, progress: Progress | None = None) -> Outcome:
    """Make the network run on the target and prove what was changed. Raises AdaptError where that cannot be done.

    Certificates that fail, a damage above its bound and nodes that run nowhere come back in the outcome, which then
    holds no files.
    """
    watch = Stopwatch(progress or Silent())
    target = load_target(request.target)
    _check(request, target)
    recovery = _recovery(request, watch)
    prepared = prepare(request, target, watch, recovery.network if recovery is not None else None)
    mode = "keep" if recovery is not None else request.activation or _default_mode(prepared, target)
    seen = None
    if request.calibration is not None and (mode == "auto" or not request.dry_run):
        seen = calibrate(request, request.calibration, prepared, watch)
    mixture = _mixture(request, target, prepared, seen, watch) if mode == "auto" else None
    watch.stage("rewriting")
    context, applied = _rewrite(target, prepared, _plan(request, mode, seen, mixture))
    prepared = with_made_maps(prepared, applied.steps)
    adapted = prepared.model.to_proto()
    certified = None if request.dry_run else certify_on_probe(request, prepared, applied, adapted, watch)
    if seen is not None and certified is not None:
        made = _Made(prepared, applied, certified, adapted)
        prepared, applied, certified, adapted = _followed(request, made, context, seen)
        del made
    final = convert_opset(adapted, target.onnx.opset, target.onnx.ir_version)
    del adapted  # each network in hand costs its weights' memory
    located, macs = locate(prepared.model, target), macs_by_output(final)
    told = (request, target, prepared, mode, applied, final, located, macs, seen, certified)
    facts = Facts(*told, mixture=mixture, recovery=recovery)
    if request.dry_run:
        return _timed(judge(build_report(facts), facts), watch)
    facts, golden = compare(facts, watch)
    if seen is not None and request.golden and target.arithmetic is not None:
        facts = replace(facts, simulation=simulate(facts, seen, [adapted for _, adapted in golden.pairs], watch))
    watch.stage("writing the report")
    outcome = judge(build_report(facts), facts)
    if outcome.exit_code == Exit.FINE:
        outcome = emit(facts, outcome, golden)
    return _timed(outcome, watch)


class _Made(NamedTuple):
    """Where the network stands: what was done to it, what that certified, and the result."""

    prepared: Prepared
    applied: Applied
    certified: Certified
    adapted: ModelProto


def _followed(request: Request, done: _Made, context: Context, seen: Calibration) -> _Made:
    """The same after further changes, each certified against the network before it."""
    for change in (merge, partial(condition, seen=seen, made=done.applied.steps)):
        more = change(context)
        if more.steps:
            adapted = done.prepared.model.to_proto()
            later = certify_conditioning(request, done.prepared, more, done.adapted, adapted)
            applied = Applied((*done.applied.steps, *more.steps), done.applied.near_misses)
            done = _Made(with_made_maps(done.prepared, more.steps), applied, done.certified.followed_by(later), adapted)
    return done


def _check(request: Request, target: Target) -> None:
    """Widths, mixtures and recoveries need images; widths cannot be chosen where nothing is simulated."""
    if request.recover is not None and request.calibration is None:
        raise AdaptError("--recover learns from images", hint="give --calib DIR")
    if request.recover is not None and request.activation == "keep":
        raise AdaptError("--recover replaces activations, and --activation keep keeps them", hint="leave one out")
    if request.activation == "auto" and request.calibration is None:
        raise AdaptError("--activation auto measures on images", hint="give --calib DIR")
    auto, file = request.bits == "auto", request.mix_precision
    if auto and file is not None:
        raise AdaptError("--bits auto and --mix-precision both choose widths", where=str(file), hint="leave one out")
    if request.dry_run or not (auto or file):
        return
    option = "--bits auto" if auto else "--mix-precision"
    if target.arithmetic is None:
        what = f"{option} needs the integer simulation, and {target.name} has no integer arithmetic here yet"
        raise AdaptError(what, hint="--bits 8", code=Exit.UNSUPPORTED)
    if request.calibration is None or not request.golden:
        raise AdaptError(f"{option} needs images to simulate on", hint="give --calib DIR, and no --no-golden")


def _timed(outcome: Outcome, watch: Stopwatch) -> Outcome:
    """The outcome with the seconds of each stage; the last one ends here."""
    watch.stop()
    return replace(outcome, durations=dict(watch.durations))


def _default_mode(prepared: Prepared, target: Target) -> Activation:
    """Keep what the target runs; where it lacks an activation, approximate."""
    lacking = any(not target.runs_activation(each.name) for each in prepared.activations.values())
    return "pwl" if lacking else "keep"


def _recovery(request: Request, progress: Progress) -> Recovery | None:
    """The network with the target's activations that --recover learns. Ctrl-C ends the whole job."""
    if request.recover is None or request.calibration is None or request.dry_run or request.activation == "keep":
        return None
    from .recover import recover  # torch is needed there

    asked = RecoveryRequest(
        request.model,
        request.calibration,
        activation=request.activation or "pwl",
        hinges=request.hinges,
        min_agreement=request.min_agreement,
        max_extra_macs=request.max_extra_macs,
        minutes=request.recover,
        html=False,
        target=request.target,
        input_shape=request.input_shape,
        preprocess=request.preprocess,
    )
    made = recover(asked, progress)
    if made.interrupted:
        raise KeyboardInterrupt
    return made


def _mixture(
    request: Request, target: Target, prepared: Prepared, seen: Calibration | None, progress: Progress
) -> Mixture | None:
    """What --activation auto chooses."""
    from .mixture.choose import choose  # the other modes do not need it

    return None if seen is None else choose(request, target, prepared, seen, progress)


def _plan(request: Request, mode: Activation, seen: Calibration | None, mixture: Mixture | None) -> ActivationPlan:
    """What becomes of the activations."""
    histograms = seen.histograms if seen is not None else {}
    sums = mixture.sums if mixture is not None else {}
    return ActivationPlan(mode, request.hinges, request.slope, histograms, sums)


def _rewrite(target: Target, prepared: Prepared, plan: ActivationPlan) -> tuple[Context, Applied]:
    """The activations; every step and near miss so far."""
    context = Context(prepared.model, target, plan, prepared.reading)
    last = run(context, discover())
    misses = dict.fromkeys((*prepared.near_misses, *last.near_misses))
    return context, Applied((*prepared.steps, *last.steps), tuple(misses))
