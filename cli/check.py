"""Compare an output folder with its golden baseline: `icraft-adapt check`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import AdaptError
from .options import BASELINE, OUTPUT_FOLDER

if TYPE_CHECKING:
    from ..adapter.gate.requests import CheckRequest
    from .screen import Screen


@dataclass(frozen=True, slots=True)
class Job:
    """What to check and where to say it, besides standard output."""

    request: CheckRequest
    junit: Path | None
    github: bool


@click.command(short_help="Compare an output folder with its baseline: the CI gate.")
@OUTPUT_FOLDER
@BASELINE
@click.option("--self-test", is_flag=True, help="Seed faults into the network and see each of them found.")
@click.option(
    "--junit", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write the result as JUnit XML."
)
@click.option(
    "--github/--no-github", default=None, help="Print annotations for GitHub.  [default: where GITHUB_ACTIONS is set]"
)
def check(folder: Path, baseline: Path | None, self_test: bool, junit: Path | None, github: bool | None) -> int:
    """Run the integer network of DIR on the baseline's own input and name the first layer that differs.

    Exit 1: something differs, or a seeded fault was not found. Exit 3: nothing can be said, because the
    baseline is absent, incomplete, constant or of another schema.
    """
    from ..adapter.gate.requests import CheckRequest
    from .worker import run_isolated

    told = bool(os.environ.get("GITHUB_ACTIONS")) if github is None else github
    job = Job(CheckRequest(folder, baseline, self_test), junit, told)
    return run_isolated(lambda screen: _check(job, screen), folder.name)


def _check(job: Job, screen: Screen) -> int:
    from .one_file import write_whole
    from .screen import Bar
    from .suggest import must_exist

    must_exist(job.request.folder)
    with Bar(screen) as bar:
        bar.stage("loading libraries")
        from ..adapter.gate import check, github, junit, verdict_text

        try:
            verdict = check.check(job.request, bar)
        except AdaptError as error:
            if job.junit is not None:
                write_whole(job.junit, junit.junit_of_error(job.request.folder.name, error), "choose another --junit")
            if job.github:
                screen.show(github.workflow_command_of_error(error))
            raise
        if job.junit is not None:
            write_whole(job.junit, junit.junit(verdict), "choose another --junit")
    screen.show(verdict_text.text(verdict))
    if job.github:
        screen.show("\n".join(github.workflow_commands(verdict)))
    if verdict.exit_code:
        screen.say(verdict.failure)
    return verdict.exit_code
