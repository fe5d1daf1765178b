"""limits.md: every hardware limit: its sentence, and its bound on each target."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from icraft_adapt.docs.reference_pages.markdown import code, document, link, table
from icraft_adapt.targets.limits import LIMITS, Check
from icraft_adapt.targets.loader import load_target, target_names
from icraft_adapt.targets.types import Bound, Target

_BOUNDS: Mapping[object, str] = {int: "an integer", bool: "`true`", tuple[str, ...]: "a list of names"}


def pages() -> dict[str, str]:
    """The page, by its name."""
    targets = [load_target(name) for name in target_names()]
    intro = [
        "The sentence is what you read where a node breaks the limit, with the node's own numbers behind it; the bound"
        " is what the YAML states. A limit of your own: [add-a-target.md](../add-a-target.md)."
    ]
    sections = [_section(name, check, targets) for name, check in sorted(LIMITS.items())]
    return {"limits.md": document("Hardware limits", "the docstrings in `targets/limits.py`", intro, *sections)}


def _section(name: str, check: Check, targets: Sequence[Target]) -> list[str]:
    sentence = check.sentence.replace("{bound}", "*bound*")
    lines = [f"## {name}", "", f"{sentence}.", "", f"Bound: {_BOUNDS[check.bound_type]}."]
    users: dict[tuple[str, str], list[str]] = defaultdict(list)
    for target in targets:
        for use in _uses(name, target):
            users[use].append(link(target.name, f"targets/{target.name}.md"))
    rows = [(bound, operators, ", ".join(found)) for (bound, operators), found in users.items()]
    return [*lines, "", *table(("bound", "on", "targets"), rows)] if rows else [*lines, "", "No target states it."]


def _uses(name: str, target: Target) -> list[tuple[str, str]]:
    """(bound, operators) of this limit in a target, one row a bound."""
    operators: dict[Bound, list[str]] = defaultdict(list)
    for op, limits in sorted(target.npu.items()):
        for limit in limits:
            if limit.name == name:
                operators[limit.bound].append(code(op))
    for limit in target.tensors:
        if limit.name == name:
            operators[limit.bound].append("every operator")
    return [(_shown(bound), ", ".join(found)) for bound, found in operators.items()]


def _shown(bound: Bound) -> str:
    if isinstance(bound, tuple):
        return ", ".join(bound)
    return str(bound).lower()
