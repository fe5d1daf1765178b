"""The gates that docs/ci.md shows pass on a good score and fail on a bad one."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from icraft_adapt.adapter.evaluation_types import EvaluationResult
from icraft_adapt.tests.docs.pages import read

PAGE = read("docs/ci.md")
GATES = [
    *re.findall(r'python -c "(.+)"', PAGE.text),
    *(gate for job in PAGE.blocks("bash") for gate in re.findall(r"<< 'GATE'\n(.*?)\nGATE", job, re.DOTALL)),
]


def score(agreement: float) -> str:
    """score.json as `evaluate --json` writes it."""
    interval = {"agreement": (agreement - 0.03, agreement + 0.03)}
    return EvaluationResult("adapted", None, None, agreement, 64, interval).to_json()


def test_there_are_gates() -> None:
    assert len(GATES) == 3


@pytest.mark.parametrize("gate", GATES, ids=["figure", "interval", "job"])
@pytest.mark.parametrize(("agreement", "passes"), [(0.9, True), (0.5, False), (0.0, False)])
def test_a_gate(gate: str, agreement: float, passes: bool, tmp_path: Path) -> None:
    (tmp_path / "score.json").write_text(score(agreement))
    done = subprocess.run([sys.executable, "-c", gate], cwd=tmp_path, capture_output=True, check=False)
    assert (done.returncode == 0) is passes


def test_every_key_of_the_score_is_explained() -> None:
    rows = [line.split(" | ")[0] for line in PAGE.text.splitlines() if line.startswith("| `")]
    told = {name.strip("|` ") for row in rows for name in row.split(", ")}
    assert told == {field.name for field in fields(EvaluationResult)}
    assert set(json.loads(score(0.5))) <= told
