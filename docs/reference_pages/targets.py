"""targets.md: what each chip and compiler version runs; each has a manual of its own in targets/."""

from __future__ import annotations

from collections.abc import Sequence

from icraft_adapt.docs.reference_pages.markdown import document, link, table
from icraft_adapt.targets.loader import load_target, target_names
from icraft_adapt.targets.manual import describe
from icraft_adapt.targets.types import Target


def pages() -> dict[str, str]:
    """The comparison of all targets, and the manual of each."""
    targets = [load_target(name) for name in target_names()]
    intro = [
        "`icraft-adapt targets NAME` prints the manual of one. What is not in the YAML is not run; a target of"
        " your own: [add-a-target.md](../add-a-target.md)."
    ]
    parts = (
        _facts(targets),
        ["## Activations", "", *_activations(targets)],
        ["## Operators", "", "Each under the limits that the target's own page states.", "", *_operators(targets)],
    )
    made = {"targets.md": document("Targets", "`targets/*.yaml`", intro, *parts)}
    return made | {f"targets/{target.name}.md": _manual(target) for target in targets}


def _manual(target: Target) -> str:
    title, *lines = describe(target)
    return document(title.removeprefix("# "), f"`targets/{target.name}.yaml`", lines[1:])


def _facts(targets: Sequence[Target]) -> list[str]:
    rows = [
        (link(t.name, f"targets/{t.name}.md"), t.compiler, t.chip, ", ".join(t.formats), str(t.onnx.opset))
        for t in targets
    ]
    return table(("target", "compiler", "chip", "number formats", "opset"), rows)


def _activations(targets: Sequence[Target]) -> list[str]:
    names = sorted({name for target in targets for name in target.activations})
    rows = [(name, *("yes" if t.runs_activation(name) else "-" for t in targets)) for name in names]
    return table(("activation", *(t.name for t in targets)), rows)


def _operators(targets: Sequence[Target]) -> list[str]:
    names = sorted({op for target in targets for op in (*target.npu, *target.cpu)})
    rows = [(op, *(_where(op, target) for target in targets)) for op in names]
    return table(("operator", *(t.name for t in targets)), rows)


def _where(op: str, target: Target) -> str:
    places = (("NPU", op in target.npu), ("CPU", op in target.cpu))
    return ", ".join(name for name, runs in places if runs) or "-"
