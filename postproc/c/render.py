"""Templates to source files: one folder of templates a subject, every file in it becomes one file of the program."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.util import cache_from_source
from pathlib import Path

from jinja2 import Environment, FileSystemBytecodeCache, FileSystemLoader, StrictUndefined

TEMPLATES = Path(__file__).parent.parent / "templates"
_KEYWORDS = frozenset(
    (
        "auto break case char const continue default do double else enum extern float for goto if inline int long main"
        " register restrict return short signed sizeof static struct switch typedef union unsigned void volatile while"
    ).split()
)


def render(subject: str, prefix: str, values: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """(file name, text) of every `templates/<subject>/*.j2`, sorted; `PREFIX` in a template's name is the prefix.

    Templates see `prefix`, `PREFIX` (its upper case) and `values`; a name that is not among them is an error, and so
    is a float that is not written through the filter `c_float` or `c_floats`.
    """
    made = environment(subject)
    for name in sorted(made.list_templates(extensions=["j2"])):
        template = made.get_template(name)
        text = template.render(values, prefix=prefix, PREFIX=prefix.upper())
        yield name.removesuffix(".j2").replace("PREFIX", prefix), text


@cache
def environment(subject: str) -> Environment:
    """The subject's templates, each read and compiled once."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES / subject),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_no_bare_float,
        bytecode_cache=compiled_templates(__file__),
    )
    made.filters |= {"c_float": c_float, "c_floats": c_floats}
    return made


def compiled_templates(module: str) -> FileSystemBytecodeCache | None:
    """Compiled templates stand beside a compiled module; None where Python may not write those either."""
    folder = Path(cache_from_source(module)).parent
    writable = not sys.dont_write_bytecode and folder.is_dir() and os.access(folder, os.W_OK)
    return FileSystemBytecodeCache(str(folder), "%s.j2c") if writable else None


def c_prefix(name: str) -> str:
    """A model's name as a C identifier: other characters become `_`, a leading digit or a keyword gets an `m_`."""
    word = re.sub(r"[^0-9A-Za-z_]", "_", name).strip("_").lower() or "model"
    return f"m_{word}" if word[0].isdigit() or word in _KEYWORDS else word


def c_float(value: float) -> str:
    """A float32 literal that reads back to the same bits: nine significant digits."""
    digits = f"{value:.9g}"
    return f"{digits}f" if "." in digits or "e" in digits or "n" in digits else f"{digits}.0f"


def c_floats(values: Iterable[float]) -> str:
    """Literals with commas between them."""
    return ", ".join(map(c_float, values))


def comment(text: str) -> str:
    """The text as one line that a C comment, a Makefile and Markdown can hold."""
    visible = "".join(c if " " <= c <= "~" and c not in "\\`$#" else "?" for c in text)
    return visible.replace("*/", "* /").replace("/*", "/ *")


def _no_bare_float(value: object) -> object:
    """Refuse a float that str() would write, which a compiler reads as a double."""
    if isinstance(value, float):
        raise TypeError(f"{value!r} stands in a template without the filter c_float")
    return value
