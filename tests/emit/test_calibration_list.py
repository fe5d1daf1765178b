"""The list of calibration images."""

from __future__ import annotations

import os

import pytest

from icraft_adapt.adapter.emit.calibration_list import calibration_list
from icraft_adapt.errors import AdaptError


def test_one_a_line_sorted() -> None:
    artifact = calibration_list(["b.jpg", "a b.jpg", "sub/a.png"])
    assert artifact.path == "icraft/calibration.txt"
    assert artifact.data == b"a b.jpg\nb.jpg\nsub/a.png\n"


def test_no_images_no_lines() -> None:
    assert calibration_list([]).data == b""


def test_bytes_that_are_no_text_stay() -> None:
    assert calibration_list([os.fsdecode(b"\xff.jpg")]).data == b"\xff.jpg\n"


@pytest.mark.parametrize("name", ["a\nb.jpg", "a\rb.jpg", "a.jpg\n", "", "a\u2028b.jpg"])
def test_a_line_break_cannot_be_listed(name: str) -> None:
    with pytest.raises(AdaptError, match="line break"):
        calibration_list(["ok.jpg", name])
