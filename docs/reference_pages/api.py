"""api.md: what a Python program, a rule, a target or a family may import."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, is_dataclass
from importlib import import_module
from types import FunctionType, ModuleType

import icraft_adapt
from icraft_adapt.docs.reference_pages.markdown import block, code, document
from icraft_adapt.docs.reference_pages.signatures import fields_table, members, signature


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the page: its heading, what it is for, and the modules whose public names it lists.

    `names` picks some of a module's names; all of them where it says nothing about the module.
    """

    title: str
    purpose: str
    modules: tuple[str, ...]
    names: frozenset[str] = frozenset()


PARTS = (
    Part(
        "Adapt a network",
        "The first three stand in `icraft_adapt` itself; a worked example: [python.md](../python.md). The fields of"
        " `Outcome.report` are those of [report.json](report.md).",
        ("adapter.outcome", "adapter.artifact", "data.preprocess", "adapter.progress", "errors"),
    ),
    Part(
        "Write a rule",
        "A worked example: [add-a-rule.md](../add-a-rule.md).",
        ("rewrites.core.rule", "graph.edit", "graph.walk", "graph.nodes", "graph.model"),
    ),
    Part(
        "Write a target or a limit",
        "A worked example: [add-a-target.md](../add-a-target.md).",
        ("targets.types", "targets.limits"),
        frozenset({"Limit", "Target", "Refusal", "limit"}),
    ),
    Part(
        "Write a family",
        "The steps: [add-a-family.md](../add-a-family.md).",
        (
            "postproc.core.family",
            "postproc.core.foreign",
            "graph.reading",
            "postproc.core.frontier",
            "postproc.core.tail",
            "postproc.core.proof",
            "postproc.core.choice",
        ),
    ),
    Part(
        "Write a generator of C",
        "A family's decoder, or a tracker: [add-a-family.md](../add-a-family.md#its-c).",
        ("postproc.core.generator", "postproc.c.project", "postproc.c.render"),
    ),
)


def pages() -> dict[str, str]:
    """The page, by its name."""
    intro = [
        "What a program may import. `_Array` stands for `NDArray[np.float32]`; Node, Tensor and ModelProto are the"
        " graph's and ONNX's own."
    ]
    public = [name for name in icraft_adapt.__all__ if not name.startswith("_")]
    parts = []
    for part in PARTS:
        own = [getattr(icraft_adapt, name) for name in public] if part is PARTS[0] else []
        lines = [f"## {part.title}", "", part.purpose]
        for each in (*own, *_listed(part)):
            lines += ["", *_entry(each)]
        parts.append(lines)
    return {"api.md": document("Python API", "signatures and docstrings", intro, *parts)}


def _listed(part: Part) -> Iterator[type | FunctionType]:
    for name in part.modules:
        module = import_module(f"{icraft_adapt.__name__}.{name}")
        for each in _defined(module):
            if not part.names or each.__name__ in part.names:
                yield each


def _defined(module: ModuleType) -> Iterable[type | FunctionType]:
    """The public classes and functions that the module itself defines, in its order."""
    for name, value in vars(module).items():
        own = isinstance(value, type | FunctionType) and value.__module__ == module.__name__
        if own and not name.startswith("_"):
            yield value


def _entry(each: type | FunctionType) -> list[str]:
    """One function or class: where it lives, its signature, its docstring, and a class's fields and members."""
    module = each.__module__
    kind = ", a frozen dataclass" if is_dataclass(each) else ""
    lines = [f"### {each.__name__}", "", f"In {code(module)}{kind}.", "", *block(signature(each), "python"), ""]
    lines += inspect.cleandoc(each.__doc__ or "").splitlines()
    if isinstance(each, type):
        table = fields_table(each)
        lines += ["", *table] if table else []
        for name, told, doc in members(each):
            lines += ["", f"**{each.__name__}.{name}**", "", *block(told, "python"), "", *doc.splitlines()]
    return lines
