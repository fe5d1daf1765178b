"""Real networks that are no YOLOX: declined in one line that says what was met."""

from __future__ import annotations

from pathlib import Path

import pytest

from icraft_adapt.tests.assets_e2e.conftest import command

DECLINED = {
    "nanotrack_backbone_sim": "the last map 546 of 16x16 cells is no grid over an image of 255x255",
    "nanotrack_head_sim": "2 inputs, where a detector has one image",
}


@pytest.mark.parametrize("name", DECLINED)
def test_a_tracker_is_declined(assets: Path, tmp_path: Path, name: str) -> None:
    result = command(assets / "models" / "nanotrack" / f"{name}.onnx", "--out", tmp_path / "out")
    assert (result.returncode, result.stdout) == (3, "")
    assert DECLINED[name] in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not (tmp_path / "out").exists()
