"""report.html: the report as one page for people, complete in itself."""

from __future__ import annotations

from ..artifact import Artifact
from ..page.render import render
from ..page.story import Story


def report_html(story: Story) -> Artifact:
    """report.html; what of a name is no text is written as an escape."""
    return Artifact("report.html", render(story).encode("utf-8", "backslashreplace"))
