"""exit-codes.md: what the command returns."""

from __future__ import annotations

from icraft_adapt.docs.reference_pages.markdown import code, document, table
from icraft_adapt.errors import Exit


def pages() -> dict[str, str]:
    """The page, by its name."""
    intro = [
        "The same for every command. Except for 0, stderr has one line that says why; what a script does with each:"
        " [ci.md](../ci.md)."
    ]
    rows = [(str(int(each)), code(f"Exit.{each.name}"), each.meaning) for each in Exit]
    return {
        "exit-codes.md": document("Exit codes", "`errors.py`", intro, table(("code", "in Python", "meaning"), rows))
    }
