"""Folders and places that record and check do not take, each with its line and its exit code."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from icraft_adapt.adapter.emit.golden_npz import golden_npz
from icraft_adapt.adapter.gate.check import check
from icraft_adapt.adapter.gate.golden_folder import INPUTS, INTEGER, GoldenFolder
from icraft_adapt.adapter.gate.record import record
from icraft_adapt.adapter.gate.requests import CheckRequest, RecordRequest
from icraft_adapt.adapter.integer_detector import PROGRAM
from icraft_adapt.adapter.progress import Silent
from icraft_adapt.errors import AdaptError, Exit


@pytest.fixture
def copy(place: Path, tmp_path: Path) -> Path:
    """A folder to spoil."""
    shutil.copytree(place / "net.icraft", tmp_path / "net.icraft")
    return tmp_path / "net.icraft"


def replaced(folder: Path, name: str, data: bytes | None) -> None:
    """Another file under this name, known to the manifest; None: as if the main job had not written it."""
    manifest = json.loads((folder / "manifest.json").read_bytes())
    listed = [each for each in manifest["artifacts"] if each["path"] != name]
    if data is not None:
        (folder / name).write_bytes(data)
        listed.append({"path": name, "sha256": hashlib.sha256(data).hexdigest()})
    manifest["artifacts"] = listed
    (folder / "manifest.json").write_text(json.dumps(manifest))


def refused(folder: Path, baseline: Path) -> AdaptError:
    with pytest.raises(AdaptError) as raised:
        record(RecordRequest(folder, baseline), Silent())
    return raised.value


def test_without_a_simulation_there_is_nothing_to_record(copy: Path, tmp_path: Path) -> None:
    replaced(copy, PROGRAM, None)
    error = refused(copy, tmp_path / "a.json")
    assert (error.code, error.hint) == (Exit.UNSUPPORTED, "run the main job with --calib")
    assert "holds no integer golden" in error.message


def test_a_file_changed_since_is_refused(copy: Path, tmp_path: Path) -> None:
    (copy / PROGRAM).write_bytes(b"other")
    error = refused(copy, tmp_path / "a.json")
    assert error.code == Exit.BAD_INPUT
    assert "SHA-256" in error.message


def test_heads_that_the_program_does_not_compute_fail(copy: Path, golden: GoldenFolder, place: Path) -> None:
    heads = {name: values.copy() for name, values in golden.heads.items()}
    heads["reg_s16"][0, 0, 0, 0] += np.float32(0.5)
    replaced(copy, INTEGER, golden_npz(INTEGER, heads).data)
    error = refused(copy, copy.parent / "a.json")
    assert (error.code, error.message) == (
        Exit.FAILED,
        "golden/program.npz computes other heads than golden/integer.npz holds, reg_s16 first",
    )
    with pytest.raises(AdaptError, match="reg_s16 first"):
        check(CheckRequest(copy, place / "net.json"), Silent())


@pytest.mark.parametrize("missing", ["cls_s8", "layer"])
def test_a_folder_that_does_not_tell_of_every_layer_does_not_pass(
    copy: Path, golden: GoldenFolder, place: Path, missing: str
) -> None:
    if missing == "layer":
        report = json.loads((copy / "report.json").read_bytes())
        del report["layers"][5]
        (copy / "report.json").write_text(json.dumps(report))
    else:
        heads = {name: values for name, values in golden.heads.items() if name != missing}
        replaced(copy, INTEGER, golden_npz(INTEGER, heads).data)
    with pytest.raises(AdaptError, match="the coverage is incomplete") as raised:
        check(CheckRequest(copy, place / "net.json"), Silent())
    assert raised.value.code == Exit.UNSUPPORTED


def test_a_constant_picture_is_not_recorded(copy: Path, golden: GoldenFolder, tmp_path: Path) -> None:
    image = golden.program.input
    replaced(copy, INPUTS, golden_npz(INPUTS, {image.name: np.full(image.shape, 114, np.float32)}).data)
    from icraft_adapt.adapter.gate.golden_folder import read_golden
    from icraft_adapt.adapter.gate.measure import run
    from icraft_adapt.golden.engine.protocol import decode_map

    grey = read_golden(copy)
    maps, formats = run(grey.program, grey.codes).maps, grey.program.formats()
    heads = {name: decode_map(maps[name], formats[name].normratios) for name in grey.program.outputs}
    replaced(copy, INTEGER, golden_npz(INTEGER, heads).data)
    error = refused(copy, tmp_path / "a.json")
    assert error.code == Exit.UNSUPPORTED
    assert "its input is constant" in error.message


@pytest.mark.parametrize("name", ["base.json", "golden/base.json", "../net.icraft/base.json"])
def test_a_baseline_inside_the_folder_is_refused(copy: Path, name: str) -> None:
    for raised in (refused(copy, copy / name),):
        assert raised.code == Exit.BAD_INPUT
        assert raised.message.startswith("lies inside")
    with pytest.raises(AdaptError, match="lies inside"):
        check(CheckRequest(copy, copy / name), Silent())


def test_a_way_round_into_the_folder_is_refused(copy: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(copy)
    assert refused(copy, tmp_path / "link" / "a.json").message.startswith("lies inside")


def test_only_baselines_are_replaced(copy: Path, place: Path, tmp_path: Path) -> None:
    other = tmp_path / "a.json"
    for content in (b"{}", b"\xff", b'{"schema": "icraft-adapt/report/1"}'):
        other.write_bytes(content)
        assert refused(copy, other).message == "exists and is no baseline"
    other.write_text('{"schema": "icraft-adapt/baseline/99"}')
    assert record(RecordRequest(copy, other), Silent()).data == (place / "net.json").read_bytes()
