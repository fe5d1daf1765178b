"""Record the golden baseline of an output folder: `icraft-adapt record`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from .options import BASELINE, OUTPUT_FOLDER, share

if TYPE_CHECKING:
    from ..adapter.gate.requests import RecordRequest
    from .screen import Screen


@click.command(short_help="Write the golden baseline of an output folder.")
@OUTPUT_FOLDER
@BASELINE
@click.option(
    "--tolerance",
    "codes",
    type=click.IntRange(0, 32767),
    default=0,
    show_default=True,
    help="How far a code may be off before `check` fails; 0: not one bit of any code.",
)
@click.option(
    "--share",
    type=share,
    metavar="P%",
    default="100%",
    show_default=True,
    help="With --tolerance: of the codes of a layer, how many may be off at all.",
)
def record(folder: Path, baseline: Path | None, codes: int, share: float) -> int:
    """Write what the integer network of DIR computes, layer by layer, as a small file to keep under version control.

    The baseline holds its own input, so that a later `check` needs no images. An earlier one is replaced.
    """
    from ..adapter.gate.baseline import Tolerances
    from ..adapter.gate.requests import RecordRequest
    from .worker import run_isolated

    request = RecordRequest(folder, baseline, Tolerances(codes, share))
    return run_isolated(lambda screen: _record(request, screen), folder.name)


def _record(request: RecordRequest, screen: Screen) -> int:
    from .one_file import write_whole
    from .screen import Bar
    from .suggest import must_exist

    must_exist(request.folder)
    with Bar(screen) as bar:
        bar.stage("loading libraries")
        from ..adapter.gate import record

        recorded = record.record(request, bar)
        bar.stage("writing the baseline")
        write_whole(recorded.path, recorded.data, "choose another --baseline")
    coverage, size = recorded.baseline.coverage, len(recorded.data) / 1024
    told = f"{coverage.layers} layers, {coverage.varying} of them with more than one code, {coverage.heads} heads"
    screen.show(f"{recorded.path}: {told}, {len(recorded.baseline.boxes)} boxes; {size:.0f} KiB")
    return 0
