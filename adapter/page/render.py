"""From a story to the page's text: each section's template filled with what its builder found."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from ...postproc.c.render import compiled_templates
from ..report.recovery_types import RecoveryReport
from . import words
from .section import Section, all_sections
from .story import Story

_HERE = Path(__file__).parent


def render(story: Story) -> str:
    """The whole page. Raises jinja2.UndefinedError where a template and its builder do not agree."""
    templates = environment()
    parts = []
    for section in all_sections():
        built = section.build(story)
        if built is not None:
            body = templates.get_template(f"sections/{section.name}.j2").render(it=built)
            parts.append((section, Markup(body)))
    return _page(templates, story.report.model.name, story.report.target.name, parts)


def render_recovery(name: str, target: str, told: RecoveryReport) -> str:
    """The page of a recovery alone: the same section."""
    from .sections.recovery import SECTION, learned  # only here: no run of the main job comes by

    templates = environment()
    body = templates.get_template(f"sections/{SECTION.name}.j2").render(it=learned(told))
    return _page(templates, name, target, [(SECTION, Markup(body))])


def _page(templates: Environment, name: str, target: str, parts: Sequence[tuple[Section, Markup]]) -> str:
    return templates.get_template("page.j2").render(
        name=name,
        target=target,
        parts=parts,
        style=_own("page.css"),
        dark=_own("dark.css"),
        script=_own("page.js"),
    )


def _own(name: str) -> Markup:
    """A file of this folder, to stand in the page as it is."""
    return Markup((_HERE / name).read_text(encoding="utf-8"))


@cache
def environment() -> Environment:
    """Where the templates are, and what they may use. A name that their builder does not give is an error."""
    made = Environment(
        loader=FileSystemLoader(_HERE),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_readable,
        bytecode_cache=compiled_templates(__file__),
    )
    made.filters |= {name: getattr(words, name) for name in ("count", "large", "share", "short", "size")}
    return made


def _readable(value: object) -> object:
    """Text with its control characters made visible; markup of our own as it is."""
    return words.visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value
