"""The command line as a subprocess, in a folder of its own, on a fake pipeline."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).with_name("with_fake_pipeline.py")
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def command(tmp_path: Path) -> Run:
    """`command(*arguments, model="fine")` runs the command line beside a net.onnx with that text."""

    def run(*arguments: str, model: str = "fine", **options: Any) -> subprocess.CompletedProcess[str]:  # noqa: ANN401
        (tmp_path / "net.onnx").write_text(model)
        call = [sys.executable, str(SCRIPT), *arguments]
        return subprocess.run(call, cwd=tmp_path, capture_output=True, text=True, timeout=60, **options)

    return run
