"""A network of a gigabyte and more, its weights in a second file: what it costs in memory, and where it ends.

ICRAFT_ADAPT_LARGE=1 runs it at 1.5 GB (8 GB of memory, 4 GB of disk, a minute); else it is small, with the same bound.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import onnx
import pytest

from icraft_adapt.tests.exports import exported
from icraft_adapt.tests.robustness.bases import FEW
from icraft_adapt.tests.robustness.command_client import Server
from icraft_adapt.tests.robustness.folders import whole_folder_of
from icraft_adapt.tests.robustness.inflate import inflate
from icraft_adapt.tests.robustness.room import Room

LARGE = os.environ.get("ICRAFT_ADAPT_LARGE") == "1"
FACTOR = 26 if LARGE else 7
WHATEVER = 200 << 20  # bytes: Python, the libraries, maps
COPIES = 3.3  # of the network, in memory: the original, the adapted one, and one on its way between two libraries

# A small process between: a process that is started begins with the peak of the one that starts it.
MEASURED = """
import os, sys
pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(pid, 0)
print(usage.ru_maxrss)
sys.exit(os.waitstatus_to_exitcode(status))
"""


def has_room(folder: Path, size: int) -> bool:
    """Memory and disk for a network of this size, and for its adapted form."""
    memory = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return memory > 5 * size and shutil.disk_usage(folder).free > 3 * size


def test_memory_is_bounded_by_the_network(tmp_path: Path) -> None:
    if not has_room(tmp_path, (1 << 31) if LARGE else (200 << 20)):
        pytest.skip("not enough memory or disk")
    config, form, spelling = FEW["flat"]
    model = inflate(exported(config, form, **spelling), tmp_path, FACTOR)
    size = (tmp_path / "net.data").stat().st_size
    assert size > (1_500_000_000 if LARGE else 100_000_000)
    call = [sys.executable, "-m", "icraft_adapt", str(model), "--out", str(tmp_path / "net.icraft")]
    run = subprocess.run([sys.executable, "-c", MEASURED, *call], capture_output=True, text=True, cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    peak = int(run.stdout.split()[-1]) << 10
    print(f"{size / 1e9:.2f} GB of weights, peak {peak / 1e9:.2f} GB: {(peak - WHATEVER) / size:.2f} copies")
    assert peak < COPIES * size + WHATEVER
    whole_folder_of(tmp_path / "net.icraft")
    assert (tmp_path / "net.icraft/adapted.onnx").stat().st_size > size
    (tmp_path / "net.data").unlink()
    shutil.rmtree(tmp_path / "net.icraft")


def test_network_that_no_file_holds(server: Server, room: Room) -> None:
    """Refused before anything of it is read: the weights are a hole in the disk."""
    proto = onnx.load(room.cwd / "net.onnx")
    giant = proto.graph.initializer.add(name="giant", data_type=onnx.TensorProto.FLOAT, dims=[1 << 29])
    giant.data_location = onnx.TensorProto.EXTERNAL
    giant.external_data.add(key="location", value="net.data")
    (room.cwd / "net.onnx").write_bytes(proto.SerializeToString())
    with open(room.cwd / "net.data", "wb") as data:
        data.truncate(1 << 31)
    before = room.listing()
    done = server.call("net.onnx", cwd=room.cwd, limits={"AS": 2 << 30})
    said = "net.onnx: the adapted network would have 2.0 GiB, and an ONNX file ends at 2 GiB (a smaller network)"
    assert (done.code, done.out, done.err) == (3, "", f"icraft-adapt: {said}\n")
    assert room.listing() == before
