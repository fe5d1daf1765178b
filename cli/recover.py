"""Accuracy without labels: `icraft-adapt recover MODEL.onnx --images DIR`."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import Exit
from .options import AS_JSON, FOLDER, budgeted, preprocessing, shape, span, take_preprocess

if TYPE_CHECKING:
    from ..adapter.recover_types import Recovery, RecoveryRequest
    from .screen import Screen

GRACE = 120.0  # seconds to write the best so far after Ctrl-C; a second Ctrl-C ends it at once


@dataclass(frozen=True, slots=True)
class Job:
    """One run: what to do, and where and how its results go."""

    request: RecoveryRequest
    out: Path
    force: bool
    as_json: bool


@click.command(short_help="Give a rewritten network its accuracy back, from unlabelled images.")
@click.argument("model", type=click.Path(path_type=Path), metavar="MODEL.onnx")
@click.option("--images", type=FOLDER, metavar="DIR", required=True, help="Unlabelled images to learn from.")
@click.option(
    "--held-out",
    type=FOLDER,
    metavar="DIR",
    help="Images that only measure.  [default: every eighth of --images, which is then not learned from]",
)
@click.option(
    "--labels", type=FOLDER, metavar="DIR", help="YOLO labels of the held-out images; they only measure, too."
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="The folder for recovered.onnx and recovery.json.  [default: ./<model name>.recovered]",
)
@click.option("--force", is_flag=True, help="Replace an existing output folder, whole.")
@click.option(
    "--activation",
    type=click.Choice(["leaky", "pwl", "auto"]),
    default="leaky",
    show_default=True,
    help="What stands for an activation that the target lacks: leaky, one LeakyReLU, no operator more; pwl, a sum of "
    "them; auto, in each layer the sum that it is worth.",
)
@click.option("--hinges", type=click.IntRange(1, 16), default=2, show_default=True, help="Terms of the pwl sum.")
@budgeted
@click.option(
    "--minutes",
    type=span,
    metavar="M",
    default="10",
    show_default=True,
    help="How long to learn by steps after the closed form; 0: the closed form alone.",
)
@click.option("--steps", type=click.IntRange(1), metavar="N", help="Learn exactly N steps, however long they take.")
@click.option(
    "--start",
    type=click.Choice(["solved", "original"]),
    default="solved",
    show_default=True,
    help="Where the learning starts: at the closed form, or at the original's own weights, whose activations are then "
    "bent into the target's slowly (for hours, or a GPU).",
)
@click.option(
    "--bits",
    type=click.Choice([8, 16]),
    help="Learn the last part on integer codes of this width, on the simulation's own scales.  [default: in floats]",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of all that is drawn at random.")
@click.option(
    "--state",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Where the learning stands: written as it goes, and gone on from where the file is there.",
)
@click.option(
    "--target",
    metavar="NAME",
    default="icraft-v1.1",
    show_default=True,
    help="A target (see `icraft-adapt targets`) or the path of a YAML.",
)
@click.option("--input-shape", type=shape, metavar="1x3xHxW", help="The input of a model with dynamic axes.")
@preprocessing
@AS_JSON  # fmt: skip
def recover(out: Path | None, force: bool, as_json: bool, **given: Any) -> int:  # noqa: ANN401  (click's own)
    """Rewrite the activations of MODEL.onnx for a target, and learn from the original to say what it says.

    No labels are needed: the original is the teacher. recovered.onnx ends as the original does and goes into
    the main job like any other model. Ctrl-C keeps the best so far.
    """
    from ..adapter.recover_types import RecoveryRequest
    from .folder import mend
    from .worker import run_isolated

    preprocess = take_preprocess(given)
    if preprocess is not None:
        given["preprocess"] = preprocess
    request = RecoveryRequest(**given)
    job = Job(request, out or Path(f"{request.model.stem}.recovered"), force, as_json)
    return run_isolated(lambda screen: _recover(job, screen), request.model.name, lambda: mend(job.out), GRACE)


def _recover(job: Job, screen: Screen) -> int:
    from . import folder
    from .main import COMMANDS
    from .screen import Bar
    from .suggest import must_exist

    request = job.request
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # threads that wait in a loop starve those that others run
    must_exist(request.model, COMMANDS)
    read = (request.model, request.images, request.held_out, request.labels, request.state)
    folder.check(job.out, force=job.force, inputs=[path for path in read if path is not None])
    with Bar(screen) as bar:
        bar.stage("loading libraries")
        from ..adapter import recover

        recovery = recover.recover(request, bar)
        bar.stage("writing the folder")
        folder.publish(recovery.artifacts, job.out, force=job.force)
        bar.stage("summary")
    screen.show(json.dumps(_fields(recovery, job.out)) if job.as_json else _text(recovery, job))
    for warning in recovery.warnings:
        screen.say(warning)
    if recovery.interrupted:
        screen.say(f"stopped early: {job.out} holds the best so far")
        return Exit.INTERRUPTED
    for failure in recovery.failures:
        screen.say(failure)
    return Exit.FAILED if recovery.failures else Exit.FINE


def _fields(recovery: Recovery, out: Path) -> dict[str, Any]:
    return {
        "agreement": recovery.agreement,
        **({} if recovery.ap is None else {"ap": {"original": recovery.ap[0], "recovered": recovery.ap[1]}}),
        "milestones": [[each.stage, each.steps, each.agreement] for each in recovery.milestones],
        "macs": list(recovery.macs),
        "images": {"training": recovery.trained_on, "held_out": recovery.held_out},
        "warnings": list(recovery.warnings),
        "failures": list(recovery.failures),
        "out": str(out),
    }


def _text(recovery: Recovery, job: Job) -> str:
    before, after = recovery.macs
    labels = "" if recovery.ap is None else f"; AP {recovery.ap[1]:.4f}, of the original {recovery.ap[0]:.4f}"
    lines = [
        f"{job.out / 'recovered.onnx'}: {recovery.measured}{labels}; learned from {recovery.trained_on},"
        f" MACs {after / before - 1:+.1%}"
    ]
    width = max(len(each.stage) for each in recovery.milestones)
    for each in recovery.milestones:
        steps = f"after {each.steps} steps" if each.steps else ""
        ap = "" if each.ap is None else f"AP {each.ap:.4f}"
        lines.append(f"  {each.stage:<{width}}  {each.agreement:.4f}  {ap}  {steps}".rstrip())
    again = f"icraft-adapt {job.out / 'recovered.onnx'} --calib {job.request.images}"
    lines += [f"page: {job.out / 'report.html'}", f"next: {again}"]
    return "\n".join(lines)
