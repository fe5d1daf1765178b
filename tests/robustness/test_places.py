"""Where the output cannot go, or the input cannot come from: exit 2, one line, nothing touched."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from icraft_adapt.tests.robustness.command_client import Server
from icraft_adapt.tests.robustness.room import Room

KEEP = ("--target", "icraft-v3-buyi")
NOBODY = 65534


def nobody(room: Room) -> int | None:
    """Another user for the command where this one may do anything; the room is opened to it."""
    if os.getuid():
        return None
    for folder in (room.root, *room.root.parents):
        if not folder.stat().st_mode & 0o001:
            folder.chmod(folder.stat().st_mode | 0o001)  # the temporary folder of these tests
        if folder.name.startswith("pytest-of-"):
            break
    room.cwd.chmod(0o777)
    return NOBODY


def a_file(room: Room) -> None:
    (room.cwd / "out").write_text("mine")


def a_thesis(room: Room) -> None:
    (room.cwd / "out").mkdir()
    (room.cwd / "out/thesis.tex").write_text("mine")


def a_link_to_a_file(room: Room) -> None:
    a_file(room)
    (room.cwd / "out").rename(room.cwd / "real")
    (room.cwd / "out").symlink_to("real")


def a_link_in_a_circle(room: Room) -> None:
    (room.cwd / "out").symlink_to("out")


def a_folder_inside_a_file(room: Room) -> None:
    (room.cwd / "out").symlink_to("net.onnx/out")


def a_device(room: Room) -> None:
    (room.cwd / "out").symlink_to("/dev/null")


def a_pipe(room: Room) -> None:
    os.mkfifo(room.cwd / "out")


def the_working_folder(room: Room) -> None:
    (room.cwd / "out").symlink_to(".")


@pytest.mark.parametrize("force", [(), ("--force",)])
@pytest.mark.parametrize(
    "made",
    [
        a_file,
        a_thesis,
        a_link_to_a_file,
        a_link_in_a_circle,
        a_folder_inside_a_file,
        a_device,
        a_pipe,
        the_working_folder,
    ],
)
def test_output_that_is_something_else(
    server: Server, room: Room, made: Callable[[Room], None], force: tuple[str, ...]
) -> None:
    made(room)
    before = room.listing()
    done = server.call("net.onnx", *KEEP, *force, "--out", "out", cwd=room.cwd)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert done.err.startswith("icraft-adapt: out: ")
    assert room.listing() == before


@pytest.mark.parametrize("out", ["", ".", "..", "/", "/proc/net.icraft", "/dev/null/x", "a/../net.onnx", "x" * 300])
def test_output_that_cannot_be(server: Server, room: Room, out: str) -> None:
    before = room.listing()
    done = server.call("net.onnx", *KEEP, "--force", f"--out={out}", cwd=room.cwd)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert room.listing() == before


def test_link_to_an_output_folder_stays_one(server: Server, room: Room) -> None:
    assert server.call("net.onnx", *KEEP, "--out", "real", cwd=room.cwd).code == 0
    (room.cwd / "out").symlink_to("real")
    assert server.call("net.onnx", *KEEP, "--out", "out", "--force", "--thr", "0.3", cwd=room.cwd).code == 0
    assert (room.cwd / "out").is_symlink()
    assert '"threshold": 0.3' in (room.cwd / "real/manifest.json").read_text()


def test_folder_that_may_only_be_read(server: Server, room: Room) -> None:
    user = nobody(room)
    locked = room.cwd / "locked"
    locked.mkdir()
    locked.chmod(0o555)
    before = room.listing()
    for out in ("locked", "locked/net.icraft", "locked/new/net.icraft"):
        done = server.call("net.onnx", *KEEP, "--out", out, cwd=room.cwd, user=user)
        assert (done.code, done.out, done.err.count("\n")) == (2, "", 1), out
        assert done.err.startswith(f"icraft-adapt: {out}: ")
    assert room.listing() == before


def test_old_folder_of_ones_own_that_may_only_be_read_is_replaced(server: Server, room: Room) -> None:
    user = nobody(room)
    assert server.call("net.onnx", *KEEP, cwd=room.cwd, user=user).code == 0
    folders = [room.cwd / "net.icraft", room.cwd / "net.icraft/golden"]
    for folder in folders:
        folder.chmod(0o555)
    assert server.call("net.onnx", *KEEP, "--force", "--thr", "0.3", cwd=room.cwd, user=user).code == 0
    assert '"threshold": 0.3' in (room.cwd / "net.icraft/manifest.json").read_text()
    assert sorted(entry.name for entry in room.cwd.iterdir()) == ["net.icraft", "net.onnx"]


@pytest.mark.skipif(os.getuid() != 0, reason="only root can make a folder of another user")
def test_old_folder_of_another_user_stays(server: Server, room: Room) -> None:
    """Its parent lets it be moved away, but what lies in it could not be deleted."""
    assert server.call("net.onnx", *KEEP, cwd=room.cwd).code == 0
    before = room.listing()
    done = server.call("net.onnx", *KEEP, "--force", cwd=room.cwd, user=nobody(room))
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert "net.icraft: cannot be replaced: " in done.err
    assert room.listing() == before


def test_model_that_may_not_be_read(server: Server, room: Room) -> None:
    user = nobody(room)
    (room.cwd / "net.onnx").chmod(0)
    done = server.call("net.onnx", *KEEP, cwd=room.cwd, user=user)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert "'net.onnx' is not readable" in done.err


def test_model_in_a_folder_that_may_not_be_entered(server: Server, room: Room) -> None:
    user = nobody(room)
    closed = room.cwd / "closed"
    closed.mkdir()
    (room.cwd / "net.onnx").rename(closed / "net.onnx")
    closed.chmod(0)
    done = server.call("closed/net.onnx", *KEEP, cwd=room.cwd, user=user)
    closed.chmod(0o700)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert "closed/net.onnx" in done.err


@pytest.mark.parametrize(
    "model", [".", "pipe", "/dev/zero", "/dev/null", "loop.onnx", "net.onnx/x.onnx", "", "x" * 300]
)
def test_model_that_is_no_file(server: Server, room: Room, model: str) -> None:
    os.mkfifo(room.cwd / "pipe")
    (room.cwd / "loop.onnx").symlink_to("loop.onnx")
    before = room.listing()
    done = server.call("adapt", model, *KEEP, cwd=room.cwd)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert room.listing() == before


def test_working_folder_that_is_gone(server: Server, room: Room) -> None:
    gone = room.cwd / "gone"
    gone.mkdir()
    run = server.start(room.cwd / "net.onnx", *KEEP, cwd=gone)
    gone.rmdir()
    done = run.wait()
    assert done.code in (0, 2)
    assert done.err.count("\n") == bool(done.code)
