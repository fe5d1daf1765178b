"""The same input gives the same bytes: whatever the hash seed, whatever the number of threads."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from icraft_adapt.tests.adapter.networks import BUYI, V1, adapted, network_file, pictures_folder

# Prints one line a file: its SHA-256 and its path. ONNX Runtime's own pool follows the processor affinity.
SCRIPT = """
import hashlib, os, sys
from pathlib import Path
if sys.argv[4] == "1":
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:1])
from icraft_adapt.adapter.pipeline import adapt
from icraft_adapt.adapter.request import Request
model, pictures, target = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
outcome = adapt(Request(model, out=model.parent / "out", target=target, calibration=pictures, hinges=2))
for artifact in outcome.artifacts:
    print(hashlib.sha256(artifact.data).hexdigest(), artifact.path)
"""


def digests(model: Path, pictures: Path, target: str, seed: int, threads: int) -> str:
    """The files' digests, made by a fresh interpreter."""
    environment = os.environ | {"PYTHONHASHSEED": str(seed), "OMP_NUM_THREADS": str(threads)}
    call = [sys.executable, "-c", SCRIPT, str(model), str(pictures), target, str(threads)]
    result = subprocess.run(call, env=environment, capture_output=True, text=True, timeout=600, check=True)
    return result.stdout


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no processor affinity on this system")
@pytest.mark.parametrize("target", [V1, BUYI])
def test_files_are_the_same_bytes(tmp_path: Path, target: str) -> None:
    model, pictures = network_file(tmp_path), pictures_folder(tmp_path)
    first = digests(model, pictures, target, seed=0, threads=2)
    assert len(first.splitlines()) == 25
    assert digests(model, pictures, target, seed=1, threads=1) == first


def test_files_hold_neither_absolute_paths_nor_clocks(tmp_path: Path) -> None:
    asked = {"target": BUYI, "calibration": pictures_folder(tmp_path), "html": True, "postproc": True}
    outcome = adapted(network_file(tmp_path), **asked)
    for artifact in outcome.artifacts:
        assert str(tmp_path).encode() not in artifact.data, artifact.path
        assert b"duration" not in artifact.data, artifact.path
