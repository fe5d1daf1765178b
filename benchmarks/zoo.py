"""What becomes of networks of many kinds: adapted, with the change at the heads, or declined, with the line printed.

    python benchmarks/zoo.py [ASSETS]

ASSETS holds models/ (a YOLOX for COCO, one for people, the two halves of a tracker) and images/train to calibrate on.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory

from icraft_adapt.adapter.heads import damage_by_role
from icraft_adapt.adapter.pipeline import adapt
from icraft_adapt.adapter.request import Request
from icraft_adapt.errors import AdaptError
from icraft_adapt.models.zoo import OTHERS, YOLOXES, zoo_file

SAME = 1e-4  # of the deviation
TARGETS = ("icraft-v1.1", "icraft-v3-buyi")
REAL = ("yolox_nano_416", "person_yolox_nano_192", "nanotrack/nanotrack_backbone_sim", "nanotrack/nanotrack_head_sim")


def main(assets: Path | None) -> None:
    """Print the table as Markdown, and below it what each line that declines ends with in brackets."""
    hints: list[str] = []
    print(f"| network | {' | '.join(TARGETS)} |\n|---|---|---|")
    with TemporaryDirectory() as folder:
        for name, request in chain(_zoo(Path(folder, "net.onnx")), _real(assets)):
            told = list(dict.fromkeys(_told(replace(request, target=target), hints) for target in TARGETS))
            print(f"| {name} | {' | '.join(told if len(told) == len(TARGETS) else (*told, 'the same'))} |", flush=True)
    print("\n" + "\n".join(f"[{number}] {hint}" for number, hint in enumerate(hints, 1)))


def _zoo(file: Path) -> Iterator[tuple[str, Request]]:
    """One network after the other, all in this file."""
    for name in (*YOLOXES, *OTHERS):
        file.write_bytes(zoo_file(name))
        yield name, Request(file)


def _real(assets: Path | None) -> Iterator[tuple[str, Request]]:
    for name in REAL if assets is not None else ():
        file = Path(assets or "", "models", f"{name}.onnx")
        yield file.stem, Request(file, calibration=Path(assets or "", "images", "train"))


def _told(request: Request, hints: list[str]) -> str:
    try:
        outcome = adapt(request)
    except AdaptError as error:
        if error.hint not in hints:
            hints.append(error.hint)
        return f"declined, exit {error.code:d}: {error.message} [{hints.index(error.hint) + 1}]"
    if outcome.exit_code or outcome.report.verify is None:
        return f"declined, exit {outcome.exit_code:d}: {outcome.verdict}"
    changed = sorted({f"{fit.source} as {fit.to}" for fit in outcome.report.activations if fit.source != fit.to})
    damage = damage_by_role(outcome.report.verify)
    worst = ", ".join(f"{role} {value:.2g}" for role, value in damage.items())
    same = f"heads equal to {max(damage.values()):.0e}" if any(damage.values()) else "heads equal in every bit"
    heads = f"heads off by {worst}" if max(damage.values()) > SAME else same
    return f"adapted: {', '.join(changed) or 'activations kept'}; {heads}"


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
