"""The main job: `icraft-adapt MODEL.onnx`, a network in and an output folder out."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import Exit
from .options import AS_JSON, positive, preprocessing, quantising, rewriting, span, take_preprocess, take_threshold

if TYPE_CHECKING:
    from ..adapter.request import Request
    from .screen import Screen


@dataclass(frozen=True, slots=True)
class Job:
    """One run: what to do, and where and how its results go."""

    request: Request
    out: Path
    force: bool
    as_json: bool


@click.command(short_help="Rewrite a network for a target; the main job.")
@click.argument("model", type=click.Path(path_type=Path), metavar="MODEL.onnx")
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="DIR", help="The output folder.  [default: ./<model name>.icraft]"
)
@click.option("--force", is_flag=True, help="Replace an existing output folder, whole.")
@rewriting
@click.option(
    "--recover",
    type=span,
    metavar="M",
    help="Learn the accuracy back from the --calib images, M minutes long; 0: in closed form alone (see recover).",
)
@click.option("--accept-function-change", is_flag=True, help="Needed for --activation leaky.")
@click.option(
    "--max-damage",
    type=positive,
    metavar="FLOAT",
    help="Bound on the relative error of the heads, per role, that approximations may cause.",
)
@click.option("--dry-run", is_flag=True, help="The plan only; writes nothing.")
@preprocessing
@quantising
@click.option("--no-golden", "golden", flag_value=False, type=bool, default=True, help="Skip golden/.")
@click.option("--no-postproc", "postproc", flag_value=False, type=bool, default=True, help="Skip postproc/.")
@click.option("--no-report", "html", flag_value=False, type=bool, default=True, help="Skip report.html.")
@AS_JSON  # fmt: skip
def adapt(out: Path | None, force: bool, as_json: bool, **given: Any) -> int:  # noqa: ANN401  (click's own)
    """Rewrite MODEL.onnx for a target, prove every rewrite on it, and write what its compiler takes."""
    from ..adapter.request import Request
    from .folder import mend
    from .worker import run_isolated

    preprocess = take_preprocess(given)
    if preprocess is not None:
        given["preprocess"] = preprocess
    model: Path = given["model"]
    out = out or Path(f"{model.stem}.icraft")
    request = Request(out=out, **take_threshold(given))
    job = Job(request, out, force, as_json)
    return run_isolated(lambda screen: _adapt(job, screen), request.model.name, tidy=lambda: mend(out))


def _adapt(job: Job, screen: Screen) -> int:
    from . import folder
    from .main import COMMANDS
    from .screen import Bar
    from .suggest import must_exist

    request = job.request
    if request.recover is not None:
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as in recover
    must_exist(request.model, COMMANDS)
    if not request.dry_run:
        read = [path for path in (request.model, request.calibration) if path is not None]
        folder.check(job.out, force=job.force, inputs=read)
    with Bar(screen) as bar:
        bar.stage("loading libraries")
        from ..adapter import pipeline
        from . import summary

        outcome = pipeline.adapt(request, bar)
        written = outcome.exit_code == Exit.FINE and bool(outcome.artifacts)
        if written:
            bar.stage("writing the folder")
            folder.publish(outcome.artifacts, job.out, force=job.force)
        bar.stage("summary")
    where = job.out if written else None
    if job.as_json:
        screen.show(json.dumps(summary.fields(outcome, where)))
    else:
        screen.show(summary.text(outcome, where, terminal=screen.out))
    if outcome.exit_code != Exit.FINE:
        screen.say(outcome.verdict)
    return outcome.exit_code
