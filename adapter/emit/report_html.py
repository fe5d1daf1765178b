"""report.html: the report as one page for people, complete in itself."""

from __future__ import annotations

from ..artifact import Artifact
from ..page.render import render, render_recovery
from ..page.story import Story
from ..report.recovery_types import RecoveryReport


def report_html(story: Story) -> Artifact:
    """report.html; what of a name is no text is written as an escape."""
    return _artifact(render(story))


def recovery_html(name: str, target: str, told: RecoveryReport) -> Artifact:
    """The report.html of a recovery alone."""
    return _artifact(render_recovery(name, target, told))


def _artifact(page: str) -> Artifact:
    return Artifact("report.html", page.encode("utf-8", "backslashreplace"))
