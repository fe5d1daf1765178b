"""A verdict as workflow commands, which GitHub shows beside the run: ::error title=...::..."""

from __future__ import annotations

from collections.abc import Iterator

from ...errors import AdaptError
from .verdict import Verdict
from .verdict_text import fault_line

_SHOWN = 9  # of a step's annotations GitHub shows ten of a kind


def workflow_commands(verdict: Verdict) -> tuple[str, ...]:
    """One line for each finding and each fault that stayed green, up to what is shown; a notice where all is well."""
    lines = list(_errors(verdict))
    if not lines:
        return (command("notice", "icraft-adapt check", verdict.headline),)
    more = len(lines) - _SHOWN
    return (*lines[:_SHOWN], *([command("error", "icraft-adapt check", f"and {more} more")] if more > 0 else []))


def workflow_command_of_error(error: AdaptError) -> str:
    """The line of a check that could not be made."""
    return command("error", "icraft-adapt check", str(error))


def command(kind: str, title: str, message: str) -> str:
    """One workflow command; what would end it is escaped as the runner expects."""
    return f"::{kind} title={_property(title)}::{_data(message)}"


def _errors(verdict: Verdict) -> Iterator[str]:
    for each in verdict.comparison.findings:
        yield command("error", f"{verdict.name}: {each.anchor}", each.words)
    for fault in verdict.faults or ():
        if fault.placed and not fault.is_red:
            yield command("error", f"{verdict.name}: self-test", fault_line(fault))


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
