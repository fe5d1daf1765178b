"""record, check and diff at the command line: files, streams and exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from icraft_adapt.cli.one_file import write_whole
from icraft_adapt.errors import AdaptError

COMMAND = "import sys; from icraft_adapt.cli.main import main; sys.exit(main())"
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def command(place: Path, tmp_path: Path) -> Run:
    """Runs a command in an empty folder; NET stands for the output folder, BASE for its baseline."""
    names = {"NET": str(place / "net.icraft"), "BASE": str(place / "net.json")}

    def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        call = [sys.executable, "-c", COMMAND, *(names.get(each, each) for each in arguments)]
        kept = {name: value for name, value in os.environ.items() if name != "GITHUB_ACTIONS"}
        told = {**kept, **variables}
        return subprocess.run(call, cwd=tmp_path, capture_output=True, text=True, timeout=600, env=told)

    return run


def test_record_then_check(command: Run, place: Path, tmp_path: Path) -> None:
    recorded = command("record", "NET")
    assert (recorded.returncode, recorded.stderr) == (0, "")
    assert recorded.stdout.startswith(
        "icraft-baseline/net.json: 16 layers, 16 of them with more than one code, 9 heads"
    )
    data = (tmp_path / "icraft-baseline" / "net.json").read_bytes()
    assert data == (place / "net.json").read_bytes()
    assert [each.name for each in (tmp_path / "icraft-baseline").iterdir()] == ["net.json"]
    done = command("check", "NET", "--self-test")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[0] == "net: all 16 layers are as in icraft-baseline/net.json"
    assert done.stdout.count("self-test: ") == 5
    assert (tmp_path / "icraft-baseline" / "net.json").read_bytes() == data, "check only reads it"


def test_a_difference(command: Run, place: Path, tmp_path: Path) -> None:
    document = json.loads((place / "net.json").read_bytes())
    document["layers"][4]["digest"] = "0" * 64
    (tmp_path / "base.json").write_text(json.dumps(document))
    done = command("check", "NET", "--baseline", "base.json", "--junit", "out.xml", "--github")
    assert done.returncode == 1
    assert done.stdout.startswith("net: 1 of 16 layers differ from base.json; first s8.conv3.act: ")
    assert "\n::error title=net%3A s8.conv3.act::0 of 8 channels have another sum" in done.stdout
    assert done.stderr == "icraft-adapt: net is not as in base.json: s8.conv3.act is the first that differs\n"
    root = ElementTree.parse(tmp_path / "out.xml").getroot()
    assert (root.get("tests"), root.get("failures")) == ("16", "1")
    (failed,) = (case for case in root.iter("testcase") if case.find("failure") is not None)
    assert failed.get("name") == "s8.conv3.act"


def test_what_cannot_be_checked_is_an_error_in_every_form(command: Run, tmp_path: Path) -> None:
    done = command("check", "NET", "--baseline", "none.json", "--junit", "out.xml", GITHUB_ACTIONS="true")
    assert done.returncode == 3
    assert done.stderr == "icraft-adapt: none.json: there is no baseline (record one from a folder that you trust)\n"
    assert done.stdout.startswith("::error title=icraft-adapt check::none.json: there is no baseline")
    root = ElementTree.parse(tmp_path / "out.xml").getroot()
    assert root.get("errors") == "1"


def test_a_notice_where_all_is_well(command: Run) -> None:
    done = command("check", "NET", "--baseline", "BASE", GITHUB_ACTIONS="true")
    assert done.stdout.splitlines()[1].startswith("::notice title=icraft-adapt check::net: all 16 layers")


def test_a_place_that_takes_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(AdaptError, match="cannot be written"):
        write_whole(tmp_path / "file" / "base.json", b"{}", "choose another")
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_tolerances_go_into_the_baseline(command: Run, tmp_path: Path) -> None:
    command("record", "NET", "--baseline", "base.json", "--tolerance", "3", "--share", "5%")
    told = json.loads((tmp_path / "base.json").read_bytes())["tolerances"]
    assert (told["codes"], told["share"]) == (3, 0.05)


def test_diff(command: Run, tmp_path: Path) -> None:
    np.save(tmp_path / "obj_s8.npy", np.ones((1, 1, 8, 12), np.int8))
    done = command("diff", "NET", "obj_s8.npy")
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("1 of 1 maps differ; the first is head[s8].obj: ")
