"""A folder against a baseline, as it is or edited."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from icraft_adapt.adapter.gate.check import check
from icraft_adapt.adapter.gate.requests import CheckRequest
from icraft_adapt.adapter.gate.verdict import Verdict
from icraft_adapt.adapter.progress import Silent


def checked(folder: Path, baseline: Path, *, self_test: bool = False) -> Verdict:
    return check(CheckRequest(folder, baseline, self_test), Silent())


def edited(place: Path, tmp_path: Path, edit: Callable[[dict[str, Any]], None]) -> Path:
    document = json.loads((place / "net.json").read_bytes())
    edit(document)
    (tmp_path / "edited.json").write_text(json.dumps(document))
    return tmp_path / "edited.json"
