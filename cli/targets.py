"""The manual of the targets, printed from their YAML and the limits' docstrings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from .screen import Screen


@click.command(short_help="What each target runs, and its limits.")
@click.argument("name", required=False)
def targets(name: str | None) -> int:
    """List the targets, or print one target's manual: operators, limits, assumptions."""
    from .worker import run_isolated

    return run_isolated(lambda screen: _print(name, screen), name or "targets")


def _print(name: str | None, screen: Screen) -> int:
    from ..targets.loader import load_target
    from ..targets.manual import describe, overview

    screen.show("\n".join(describe(load_target(name)) if name else overview()))
    return 0
