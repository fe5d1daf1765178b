"""Names that nobody expects, of files and of what a model holds: right artefacts, or one line that says why not."""

from __future__ import annotations

import json
import os
import tomllib
from html.parser import HTMLParser
from pathlib import Path

import onnx
import pytest
from onnx import ModelProto

from icraft_adapt.adapter.demonstration import draw_streets
from icraft_adapt.adapter.progress import Silent
from icraft_adapt.tests.robustness.bases import DEMO
from icraft_adapt.tests.robustness.command_client import Server
from icraft_adapt.tests.robustness.room import Room
from icraft_adapt.tests.robustness.verdict import faults_of_folder

KEEP = ("--target", "icraft-v3-buyi")
LESS = ("--no-golden", "--no-report", "--no-postproc")  # a name of a picture is in none of these
NAMES = ["two words", "名前", "it's", 'a"b', "<b>", "-n", "a#b", "{x}", "%s", "$HOME", ".hidden", "net.v2", "n" * 120]
EVIL = "a\n\"'</script><x-evil>\\\x1b[2J 名前"


@pytest.mark.parametrize("name", NAMES)
def test_model_and_folder(server: Server, room: Room, name: str) -> None:
    model = (room.cwd / "net.onnx").rename(room.cwd / f"{name}.onnx")
    done = server.call(*KEEP, "--", model.name, cwd=room.cwd)
    assert (done.code, done.err) == (0, "")
    out = room.cwd / f"{name}.icraft"
    assert list(faults_of_folder(out, model)) == []
    config = tomllib.loads((out / f"icraft/{name}.toml").read_text())
    assert config["parse"]["net_name"] == name
    assert json.loads((out / "manifest.json").read_bytes())["model"]["path"] == f"../{name}.onnx"


@pytest.mark.parametrize("name", ["two\nlines", "a\\b", "\x1b[31m", os.fsdecode(b"a\xff"), "n" * 245, "customop"])
def test_model_that_the_compiler_cannot_name(server: Server, room: Room, name: str) -> None:
    (room.cwd / "net.onnx").rename(room.cwd / f"{name}.onnx")
    before = room.listing()
    done = server.call(f"{name}.onnx", *KEEP, cwd=room.cwd)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert done.err.rstrip("\n").isprintable()
    assert room.listing() == before


@pytest.mark.parametrize("name", ["two\nlines", "-o", "</i>", "名前", os.fsdecode(b"a\xff"), "n" * 200, "$(x)", "a\\b"])
def test_folder(server: Server, room: Room, name: str) -> None:
    out = room.cwd / f"{name}.d"
    done = server.call("net.onnx", *KEEP, f"--out={out.relative_to(room.cwd)}", "--json", cwd=room.cwd)
    assert (done.code, done.err) == (0, "")
    assert json.loads(done.out)["out"] == f"{name}.d"
    assert list(faults_of_folder(out, room.cwd / "net.onnx")) == []
    again = server.call("net.onnx", *KEEP, f"--out={out.relative_to(room.cwd)}", cwd=room.cwd)
    assert (again.code, again.err.count("\n")) == (2, 1)
    assert again.err.rstrip("\n").isprintable()


@pytest.fixture(scope="module")
def streets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few pictures in which the network finds people."""
    folder = draw_streets(tmp_path_factory.mktemp("streets"), Silent()).calibration
    for picture in sorted(folder.iterdir())[8:]:
        picture.unlink()
    return folder


def test_calibration_images(server: Server, room: Room, streets: Path) -> None:
    (room.cwd / "calib").mkdir()
    names = [*NAMES, " edge ", os.fsdecode(b"a\xff")]
    for index, name in enumerate(names):
        picture = sorted(streets.iterdir())[index % 8]
        (room.cwd / f"calib/{name}.png").write_bytes(picture.read_bytes())
    (room.cwd / "calib/bad\nname.jpg").write_bytes(b"no picture")
    done = server.call("net.onnx", *KEEP, *LESS, "--calib", "calib", cwd=room.cwd)
    assert (done.code, done.err) == (0, "")
    assert done.out.count("warning: skipped bad\\nname.jpg: ") == 1
    listed = (room.cwd / "net.icraft/icraft/calibration.txt").read_bytes()
    assert listed.endswith(b"\n")
    assert sorted(listed.splitlines()) == sorted(os.fsencode(f"{name}.png") for name in names)


@pytest.mark.parametrize("name", ["two\nlines", "a\rb", "a\u2028b"])
def test_calibration_image_that_cannot_be_listed(server: Server, room: Room, streets: Path, name: str) -> None:
    (room.cwd / "calib").mkdir()
    for picture in streets.iterdir():
        (room.cwd / f"calib/{picture.stem}{name}.png").write_bytes(picture.read_bytes())
    before = room.listing()
    done = server.call("net.onnx", *KEEP, *LESS, "--calib", "calib", cwd=room.cwd)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert "a name with a line break cannot be listed (rename the image)" in done.err
    assert room.listing() == before


def renamed(proto: ModelProto, name: str) -> ModelProto:
    """Every node, tensor, output and input of the model with this in its name, and the model's own words, too."""
    for node in proto.graph.node:
        node.name += name
        node.doc_string = name
        node.input[:] = [each + name for each in node.input]
        node.output[:] = [each + name for each in node.output]
    for value in (*proto.graph.input, *proto.graph.output, *proto.graph.value_info, *proto.graph.initializer):
        value.name += name
    proto.graph.name = proto.producer_name = proto.producer_version = proto.doc_string = name
    proto.metadata_props.add(key=name, value=name)
    return proto


class Tags(HTMLParser):
    """Counts the tags of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """One more."""
        self.seen.append(tag)


@pytest.mark.parametrize("target", ["icraft-v3-buyi", "icraft-v1.1"])
def test_names_inside_the_model(server: Server, room: Room, target: str) -> None:
    plain, model = room.cwd / "net.onnx", room.cwd / "evil.onnx"
    model.write_bytes(renamed(onnx.load(DEMO), EVIL).SerializeToString())
    pages = []
    for path in (plain, model):
        done = server.call(path.name, "--target", target, cwd=room.cwd)
        assert (done.code, done.err) == (0, "")
        assert all(line.isprintable() for line in done.out.splitlines())
        out = path.with_suffix(".icraft")
        assert list(faults_of_folder(out, path)) == []
        assert set(tomllib.loads((out / f"icraft/{path.stem}.toml").read_text())) >= {"parse", "quantize", "run"}
        pages.append(Tags((out / "report.html").read_text()).seen)
    assert "x-evil" not in pages[1]
    assert pages[1].count("script") == pages[0].count("script")


def test_names_inside_a_model_that_is_refused(server: Server, room: Room) -> None:
    proto = renamed(onnx.load(DEMO), EVIL)
    proto.graph.node[7].op_type = EVIL
    (room.cwd / "net.onnx").write_bytes(proto.SerializeToString())
    done = server.call("net.onnx", cwd=room.cwd)
    assert (done.code, done.out, done.err.count("\n")) == (3, "", 1)
    assert done.err.rstrip("\n").isprintable()
