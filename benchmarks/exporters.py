"""Every exporter, opset, batch and simplifier: is the export adapted, and are its heads torch's own?

    python benchmarks/exporters.py

Judged as in tests/exporters: for icraft-v3-buyi, activations kept, against torch, and for icraft-v1.1, activations
approximated, by the change at the heads on noise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version

from icraft_adapt.models.matrix import SUBJECTS, Cell, Export, UnavailableError, cells
from icraft_adapt.tests.exporters.judging import Judged, judged_cell

LIBRARIES = ("torch", "onnx", "onnxscript", "onnxruntime", "onnxslim", "onnxsim")
BATCHES = {False: "static", True: "open"}


def main() -> None:
    """Print the tables as Markdown."""
    results: dict[Cell, Judged] = {}
    reasons: dict[Cell, str] = {}
    for cell in cells():
        try:
            results[cell] = judged_cell(cell)
        except UnavailableError as reason:
            reasons[cell] = str(reason)
    print("Versions: " + ", ".join(f"{name} {version(name)}" for name in LIBRARIES) + ".\n")
    notes = list(dict.fromkeys(reasons.values()))
    adapted = [cell for cell, one in results.items() if not one.refusal]
    print(f"{len(adapted)} of {len(cells())} exports are adapted, {len(reasons)} are skipped.\n")
    print(_heads({cell: _told(cell, results, reasons, notes) for cell in cells()}))
    print("\n" + "\n".join(f"[{number}] {note}" for number, note in enumerate(notes, 1)))
    print("\nWhat each export is made of:\n\n" + _made_of())
    print("\nThe change at the heads that icraft-v1.1 makes, over all cells of a network:\n\n" + _damage(results))


def _told(cell: Cell, results: Mapping[Cell, Judged], reasons: Mapping[Cell, str], notes: Sequence[str]) -> str:
    if cell in reasons:
        return f"skipped [{notes.index(reasons[cell]) + 1}]"
    return f"not adapted: {results[cell].refusal}" if results[cell].refusal else f"{results[cell].error:.0e}"


def _heads(told: Mapping[Cell, str]) -> str:
    """One row an exporter and opset, one column a batch and simplifier."""
    rows: dict[tuple[str, int], dict[tuple[bool, str], str]] = {}
    for cell, text in told.items():
        row = rows.setdefault((cell.export.exporter, cell.export.opset), {})
        row[cell.export.dynamic_batch, cell.simplifier or "raw"] = text
    columns = list(next(iter(rows.values())))
    lines = _head(["export", *(f"{BATCHES[batch]}, {name}" for batch, name in columns)])
    for (exporter, opset), row in rows.items():
        lines.append(_row([f"{exporter} {opset}", *(row[column] for column in columns)]))
    return "\n".join(lines)


def _made_of() -> str:
    """The network and the tail of each export."""
    exports = dict.fromkeys(cell.export for cell in cells())
    lines = _head(["export", "batch", "network", "output"])
    groups: dict[tuple[str, str, str, str], list[int]] = {}
    for each in exports:
        key = (each.exporter, BATCHES[each.dynamic_batch], each.subject.name, _output(each))
        groups.setdefault(key, []).append(each.opset)
    for (exporter, *rest), opsets in groups.items():
        span = f"{opsets[0]}" if len(opsets) == 1 else f"{opsets[0]} to {opsets[-1]}"
        lines.append(_row([f"{exporter} {span}", *rest]))
    return "\n".join(lines)


def _output(each: Export) -> str:
    form = each.form
    scores = "scores through a sigmoid" if form.sigmoid else "raw scores"
    boxes = f"boxes decoded ({form.decode})" if form.decode else "raw boxes"
    layout = {"flat": "one list of cells", "maps": "one map a level", "raw": "one map a level and role"}
    return f"{layout[form.layout]}, {scores}, {boxes}"


def _damage(results: Mapping[Cell, Judged]) -> str:
    """Smallest and largest damage of each role."""
    lines = _head(["network", "cells", "obj", "reg", "cls"])
    for subject in SUBJECTS:
        found = [one for cell, one in results.items() if cell.export.subject == subject and not one.refusal]
        spans = [[one.damage[role] for one in found] for role in ("obj", "reg", "cls")]
        lines.append(_row([subject.name, str(len(found)), *(f"{min(s):.5f} to {max(s):.5f}" for s in spans)]))
    return "\n".join(lines)


def _head(titles: Sequence[str]) -> list[str]:
    return [_row(titles), "|" + "---|" * len(titles)]


def _row(texts: Sequence[str]) -> str:
    return "| " + " | ".join(texts) + " |"


if __name__ == "__main__":
    main()
