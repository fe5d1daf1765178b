"""The journey of one model, on one page: load, read, rewrite, place, certify, compare, judge, emit."""

from __future__ import annotations

from dataclasses import replace

from ..errors import AdaptError, Exit
from ..graph.cost import macs_by_output
from ..graph.opset import convert_opset
from ..rewrites.core.rule import ActivationPlan, Context
from ..rewrites.core.rules import discover
from ..rewrites.core.run import Applied, run
from ..targets.loader import load_target
from ..targets.types import Target
from .calibrate import Calibration, calibrate
from .compare import certify_conditioning, certify_on_probe, compare
from .condition import condition, with_made_maps
from .emit.folder import emit
from .facts import Facts
from .judge import judge
from .outcome import Outcome
from .place import locate
from .prepare import Prepared, prepare
from .progress import Progress, Silent
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
    prepared = prepare(request, target, watch)
    mode = request.activation or _default_mode(prepared, target)
    seen = None
    if request.calibration is not None and not request.dry_run:
        seen = calibrate(request, request.calibration, prepared, watch)
    watch.stage("rewriting")
    context, applied = _rewrite(request, target, prepared, mode, seen)
    adapted = prepared.model.to_proto()
    certified = None if request.dry_run else certify_on_probe(request, prepared, applied, adapted, watch)
    if seen is not None and certified is not None:
        more, before = condition(context, seen), adapted
        if more.steps:
            adapted = prepared.model.to_proto()
            certified = certified.followed_by(certify_conditioning(request, prepared, more, before, adapted))
            applied = Applied((*applied.steps, *more.steps), applied.near_misses)
            prepared = with_made_maps(prepared, more.steps)
        del before
    final = convert_opset(adapted, target.onnx.opset, target.onnx.ir_version)
    del adapted  # each network in hand costs its weights' memory
    located, macs = locate(prepared.model, target), macs_by_output(final)
    facts = Facts(request, target, prepared, mode, applied, final, located, macs, seen, certified)
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


def _check(request: Request, target: Target) -> None:
    """Layers cannot be given widths of their own without images to try them on, nor where nothing is simulated."""
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


def _rewrite(
    request: Request, target: Target, prepared: Prepared, mode: Activation, seen: Calibration | None
) -> tuple[Context, Applied]:
    """The activations; every step and near miss so far."""
    histograms = seen.histograms if seen is not None else {}
    plan = ActivationPlan(mode, request.hinges, request.slope, histograms)
    context = Context(prepared.model, target, plan, prepared.reading)
    last = run(context, discover())
    misses = dict.fromkeys((*prepared.near_misses, *last.near_misses))
    return context, Applied((*prepared.steps, *last.steps), tuple(misses))
