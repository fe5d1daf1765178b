"""500 damaged models end with 0, 1, 2 or 3 and one line: `campaign.py` says what is held against each."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from icraft_adapt.tests.robustness.bases import write_bases

CAMPAIGN = Path(__file__).parent / "campaign.py"
SEED, MUTANTS, PARTS = 3, 500, 4


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The networks that are damaged."""
    folder = tmp_path_factory.mktemp("bases")
    write_bases(folder, more=True)
    return folder


@pytest.mark.parametrize("part", range(PARTS))
def test_mutants_end_as_promised(bases: Path, part: int) -> None:
    each = MUTANTS // PARTS
    call = [sys.executable, CAMPAIGN, "--count", each, "--seed", SEED, "--start", part * each, "--bases", bases]
    done = subprocess.run([str(word) for word in call], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{each} mutants" in done.stdout
