"""Real models and pictures, and output folders that several tests look at."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ASSETS = Path(os.environ.get("ICRAFT_ADAPT_ASSETS", ROOT / ".." / "shared" / "assets")).resolve()
COMMAND = "import sys; from icraft_adapt.cli.main import main; sys.exit(main())"
Folder = Callable[..., Path]


def command(*arguments: object) -> subprocess.CompletedProcess[str]:
    """The real command line in a process of its own."""
    call = [sys.executable, "-c", COMMAND, *map(str, arguments)]
    return subprocess.run(call, capture_output=True, text=True, timeout=600, check=False)


@pytest.fixture(scope="session")
def assets() -> Path:
    """The folder of real material; skips where there is none."""
    if not (ASSETS / "models").is_dir():
        pytest.skip(f"no real models and pictures at {ASSETS} (set ICRAFT_ADAPT_ASSETS)")
    return ASSETS


@pytest.fixture(scope="session")
def folder(assets: Path, tmp_path_factory: pytest.TempPathFactory) -> Folder:
    """`folder(model, target, *options)` runs the main job once, which must end well, and gives its output folder."""

    @cache
    def made(model: str, target: str, *options: str) -> Path:
        out = tmp_path_factory.mktemp("run") / f"{model}.icraft"
        result = command(assets / "models" / f"{model}.onnx", "--target", target, "--out", out, *options)
        assert (result.returncode, result.stderr) == (0, "")
        return out

    return made
