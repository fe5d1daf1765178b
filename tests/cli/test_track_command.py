"""`icraft-adapt track`: rows on stdout or in a file, one line on stderr, and an exit code."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from icraft_adapt.tests.adapter.networks import BUYI, adapted, network_file, pictures_folder, written

COMMAND = "import sys; from icraft_adapt.cli.main import main; sys.exit(main())"
ROWS = "1,-1,10,10,20,40,0.9,-1,-1,-1\n2,-1,11,10,20,40,0.9,-1,-1,-1\n"
Track = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """net.icraft, pictures/ and det.txt."""
    here = tmp_path_factory.mktemp("command")
    pictures_folder(here, 2)
    written(adapted(network_file(here), target=BUYI), here / "net.icraft")
    (here / "det.txt").write_text(ROWS)
    return here


@pytest.fixture
def track(place: Path) -> Track:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        call = [sys.executable, "-c", COMMAND, "track", *arguments]
        return subprocess.run(call, cwd=place, capture_output=True, text=True, timeout=600)

    return run


def test_rows_on_stdout_and_who_made_them_on_stderr(track: Track) -> None:
    result = track("net.icraft", "--detections", "det.txt")
    assert result.returncode == 0
    lines = result.stdout.splitlines()
    assert lines[0] == "1,1,10.0000,10.0000,20.0000,40.0000,0.900000,-1,-1,-1"
    assert [line.split(",")[:2] for line in lines] == [["1", "1"], ["2", "1"]]
    assert result.stderr.startswith("icraft-adapt: 2 frames, 1 tracks, by the ")
    assert len(result.stderr.splitlines()) == 1


def test_out_holds_what_stdout_would(track: Track, place: Path) -> None:
    shown = track("net.icraft", "--detections", "det.txt", "--no-fuse-score", "--fps", "25")
    result = track("net.icraft", "--detections", "det.txt", "--no-fuse-score", "--fps", "25", "--out", "tracks.txt")
    assert (result.returncode, result.stdout) == (0, "")
    assert (place / "tracks.txt").read_text() == shown.stdout != ""


def test_pictures_are_tracked(track: Track) -> None:
    result = track("net.icraft", "--images", "pictures", "--track-thresh", "0.2")
    assert result.returncode == 0
    assert {line.split(",")[0] for line in result.stdout.splitlines()} >= {"1"}


def test_options_reach_the_tracker(track: Track, place: Path) -> None:
    """Of five boxes one is small, one wide, one below the score of a new track, one dropped."""
    boxes = ["9,9,10,30,1", "99,9,60,30,1", "199,9,30,60,.85", "299,9,30,60,.65", "399,9,30,60,.95"]
    (place / "five.txt").write_text("".join(f"1,-1,{box}\n" for box in boxes))
    options = "--min-box-area 300 --max-aspect 1.5 --track-thresh 0.65 --high-thresh 0.9 --track-buffer 1"
    result = track("net.icraft", "--detections", "five.txt", *options.split())
    assert [line.split(",")[1:3] for line in result.stdout.splitlines()] == [["3", "399.0000"]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["net.icraft"], "give either --detections or --images"),
        (["net.icraft", "--detections", "det.txt", "--images", "pictures"], "give either --detections or --images"),
        (["net.icraft", "--detections", "absent.txt"], "'absent.txt' does not exist"),
        (["net.icraf", "--detections", "det.txt"], "net.icraf: no such file (did you mean net.icraft?"),
        (["pictures", "--detections", "det.txt"], "manifest.json cannot be read"),
        (["net.icraft", "--detections", "det.txt", "--fps", "0"], "0 is not above 0"),
        (["net.icraft", "--detections", "det.txt", "--fps", "0.2"], "a track buffer of 0.2 frames is not in"),
        (["net.icraft", "--detections", "det.txt", "--match-thresh", "2"], "match_thresh 2 is not"),
        (["net.icraft", "--detections", "det.txt", "--out", "det.txt"], "det.txt: holds the detections"),
        (["net.icraft", "--detections", "det.txt", "--out", "no/where"], "no/where: cannot be written: No such"),
        (["net.icraft", "--images", "net.icraft"], "no images here"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_2(arguments: list[str], message: str, track: Track) -> None:
    result = track(*arguments)
    assert (result.returncode, result.stdout) == (2, "")
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_wrong_row_is_named_and_nothing_is_written(track: Track, place: Path) -> None:
    (place / "bad.txt").write_text(f"{ROWS}3,-1,11,10,20,forty,0.9\n")
    result = track("net.icraft", "--detections", "bad.txt", "--out", "none.txt")
    assert (result.returncode, result.stdout) == (2, "")
    expected = "icraft-adapt: bad.txt, line 3: h is not a number: 'forty' (frame,id,x,y,w,h,score)\n"
    assert result.stderr == expected
    assert not (place / "none.txt").exists()
