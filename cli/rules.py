"""The manual of the rewrites, printed from the rules' docstrings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ..errors import AdaptError

if TYPE_CHECKING:
    from ..rewrites.core.rule import Rule
    from .screen import Screen


@click.command(short_help="What each rewrite rule does, and when.")
@click.argument("name", required=False)
def rules(name: str | None) -> int:
    """List the rewrite rules, or print one rule's documentation: before, after, limits, numerics."""
    from .worker import run_isolated

    return run_isolated(lambda screen: _print(name, screen), name or "rules")


def _print(name: str | None, screen: Screen) -> int:
    from ..rewrites.core.rules import discover
    from ..targets.typed import did_you_mean

    known = {rule.name: rule for rule in discover()}
    if name is None:
        screen.show(_overview(known))
    elif name in known:
        rule = known[name]
        screen.show(f"{rule.name} ({rule.certificate})\n\n{rule.doc}")
    else:
        raise AdaptError(f"unknown rule {name}", hint=did_you_mean(name, known))
    return 0


def _overview(known: dict[str, Rule]) -> str:
    width = max(len(name) for name in known)
    rows = ((rule, rule.doc.partition("\n")[0]) for rule in known.values())
    return "\n".join(f"{rule.name:{width}}  {rule.certificate:17}  {about}" for rule, about in rows)
