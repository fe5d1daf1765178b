"""MOTChallenge rows are read as they stand, and a wrong one is named by its line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from icraft_adapt.data.mot_rows import MOST_FRAMES, mot_row, read_mot_rows
from icraft_adapt.errors import AdaptError, Exit


def test_rows_in_any_order_with_anything_behind_the_score(tmp_path: Path) -> None:
    file = tmp_path / "det.txt"
    file.write_bytes(b"\xef\xbb\xbf7, -1, 1.5, -2,3e1,4.,.25,-1,-1,-1\r\n\r\n3,5,+1,2,3,4,1\n2.0,-1,1,2,3,4,-0.5,a,b\n")
    found = read_mot_rows(file)
    assert found.frames.tolist() == [7, 3, 2]
    assert found.lines.tolist() == [1, 3, 4]
    assert found.scores.tolist() == [0.25, 1.0, -0.5]
    np.testing.assert_array_equal(found.boxes, [[1.5, -2, 30, 4], [1, 2, 3, 4], [1, 2, 3, 4]])


def test_an_empty_file_has_no_rows(tmp_path: Path) -> None:
    file = tmp_path / "det.txt"
    file.write_text("\n  \n")
    found = read_mot_rows(file)
    assert (found.frames.shape, found.boxes.shape) == ((0,), (0, 4))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("1,-1,1,2,3,4", "6 values, expected at least 7 (frame,id,x,y,w,h,score)"),
        ("1 -1 1 2 3 4 .5", "1 values, expected"),
        ("1,-1,1,2,3,4,high", "score is not a number: 'high'"),
        ("1,-1,nan,2,3,4,.5", "x is not a number: 'nan'"),
        ("1,-1,1,2,inf,4,.5", "w is not a number: 'inf'"),
        ("1,-1,1_0,2,3,4,.5", "x is not a number: '1_0'"),
        ("1,-1,1,2,3,,.5", "h is not a number: ''"),
        ("1,-1,1e999,2,3,4,.5", "a number is too large"),
        ("1,-1,1,2,0,4,.5", "a box of 0 x 4 pixels has no size"),
        ("1,-1,1,2,3,-4,.5", "a box of 3 x -4 pixels has no size"),
        ("0,-1,1,2,3,4,.5", "frame 0 is not a whole number in 1.."),
        ("1.5,-1,1,2,3,4,.5", "frame 1.5 is not"),
        (f"{MOST_FRAMES + 1},-1,1,2,3,4,.5", f"frame {MOST_FRAMES + 1} is not"),
    ],
)
def test_a_wrong_row_is_named(row: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "det.txt"
    file.write_text(f"1,-1,1,2,3,4,.5\n\n{row}\n")
    with pytest.raises(AdaptError) as caught:
        read_mot_rows(file)
    assert caught.value.code == Exit.BAD_INPUT
    assert str(caught.value).startswith(f"{file}, line 3: {message}")


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(AdaptError, match="cannot be read: No such file"):
        read_mot_rows(tmp_path / "absent.txt")
    (tmp_path / "bytes.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(AdaptError, match="is not UTF-8 text"):
        read_mot_rows(tmp_path / "bytes.txt")


def test_a_track_s_row() -> None:
    box = np.float32([-0.00001, 10.25, 1 / 3, 80])
    assert mot_row(3, 12, box, 0.9) == "3,12,-0.0000,10.2500,0.3333,80.0000,0.900000,-1,-1,-1"
