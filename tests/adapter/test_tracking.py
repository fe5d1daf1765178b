"""Tracks from a file and from pictures: by the C where there is a compiler, the same by the reference where not."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from icraft_adapt.adapter import tracking
from icraft_adapt.adapter.detector import folder_detector
from icraft_adapt.adapter.output_folder import read_folder
from icraft_adapt.adapter.progress import Silent
from icraft_adapt.adapter.tracking import track
from icraft_adapt.adapter.tracking_types import TrackRequest
from icraft_adapt.data.images import read_image
from icraft_adapt.errors import AdaptError, Exit
from icraft_adapt.postproc.track.options import TrackOptions
from icraft_adapt.tests.adapter.networks import BUYI, adapted, network_file, pictures_folder, written


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An output folder, and pictures/ beside it."""
    here = tmp_path_factory.mktemp("track")
    pictures_folder(here, 4)
    return written(adapted(network_file(here), target=BUYI), here / "net.icraft")


def rows_file(folder: Path, *rows: str) -> Path:
    file = folder / "det.txt"
    file.write_text("".join(f"{row}\n" for row in rows))
    return file


def without_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracking, "compiler", lambda: None)


def walk(frames: int) -> list[str]:
    """Two bodies that walk; the second is seen first, so it has the lower id."""
    return [
        f"{frame},-1,{place + 3 * frame},20,30,60,{score},-1,-1,-1"
        for frame in range(1, frames + 1)
        for place, score in ((300, 0.9), (10, 0.8))
    ]


def test_rows_come_by_frame_then_id(folder: Path, tmp_path: Path) -> None:
    rows = walk(5)
    swapped = rows[:4] + rows[5:3:-1] + rows[6:]
    file = rows_file(tmp_path, *reversed(swapped))
    result = track(TrackRequest(folder, file), Silent())
    assert [tuple(map(int, row.split(",")[:2])) for row in result.rows] == [(f, i) for f in range(1, 6) for i in (1, 2)]
    assert result.rows[0].endswith(",-1,-1,-1")
    assert (result.frames, result.tracks, result.notes) == (5, 2, ())


def test_the_reference_gives_the_same_rows(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    request = TrackRequest(folder, rows_file(tmp_path, *walk(12), "40,-1,1,1,5,5,.7"))
    compiled = track(request, Silent())
    without_compiler(monkeypatch)
    reference = track(request, Silent())
    assert reference.rows == compiled.rows != ()
    assert reference.frames == 40
    assert reference.engine == "the Python reference (no C compiler is here)"


def test_code_that_does_not_compile_here_is_said(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_: object) -> None:
        raise RuntimeError("no stdint.h")

    monkeypatch.setattr(tracking, "compiler", lambda: "cc")
    monkeypatch.setattr(tracking, "CompiledLibrary", fails)
    result = track(TrackRequest(folder, rows_file(tmp_path, *walk(3))), Silent())
    assert result.engine == "the Python reference (the C did not compile here: no stdint.h)"
    assert len(result.rows) == 6


@pytest.mark.parametrize("has_compiler", [True, False])
def test_many_boxes_and_many_lost_tracks_find_room(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_compiler: bool
) -> None:
    if not has_compiler:
        without_compiler(monkeypatch)
    boxes = [f"{frame},-1,{20 * n},{200 * frame},9,9,.9" for frame in range(1, 6) for n in range(70)]
    result = track(TrackRequest(folder, rows_file(tmp_path, *boxes)), Silent())
    assert (len(result.rows), result.tracks) == (70, 70)  # later ones are never confirmed
    options = TrackOptions(match_thresh=0.01)
    twice = [f"{1 + frame},-1,{20 * n},{frame // 2},9,9,1" for frame in range(6) for n in range(70)]
    assert track(TrackRequest(folder, rows_file(tmp_path, *twice), options=options), Silent()).tracks == 210


def test_no_rows_give_no_tracks(folder: Path, tmp_path: Path) -> None:
    result = track(TrackRequest(folder, rows_file(tmp_path)), Silent())
    assert (result.rows, result.frames, result.tracks) == ((), 0, 0)


def test_a_box_beyond_all_pixels_is_named_by_its_line(folder: Path, tmp_path: Path) -> None:
    file = rows_file(tmp_path, "1,-1,1,1,5,5,.7", "1,-1,3e6,1,5,5,.7")
    with pytest.raises(AdaptError, match=r"det\.txt, line 2: a number beyond 1048576") as caught:
        track(TrackRequest(folder, file), Silent())
    assert caught.value.code == Exit.BAD_INPUT


def test_pictures_are_frames_in_the_order_of_their_names(folder: Path, tmp_path: Path) -> None:
    pictures = folder.parent / "pictures"
    options = TrackOptions(track_thresh=0.2, match_thresh=1.0)
    result = track(TrackRequest(folder, images=pictures, options=options), Silent())
    assert result.frames == 4
    assert result.tracks > 0
    detector = folder_detector(read_folder(folder), read_folder(folder).manifest.preprocess)
    rows = []
    for frame in range(1, 5):
        found = detector.detect(read_image(pictures / f"{frame - 1}.png"))
        for (x1, y1, x2, y2), score in zip(found.boxes, found.scores, strict=True):
            rows.append(f"{frame},-1,{x1:.9g},{y1:.9g},{x2 - x1:.9g},{y2 - y1:.9g},{score:.9g}")
    again = track(TrackRequest(folder, rows_file(tmp_path, *rows), options=options), Silent())
    assert again.rows == result.rows


def test_a_picture_that_cannot_be_read_is_a_frame_without_boxes(folder: Path, tmp_path: Path) -> None:
    for frame in range(3):
        data = (folder.parent / "pictures" / "0.png").read_bytes()
        (tmp_path / f"{frame}.png").write_bytes(data if frame != 1 else b"\x89PNG")
    result = track(TrackRequest(folder, images=tmp_path, options=TrackOptions(track_thresh=0.2)), Silent())
    frames = {int(row.split(",")[0]) for row in result.rows}
    assert frames == {1, 3}
    assert result.frames == 3
    assert [note.split(":")[0] for note in result.notes] == ["1.png"]


def test_boxes_that_no_tracker_takes_are_left_out_and_counted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = tracking._boxes

    def spoiled(found: object) -> object:
        boxes = original(found)  # type: ignore[arg-type]
        places = boxes.boxes.copy()
        places[0] = [0, 0, np.inf, 5]
        return replace(boxes, boxes=places)

    monkeypatch.setattr(tracking, "_boxes", spoiled)
    result = track(TrackRequest(folder, images=folder.parent / "pictures"), Silent())
    assert result.notes == ("4 boxes of no size, or beyond 1048576 pixels",)


def test_wrong_requests_end_before_any_work(folder: Path, tmp_path: Path) -> None:
    file = rows_file(tmp_path, *walk(2))
    for request, message in [
        (TrackRequest(folder), "nothing to track"),
        (TrackRequest(tmp_path, file), "manifest.json cannot be read"),
        (TrackRequest(folder, file, options=TrackOptions(frame_rate=0)), "a frame rate of 0 says nothing"),
        (TrackRequest(folder, images=tmp_path), "no images here"),
    ]:
        with pytest.raises(AdaptError, match=message):
            track(request, Silent())
    assert json.loads((folder / "manifest.json").read_text())
