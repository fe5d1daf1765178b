"""The demo needs nothing but the package: it adapts the bundled network, measures it, and leaves one folder."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from icraft_adapt.adapter.demonstration import draw_streets
from icraft_adapt.adapter.progress import Silent
from icraft_adapt.data.images import find_images, read_image
from icraft_adapt.data.labels import load_labels
from icraft_adapt.models.demo.films import held_out, people

COMMAND = "import sys; from icraft_adapt.cli.main import main; sys.exit(main())"
FAKE_TORCH = "from pathlib import Path\nPath(__file__).with_name('imported').touch()\nraise ImportError('no torch')\n"


@dataclass(frozen=True)
class Place:
    """Where the demo runs: `here` holds its output alone, `scratch` its temporary files, `libraries` a fake torch."""

    here: Path
    scratch: Path
    libraries: Path

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        call = [sys.executable, "-c", COMMAND, "demo", *arguments]
        env = os.environ | {"TMPDIR": str(self.scratch), "PYTHONPATH": str(self.libraries)}
        return subprocess.run(call, cwd=self.here, env=env, capture_output=True, text=True, timeout=600)

    def files(self) -> dict[str, bytes]:
        folder = self.here / "demo.icraft"
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    made = Place(*(tmp_path_factory.mktemp(name) for name in ("here", "scratch", "libraries")))
    (made.libraries / "torch.py").write_text(FAKE_TORCH)
    return made


@pytest.fixture(scope="module")
def done(place: Place) -> subprocess.CompletedProcess[str]:
    return place.run()


def test_it_leaves_one_whole_folder(place: Place, done: subprocess.CompletedProcess[str]) -> None:
    assert (done.returncode, done.stderr) == (0, "")
    assert [entry.name for entry in place.here.iterdir()] == ["demo.icraft"]
    files = place.files()
    listed = {each["path"]: each["sha256"] for each in json.loads(files["manifest.json"])["artifacts"]}
    assert listed == {name: sha256(files[name]).hexdigest() for name in files.keys() - {"manifest.json", "report.json"}}
    assert {"adapted.onnx", "icraft/demo_person.toml", "golden/adapted.npz"} <= listed.keys()


def test_the_printed_figures_are_those_of_a_network_that_works(done: subprocess.CompletedProcess[str]) -> None:
    original, adapted, integer = ({}, {}, {})
    line = r"^(AP50|AP|agreement) +(\d\.\d{4}) +(\d\.\d{4}) +(\d\.\d{4})$"
    for name, before, after, coded in re.findall(line, done.stdout, re.M):
        original[name], adapted[name], integer[name] = float(before), float(after), float(coded)
    assert original.keys() == {"AP50", "AP", "agreement"}
    assert original["AP50"] >= 0.9
    assert original["agreement"] == 1
    assert adapted["AP50"] >= 0.85
    assert 0.7 <= adapted["agreement"] < 1
    assert integer["AP50"] >= 0.8
    assert "on 60 held-out frames    original     adapted     integer\n" in done.stdout


def test_the_summary_comes_first_and_the_report_last(done: subprocess.CompletedProcess[str]) -> None:
    lines = done.stdout.splitlines()
    assert lines[0].startswith("adapted for icraft-v1.1: ")
    assert lines[-1] == f"report: {Path('demo.icraft', 'report.html')}"


@pytest.mark.usefixtures("done")
def test_torch_is_not_imported(place: Place) -> None:
    assert not (place.libraries / "imported").exists()


@pytest.mark.usefixtures("done")
def test_temporary_files_go_and_leave_no_trace(place: Place) -> None:
    assert not list(place.scratch.glob("icraft-adapt-*"))
    files = place.files()
    assert not [name for name, data in files.items() if b"icraft-adapt-" in data or bytes(place.scratch) in data]
    names = files["icraft/calibration.txt"].decode().splitlines()
    assert names == [f"street_{number:03}.png" for number in range(48)]


@pytest.mark.usefixtures("done")
def test_an_existing_folder_is_replaced_only_with_force(place: Place) -> None:
    before = place.files()
    refused = place.run()
    assert refused.returncode == 2
    assert refused.stderr.startswith("icraft-adapt: demo.icraft: exists (--force replaces it")
    assert place.files() == before


def test_labels_say_where_the_people_are_and_no_measured_picture_is_calibrated_on(tmp_path: Path) -> None:
    streets = draw_streets(tmp_path, Silent())
    files = find_images(streets.images)
    pictures = [read_image(file) for file in files]
    labels = load_labels(streets.labels, "yolo", [(f, p.shape[:2]) for f, p in zip(files, pictures, strict=True)])
    for file, picture, frame in zip(files, pictures, held_out(range(20)), strict=True):
        np.testing.assert_array_equal(picture, frame.image)
        np.testing.assert_allclose(labels[file.name].boxes, people(frame).boxes, atol=1e-9)
        assert not labels[file.name].classes.any()
    calibrated = {read_image(file).tobytes() for file in find_images(streets.calibration)}
    assert len(calibrated) == 48
    assert calibrated.isdisjoint(picture.tobytes() for picture in pictures)
