"""The journey of one model, on one page: load, read, rewrite, place, certify, compare, judge, emit."""

from __future__ import annotations

from ..errors import Exit
from ..graph.opset import convert_opset
from ..rewrites.core.rule import ActivationPlan, Context
from ..rewrites.core.rules import discover
from ..rewrites.core.run import Applied, run
from ..targets.loader import load_target
from ..targets.types import Target
from .calibrate import Calibration, calibrate
from .compare import compare
from .emit.folder import emit
from .facts import Facts
from .judge import judge
from .outcome import Outcome
from .place import place
from .prepare import Prepared, prepare
from .progress import Progress, Silent
from .report.build import build_report
from .request import Activation, Request
from .stopwatch import Stopwatch


def adapt(request: Request, progress: Progress | None = None) -> Outcome:
    """Make the network run on the target and prove what was changed. Raises AdaptError where that cannot be done.

    Certificates that fail, a damage above its bound and nodes that run nowhere come back in the outcome, which then
    holds no files.
    """
    watch = Stopwatch(progress or Silent())
    target = load_target(request.target)
    prepared = prepare(request, target, watch)
    mode = request.activation or _default_mode(prepared, target)
    seen = None
    if request.calibration is not None and not request.dry_run:
        seen = calibrate(request, request.calibration, prepared, watch)
    watch.stage("rewriting")
    applied = _rewrite(request, target, prepared, mode, seen)
    adapted = prepared.model.to_proto()
    final = convert_opset(adapted, target.onnx.opset, target.onnx.ir_version)
    facts = Facts(request, target, prepared, mode, applied, final, place(prepared.model, target), seen)
    if request.dry_run:
        return judge(build_report(facts), facts, watch)
    facts, golden = compare(facts, adapted, watch)
    watch.stage("writing the report")
    report = build_report(facts)
    outcome = judge(report, facts, watch)
    if outcome.exit_code != Exit.FINE:
        return outcome
    report, files = emit(facts, report, golden)
    return judge(report, facts, watch, files)


def _default_mode(prepared: Prepared, target: Target) -> Activation:
    """Keep what the target runs; where it lacks an activation, approximate."""
    lacking = any(not target.runs_activation(each.name) for each in prepared.activations.values())
    return "pwl" if lacking else "keep"


def _rewrite(
    request: Request, target: Target, prepared: Prepared, mode: Activation, seen: Calibration | None
) -> Applied:
    """The activations; every step and near miss of the whole journey."""
    histograms = seen.histograms if seen is not None else {}
    plan = ActivationPlan(mode, request.hinges, request.slope, histograms)
    last = run(Context(prepared.model, target, plan, prepared.reading), discover())
    misses = dict.fromkeys((*prepared.near_misses, *last.near_misses))
    return Applied((*prepared.steps, *last.steps), tuple(misses))
