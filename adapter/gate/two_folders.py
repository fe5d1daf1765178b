"""Two output folders: which option, assumption, rewrite, fit or scale changed, and what that does to the codes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from ..integer_detector import PROGRAM
from ..output_folder import OutputFolder, read_folder
from ..progress import Progress
from .decisions import Decisions, decisions_of
from .difference import Difference
from .flat import changes
from .golden_folder import INPUTS, read_golden
from .two_programs import compare_programs

_SHOWN = 5


def two_folders(a: Path, b: Path, progress: Progress) -> Difference:
    """Raises AdaptError (exit 2) for a folder that the main job did not write, or that was changed since."""
    progress.stage("reading the folders")
    first, second = read_folder(a), read_folder(b)
    lines = list(_decided(decisions_of(first), decisions_of(second)))
    simulated = [_is_simulated(folder) for folder in (first, second)]
    if all(simulated):
        progress.stage("simulating")
        lines += compare_programs(read_golden(a), read_golden(b))
    elif any(simulated):
        lines.append(f"integers: only {'A' if simulated[0] else 'B'} was simulated")
    notes = list(_notes(first, second))
    if not lines:
        for path in _other_files(first, second):
            if all(simulated) and path != INPUTS:  # the integers are equal, and so is what they are run on
                notes.append(f"note: {path} has other bytes: names, or last digits")
            else:
                lines.append(f"{path}: other bytes")
    if not lines:
        return Difference((f"equal: {a} and {b}", *notes), True)
    return Difference((f"A {a}, B {b}", *lines, *notes), False)


def _is_simulated(folder: OutputFolder) -> bool:
    return any(each.path == PROGRAM for each in folder.manifest.artifacts)


def _decided(a: Decisions, b: Decisions) -> Iterator[str]:
    """What was decided otherwise: A, then B."""
    for path, before, after in changes(a.plain, b.plain):
        yield f"{path}: {before or 'absent'} -> {after or 'absent'}"
    yield from _listed("assumptions only in A", [each for each in a.assumptions if each not in b.assumptions])
    yield from _listed("assumptions only in B", [each for each in b.assumptions if each not in a.assumptions])
    for name, ours, theirs in (("A", a, b), ("B", b, a)):
        more = ours.rewrites - theirs.rewrites
        for rule in sorted({rule for rule, _ in more}):
            anchors = [anchor for (each, anchor), count in more.items() if each == rule for _ in range(count)]
            yield f"rewrites only in {name}: {rule} at {_some(anchors)}"
    fits = [f"{anchor}: {old} | {new}" for anchor, old, new in changes(a.activations, b.activations)]
    yield from _listed("activations", fits)


def _listed(title: str, found: Sequence[str]) -> Iterator[str]:
    if found:
        yield f"{title}: {len(found)}"
        yield from (f"  {each}" for each in found[:_SHOWN])
        if len(found) > _SHOWN:
            yield f"  and {len(found) - _SHOWN} more"


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_SHOWN])
    return f"{shown} and {len(names) - _SHOWN} more" if len(names) > _SHOWN else shown


def _other_files(a: OutputFolder, b: OutputFolder) -> list[str]:
    """Files that differ though nothing above does: names or weights, figures, pictures."""
    ours, theirs = ({each.path: each.sha256 for each in folder.manifest.artifacts} for folder in (a, b))
    return [path for path, _, _ in changes(ours, theirs) if path.startswith(("adapted", "golden"))]


def _notes(a: OutputFolder, b: OutputFolder) -> Iterator[str]:
    if a.manifest.tool != b.manifest.tool:
        yield f"note: A was written by version {a.manifest.tool}, B by {b.manifest.tool}"
    if a.manifest.model.sha256 != b.manifest.model.sha256:
        yield "note: the original models are two files, or two exports of one network"
