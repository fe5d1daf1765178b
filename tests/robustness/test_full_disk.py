"""A disk that fills up, wherever it does: exit 2, one line, the old folder, and nothing besides."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from icraft_adapt.tests.robustness.command_client import Server
from icraft_adapt.tests.robustness.room import Room

KEEP = ("--target", "icraft-v3-buyi", "--force")


class SmallDisk:
    """A tmpfs of a few megabytes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()

    def leave(self, kilobytes: int, files: int) -> None:
        """Let there be so much room, and so many more files and folders."""
        used = sum(file.stat().st_blocks for file in self.folder.rglob("*")) // 2
        entries = sum(1 for _ in self.folder.rglob("*")) + 1
        self._mount("remount,", max(used + kilobytes, 4), entries + files)  # 0 would mean: without end

    def mount(self) -> bool:
        """True where this system lets us."""
        return self._mount("", 16 << 10, 1000)

    def unmount(self) -> None:
        """Take it away again."""
        subprocess.run(["umount", "--lazy", self.folder], check=True)

    def _mount(self, how: str, kilobytes: int, files: int) -> bool:
        options = f"{how}size={kilobytes}k,nr_inodes={files}"
        call = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(self.folder)]
        try:
            return subprocess.run(call, capture_output=True, check=False).returncode == 0
        except FileNotFoundError:
            return False


@pytest.fixture
def disk(room: Room) -> Iterator[SmallDisk]:
    made = SmallDisk(room.cwd / "disk")
    if not made.mount():
        pytest.skip("no tmpfs can be mounted here")
    yield made
    made.unmount()


def contents(folder: Path) -> dict[str, bytes]:
    """Every file, hidden ones too."""
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.mark.parametrize("parent", ["", "new/"])
@pytest.mark.parametrize(
    ("kilobytes", "files"), [(0, 100), (4, 100), (100, 100), (2400, 100), (4000, 0), (4000, 1), (4000, 5)]
)
def test_disk_of_the_folder(
    server: Server, room: Room, disk: SmallDisk, kilobytes: int, files: int, parent: str
) -> None:
    out = f"disk/{parent}net.icraft"
    if not parent:
        assert server.call("net.onnx", *KEEP, "--out", out, cwd=room.cwd).code == 0
    before, listing = contents(disk.folder), room.listing()
    disk.leave(kilobytes, files)
    done = server.call("net.onnx", *KEEP, "--out", out, "--thr", "0.3", cwd=room.cwd)
    said = f"icraft-adapt: {out}: cannot write the folder: No space left on device\n"
    assert (done.code, done.out, done.err) == (2, "", said)
    assert contents(disk.folder) == before
    assert room.listing() == listing


@pytest.mark.parametrize("kilobytes", [4, 300])
def test_disk_of_the_temporary_folder(server: Server, room: Room, disk: SmallDisk, kilobytes: int) -> None:
    """The demo draws its pictures there."""
    before = room.listing()
    disk.leave(kilobytes, 10_000)
    done = server.call("demo", cwd=room.cwd, environment={"TMPDIR": str(disk.folder)})
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("icraft-adapt: temporary folder: the demo's pictures cannot be written: No space left")
    assert done.err.endswith("(set TMPDIR to a folder with 20 MB of room)\n")
    assert done.err.count("\n") == 1
    assert room.listing() == before


def test_file_size_limit(server: Server, room: Room) -> None:
    before = room.listing()
    done = server.call("net.onnx", cwd=room.cwd, limits={"FSIZE": 1 << 20})
    assert (done.code, done.out) == (2, "")
    assert done.err == "icraft-adapt: net.icraft: cannot write the folder: File too large\n"
    assert room.listing() == before


def test_too_little_memory(server: Server, room: Room) -> None:
    before = room.listing()
    done = server.call("net.onnx", cwd=room.cwd, limits={"AS": 1 << 28})
    assert done.code == 2
    assert done.err.count("\n") == 1
    assert room.listing() == before
