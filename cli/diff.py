"""What differs between two runs, two dumps, or a board and the simulation: `icraft-adapt diff`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from .screen import Screen


@click.command(short_help="Two runs, two dumps, or a board's dump against the simulation.")
@click.argument("a", type=click.Path(path_type=Path), metavar="A")
@click.argument("b", type=click.Path(path_type=Path), metavar="B")
def diff(a: Path, b: Path) -> int:
    """Say what differs between A and B, and where a board is concerned, why.

    Each is an output folder or a dump: .npy, .npz, raw binary with a small JSON beside it (dtype, shape, layout),
    or a folder of such files. Exit 0: equal; 1: different; 2: unusable; 3: not comparable.
    """
    from .worker import run_isolated

    return run_isolated(lambda screen: _diff(a, b, screen), a.name)


def _diff(a: Path, b: Path, screen: Screen) -> int:
    from .screen import Bar
    from .suggest import must_exist

    must_exist(a)
    must_exist(b)
    with Bar(screen) as bar:
        bar.stage("loading libraries")
        from ..adapter.gate import diff

        found = diff.diff(a, b, bar)
    screen.show("\n".join(found.lines))
    return found.exit_code
