"""The main job on the bundled model and scenes, and what it cost in accuracy: `icraft-adapt demo`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import AdaptError, Exit
from .evaluate import FIGURES

if TYPE_CHECKING:
    from ..adapter.evaluation_types import EvaluationResult
    from .screen import Screen


@click.command(short_help="The main job on a bundled network; needs no files and no network access.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    default=Path("demo.icraft"),
    help="The output folder.  [default: ./demo.icraft]",
)
@click.option("--force", is_flag=True, help="Replace an existing output folder, whole.")
def demo(out: Path, force: bool) -> int:
    """Adapt the bundled network, which finds people in drawn streets, and measure it before and after.

    It is calibrated on streets like those of its training, and measured on streets that no training saw.
    """
    from tempfile import TemporaryDirectory

    from .folder import mend
    from .worker import run_isolated

    with _reported():
        folder = TemporaryDirectory(prefix="icraft-adapt-")  # the parent's, so that it goes however the worker ends
    with folder as scratch:
        return run_isolated(lambda screen: _demo(out, force, Path(scratch), screen), "demo", tidy=lambda: mend(out))


def _demo(out: Path, force: bool, scratch: Path, screen: Screen) -> int:
    from . import folder
    from .screen import Bar

    folder.check(out, force=force)
    with Bar(screen) as bar:
        bar.stage("loading libraries")
        from ..adapter import demonstration, pipeline
        from ..adapter.request import Request
        from . import summary

        with _reported():
            streets = demonstration.draw_streets(scratch, bar)
        outcome = pipeline.adapt(Request(demonstration.MODEL, out, calibration=streets.calibration), bar)
        if outcome.exit_code != Exit.FINE:
            screen.show(summary.text(outcome, None, terminal=screen.out))
            screen.say(outcome.verdict)
            return outcome.exit_code
        bar.stage("writing the folder")
        folder.publish(outcome.artifacts, out, force=force)
        measured = [demonstration.measure(out, stage, streets, bar) for stage in ("original", "adapted", "integer")]
        bar.stage("summary")
    screen.show(summary.text(outcome, out, terminal=screen.out))
    screen.show(_comparison(measured))
    screen.show(f"\nreport: {out / 'report.html'}")
    return outcome.exit_code


@contextmanager
def _reported() -> Iterator[None]:
    """What goes wrong with the temporary folder, as the user's to mend."""
    try:
        yield
    except OSError as error:
        what = f"the demo's pictures cannot be written: {error.strerror}"
        raise AdaptError(what, where="temporary folder", hint="set TMPDIR to a folder with 20 MB of room") from error


def _comparison(measured: list[EvaluationResult]) -> str:
    """A table: a line for each figure, a column for each network."""
    title = f"on {measured[0].images} held-out frames"
    lines = ["", title + "".join(f"{result.stage:>12}" for result in measured)]
    for name, label in FIGURES.items():
        lines.append(f"{label:<{len(title)}}" + "".join(f"{getattr(result, name):>12.4f}" for result in measured))
    return "\n".join(lines)
