"""Write docs/reference/ out of the program's own words: docstrings, YAML, JSON Schema, click's definitions.

python docs/build_reference.py            write the pages, delete those that have no source any more
python docs/build_reference.py --check    write nothing; print a diff and exit 1 where a page is stale
"""

from __future__ import annotations

import argparse
import difflib
import sys
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from icraft_adapt.docs import reference_pages
from icraft_adapt.docs.reference_pages.markdown import document, link, table

FOLDER = Path(__file__).parent / "reference"


def build() -> dict[str, str]:
    """Every page by its path in docs/reference/: those of each module of reference_pages/ that has `pages`.

    The module's docstring is "page.md: what it holds."; the index repeats it.
    """
    made: dict[str, str] = {}
    rows = []
    for info in sorted(iter_modules(reference_pages.__path__), key=lambda info: info.name):
        module = import_module(f"{reference_pages.__name__}.{info.name}")
        if hasattr(module, "pages"):
            made |= module.pages()
            page, _, about = (module.__doc__ or "").strip().partition(": ")
            rows.append((link(page, page), about.rstrip(".")))
    intro = ["Exact and dry. The pages that lead through a task: [the map](../index.md)."]
    listed = table(("page", "what it holds"), rows)
    return {"index.md": document("Reference", "the program's own words", intro, listed), **made}


def written() -> dict[str, str]:
    """The pages as they lie on disk."""
    files = sorted(file for file in FOLDER.rglob("*") if file.is_file())
    return {file.relative_to(FOLDER).as_posix(): file.read_text(encoding="utf-8") for file in files}


def stale(made: dict[str, str], found: dict[str, str]) -> str:
    """The difference as a unified diff from what lies on disk to what the program says now; "" where there is none."""
    lines: list[str] = []
    for name in sorted(made.keys() | found.keys()):
        old, new = (pages.get(name, "").splitlines(keepends=True) for pages in (found, made))
        lines += difflib.unified_diff(old, new, f"docs/reference/{name}", f"{name} as it would be now")
    return "".join(lines)


def write(made: dict[str, str]) -> None:
    """Make the folder hold these pages and no others."""
    for name in written().keys() - made.keys():
        (FOLDER / name).unlink()
    for name, text in made.items():
        path = FOLDER / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def main() -> int:
    """The command line of this script."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 where a page is stale")
    check = parser.parse_args().check
    made = build()
    difference = stale(made, written())
    if check:
        print(difference or "docs/reference is up to date", end="" if difference else "\n")
        return 1 if difference else 0
    write(made)
    return 0


if __name__ == "__main__":
    sys.exit(main())
