"""The generated programs on end: records of several frames to boxes, boxes to tracks, as the reference does both."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from icraft_adapt.adapter.postproc_task import integer_task
from icraft_adapt.postproc.c.library import compiler
from icraft_adapt.postproc.decode.records import pack_records
from icraft_adapt.postproc.decode.reference import reference_records
from icraft_adapt.postproc.decode.values import DecodeOptions
from icraft_adapt.postproc.generators.yolox import values_of
from icraft_adapt.postproc.track.byte import ByteTracker
from icraft_adapt.postproc.track.options import TrackOptions
from icraft_adapt.postproc.track.types import Boxes
from icraft_adapt.tests.decode.generated import needs, run
from icraft_adapt.tests.project.networks import heads, program, subject

Project = Callable[[str], Path]
FRAMES = 12
pytestmark = pytest.mark.skipif(compiler() is None, reason="no C compiler")


@pytest.fixture
def film(project: Project, tmp_path: Path) -> tuple[Path, list[str], list[str]]:
    """A folder with both programs and the records of some frames; the records' names; the rows that are expected."""
    shutil.copytree(project("eight"), tmp_path, dirs_exist_ok=True)
    of = subject("eight")
    made = program(of, 8)
    values = values_of(integer_task(of, made, heads(of, 0, made)))
    tracker = ByteTracker(TrackOptions())
    names, rows = [], []
    for number in range(1, FRAMES + 1):
        records = pack_records(values, heads(of, number, made))
        for level, array in enumerate(records):
            names.append(f"frame{number}-{level}.bin")
            array.tofile(tmp_path / names[-1])
        found = reference_records(values, records, DecodeOptions(0.1, 0.65, ratio=(0.5, 0.5))).detections
        sizes = found.boxes[:, 2:] - found.boxes[:, :2]
        boxes = Boxes(np.hstack([found.boxes[:, :2], sizes]), found.scores, found.classes.astype(np.int32))
        seen = tracker.step(boxes)
        for track, box, score in zip(seen.ids, seen.boxes, seen.scores, strict=True):
            rows.append(f"{number},{track},{','.join(f'{n:.4f}' for n in box)},{score:.6f},-1,-1,-1")
    return tmp_path, names, rows


def test_records_to_boxes_to_tracks(film: tuple[Path, list[str], list[str]]) -> None:
    folder, names, rows = film
    run(["make", "-s", "CFLAGS=-O1", "all"], folder)
    boxes = run(["./eight_main", "records", "--picture", "192x128", "--mot", *names], folder).stdout
    tracks = subprocess.run(
        ["./eight_track_main", "30"], cwd=folder, input=boxes, capture_output=True, text=True, check=True
    ).stdout
    assert len({row.split(",")[1] for row in rows}) >= 2
    assert len(rows) > 2 * FRAMES
    assert tracks.splitlines() == rows


@pytest.mark.parametrize(
    ("cross", "machine"), [("aarch64-linux-gnu-gcc", "qemu-aarch64"), ("arm-linux-gnueabihf-gcc", "qemu-arm")]
)
def test_the_same_rows_on_other_machines(film: tuple[Path, list[str], list[str]], cross: str, machine: str) -> None:
    needs("make", cross, machine)
    folder, names, rows = film
    run(["make", "-s", f"CC={cross}", "CFLAGS=-O1", "LDFLAGS=-static", "all"], folder)
    boxes = run([machine, "./eight_main", "records", "--picture", "192x128", "--mot", *names], folder).stdout
    command = [machine, "./eight_track_main", "30"]
    tracks = subprocess.run(command, cwd=folder, input=boxes, capture_output=True, text=True, check=True).stdout
    assert tracks.splitlines() == rows


def test_a_picture_too_short_is_named(film: tuple[Path, list[str], list[str]]) -> None:
    folder, names, _ = film
    run(["make", "-s", "CFLAGS=-O1", "all"], folder)
    command = ["./eight_main", "records", "--mot"]
    short = subprocess.run([*command, *names[:4]], cwd=folder, capture_output=True, text=True, check=False)
    assert (short.returncode, short.stdout) == (2, "")
    assert "does not go with this number of files: 4" in short.stderr
    (folder / names[4]).write_bytes(b"\0" * 100)
    cut = subprocess.run([*command, *names[:6]], cwd=folder, capture_output=True, text=True, check=False)
    assert cut.returncode == 1
    assert "picture 2 refused: status 4 at level 1" in cut.stderr
