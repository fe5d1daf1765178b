"""rules.md: every rewrite rule: before, after, when it declines, what it promises."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np

from icraft_adapt.docs.reference_pages.markdown import block, code, document, link, table
from icraft_adapt.rewrites.core.rule import Certificate, Rule
from icraft_adapt.rewrites.core.rules import discover

FIELDS = ("Before", "After", "Declines", "Numerics")
_FIELD = re.compile(rf"^({'|'.join(FIELDS)}): +", re.MULTILINE)


def pages() -> dict[str, str]:
    """The page, by its name."""
    rules = discover()
    intro = [
        "In the order in which they are tried, again and again until none applies. `icraft-adapt rules NAME` prints"
        " the same. What a certificate is held to: [certificates.md](../certificates.md)."
    ]
    rows = [(link(rule.name, "", rule.name), rule.certificate.value, rule.doc.partition("\n")[0]) for rule in rules]
    overview = table(("rule", "certificate", "what it does"), rows)
    text = document(
        "Rewrite rules", "the docstrings in `rewrites/`", intro, overview, *(_section(rule) for rule in rules)
    )
    return {"rules.md": text}


def fields_of(doc: str) -> Mapping[str, str]:
    """The docstring's fields by their names, each as it stands there without its indentation."""
    _, *found = _FIELD.split(doc)
    return {name: _dedent(text) for name, text in zip(found[::2], found[1::2], strict=True)}


def _dedent(text: str) -> str:
    return "\n".join(line.strip() for line in text.strip().splitlines())


def _section(rule: Rule) -> list[str]:
    lines = [f"## {rule.name}", "", rule.doc.partition("\n")[0], ""]
    lines += table(("certificate", "starts at", "comes after"), [(_promise(rule), _operators(rule), _before(rule))])
    for name, text in fields_of(rule.doc).items():
        formula = name in ("Before", "After")
        lines += ["", *([f"**{name}:**", "", *block(text)] if formula else f"**{name}:** {text}".splitlines())]
    return lines


def _promise(rule: Rule) -> str:
    measured = rule.certificate in (Certificate.EXACT, Certificate.ROUNDING)
    bound = np.format_float_scientific(rule.rtol, trim="-", exp_digits=1)
    return f"{rule.certificate.value}, {bound} of the spread" if measured else rule.certificate.value


def _operators(rule: Rule) -> str:
    return ", ".join(code(op) for op in sorted(rule.ops))


def _before(rule: Rule) -> str:
    return ", ".join(link(name, "", name) for name in sorted(rule.after)) or "-"
