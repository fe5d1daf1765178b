"""What the user asks of the gate, in frozen values."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from ...errors import AdaptError
from .baseline import Tolerances

DEFAULT_FOLDER = "icraft-baseline"


@dataclass(frozen=True, slots=True)
class RecordRequest:
    """`baseline` None: `icraft-baseline/<name>.json` here."""

    folder: Path
    baseline: Path | None = None
    tolerances: Tolerances = field(default_factory=Tolerances)


@dataclass(frozen=True, slots=True)
class CheckRequest:
    """`self_test`: also seed faults, and see whether the comparison finds them."""

    folder: Path
    baseline: Path | None = None
    self_test: bool = False


def place(folder: Path, baseline: Path | None, name: str) -> Path:
    """Where the baseline lies; `name` is the network's. Raises AdaptError (exit 2) for a place inside the folder."""
    path = baseline if baseline is not None else Path(DEFAULT_FOLDER) / f"{name}.json"
    if path.resolve().is_relative_to(folder.resolve()):
        what = f"lies inside {folder}, which the main job replaces"
        raise AdaptError(what, where=str(path), hint="choose a --baseline outside")
    return path
