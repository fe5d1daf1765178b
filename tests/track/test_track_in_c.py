"""The C as a caller's build has it: no warnings, no faults under the sanitizers, small, the same bits everywhere."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from icraft_adapt.postproc.track.options import TrackOptions
from icraft_adapt.postproc.track.sources import ByteTrackValues, byte_track_component
from icraft_adapt.tests.track.conftest import ASSETS, ROOT
from icraft_adapt.tests.track.scenes import KINDS, sequence
from icraft_adapt.tests.track.sequences import NAMES, frames_of, records

HERE = Path(__file__).parent
STRICT = (
    "-std=c99 -O2 -ffp-contract=off -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wcast-qual"
    " -Wstrict-prototypes -Wmissing-prototypes -Werror"
).split()
TIDY = (
    "-*,clang-analyzer-*,bugprone-*,cert-*,misc-*,performance-*,portability-*,readability-*"
    ",-bugprone-easily-swappable-parameters,-readability-identifier-length,-readability-magic-numbers"
    ",-readability-uppercase-literal-suffix"
)
CROSS = {
    "aarch64": ("aarch64-linux-gnu-gcc", "qemu-aarch64"),
    "arm": ("arm-linux-gnueabihf-gcc", "qemu-arm"),
}
ALLOWED = {"memcpy", "memset", "memmove"}  # what a compiler may put in place of a loop or an assignment


def written(folder: Path, prefix: str, values: ByteTrackValues | None = None) -> Path:
    for name, text in byte_track_component(prefix, values or ByteTrackValues()).files:
        (folder / name).write_text(text)
    return folder


def tool(name: str) -> str:
    if shutil.which(name) is None:
        pytest.skip(f"no {name}")
    return name


def run(*command: str | Path, folder: Path, **options: object) -> str:
    """stdout of a command that must end with 0."""
    call = [str(word) for word in command]
    result = subprocess.run(call, cwd=folder, capture_output=True, text=True, check=False, timeout=300, **options)  # type: ignore[call-overload]
    assert result.returncode == 0, f"{' '.join(call)}\n{result.stdout}{result.stderr}"
    return str(result.stdout)


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """The generated files, with the prefix byte and the default capacities."""
    return written(tmp_path, "byte")


@pytest.mark.parametrize("command", [("gcc",), ("gcc", "-fanalyzer"), ("gcc", "-O3"), ("clang",)], ids=" ".join)
def test_no_warnings(command: Sequence[str], sources: Path) -> None:
    compiler, *flags = command
    run(tool(compiler), *STRICT, *flags, "-c", "byte_track.c", "byte_track_main.c", folder=sources)


def test_it_is_c_for_a_c_plus_plus_caller(sources: Path) -> None:
    (sources / "caller.cc").write_text('#include "byte_track.h"\nint main() { return byte_track_defaults(nullptr); }\n')
    run(tool("g++"), "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only", "caller.cc", folder=sources)


def test_clang_tidy_has_nothing_to_say(sources: Path) -> None:
    files = ("byte_track.c", "byte_track_main.c")
    run(
        tool("clang-tidy"),
        "--quiet",
        f"--checks={TIDY}",
        "--warnings-as-errors=*",
        *files,
        "--",
        *STRICT,
        folder=sources,
    )


def test_it_needs_no_library_keeps_no_state_and_is_small(sources: Path) -> None:
    run(tool("gcc"), *STRICT, "-fstack-usage", "-c", "byte_track.c", folder=sources)
    symbols = [line.split() for line in run(tool("nm"), "byte_track.o", folder=sources).splitlines()]
    assert {words[-1] for words in symbols if words[-2] == "U"} <= ALLOWED
    assert {words[-1] for words in symbols if words[-2] == "T"} == {
        f"byte_track_{name}" for name in ("defaults", "init", "step", "message")
    }
    assert not [words for words in symbols if words[-2] in "bBdDcC"]
    text = int(run(tool("size"), "byte_track.o", folder=sources).splitlines()[1].split()[0])
    assert text < 64 * 1024
    frames = [int(line.split()[1]) for line in (sources / "byte_track.su").read_text().splitlines()]
    assert all(" static" in line.replace("\t", " ") for line in (sources / "byte_track.su").read_text().splitlines())
    assert sum(frames) < 4096  # all functions at once: more than any chain of calls


@pytest.mark.parametrize("capacities", [(16, 16), (17, 40), (300, 16), (65534, 65534)])
def test_capacities(capacities: tuple[int, int], tmp_path: Path) -> None:
    boxes, tracks = capacities
    folder = written(tmp_path, "byte", ByteTrackValues(max_boxes=boxes, max_tracks=tracks))
    run(tool("gcc"), *STRICT, "-c", "byte_track.c", folder=folder)


def test_two_trackers_link_into_one_program(tmp_path: Path) -> None:
    options = TrackOptions(track_thresh=0.25, match_thresh=0.75, by_class=True, fuse_score=False)
    written(written(tmp_path, "front"), "rear", ByteTrackValues(options, max_boxes=20))
    files = (HERE / "two_trackers.c", "front_track.c", "rear_track.c")
    run(tool("gcc"), *STRICT, "-I.", *files, "-o", "both", folder=tmp_path)
    assert run("./both", folder=tmp_path) == "0.5 0.6 0 256\n0.25 0.35 1 20\n"


def test_no_fault_under_the_sanitizers(tmp_path: Path) -> None:
    """Random calls, wrong ones too, on small tables: AddressSanitizer, UBSan, and what must hold after each call."""
    written(tmp_path, "byte", ByteTrackValues(max_boxes=24, max_tracks=32))
    flags = ("-std=c99", "-O1", "-g", "-DSEEDS", "-fsanitize=address,undefined,float-cast-overflow")
    fuzz = HERE / "fuzz_track.c"
    stop = "-fno-sanitize-recover=all"
    run(tool("gcc"), *flags, stop, "-I.", "byte_track.c", fuzz, "-o", "fuzz", "-lm", folder=tmp_path)
    assert run("./fuzz", "3000", folder=tmp_path) == "3000\n"


def test_errors_of_a_caller(sources: Path) -> None:
    run(tool("gcc"), *STRICT, "-I.", "byte_track.c", HERE / "wrong_calls.c", "-o", "wrong_calls", folder=sources)
    assert run("./wrong_calls", folder=sources) == "fine\n"


@pytest.fixture(scope="session")
def films(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, str]:
    """Files of frames, made ones and, where they are at hand, real ones; and the bits that each gives here, fused and
    not.
    """
    folder = written(tmp_path_factory.mktemp("films"), "byte")
    program = compiled_for("gcc", folder)
    made = {kind: records(boxes for seed in range(4) for boxes in sequence(kind, seed)) for kind in KINDS}
    real = {name: ASSETS / "mot" / "detections" / f"{name}.txt" for name in NAMES}
    made |= {name: records(frames_of(file)) for name, file in real.items() if file.is_file()}
    bits = {}
    for name, frames in made.items():
        (folder / name).write_bytes(frames)
        bits[folder / name] = "".join(run(program, folder / name, fuse, folder=folder) for fuse in ("1", "0"))
    assert len(set(bits.values())) == len(made)
    return bits


def compiled_for(compiler: str, folder: Path, *flags: str) -> Path:
    """print_bits.c, made by this compiler."""
    program = folder / f"print_bits_{compiler}"
    flags = ("-std=c99", "-O2", "-ffp-contract=off", *flags)
    run(tool(compiler), *flags, "-I.", "byte_track.c", HERE / "print_bits.c", "-o", program, folder=folder)
    return program


@pytest.mark.parametrize("machine", CROSS)
def test_the_same_bits_on_other_machines(machine: str, sources: Path, films: dict[Path, str]) -> None:
    compiler, emulator = CROSS[machine]
    program = compiled_for(compiler, sources, "-static")
    for film, bits in films.items():
        found = "".join(run(tool(emulator), program, film, fuse, folder=sources) for fuse in ("1", "0"))
        assert found == bits, film.name


@pytest.mark.parametrize("compiler", ["clang"])
def test_the_same_bits_of_another_compiler(compiler: str, sources: Path, films: dict[Path, str]) -> None:
    program = compiled_for(compiler, sources, "-O3")
    for film, bits in films.items():
        assert "".join(run(program, film, fuse, folder=sources) for fuse in ("1", "0")) == bits, film.name


def test_the_example_gives_the_published_ids(sources: Path, sequences: Path) -> None:
    run(tool("gcc"), *STRICT, "byte_track.c", "byte_track_main.c", "-o", "byte_track", folder=sources)
    rows = run("./byte_track", "30", folder=sources, input=(sequences / "detections" / "f1.txt").read_text())
    ids = [line.split(",")[:2] for line in rows.splitlines()]
    expected = (sequences / "expected" / "f1.mot20_0.txt").read_text().splitlines()
    assert sorted(ids) == sorted(line.split()[:2] for line in expected)


def test_the_example_says_what_is_wrong(sources: Path) -> None:
    run(tool("gcc"), *STRICT, "byte_track.c", "byte_track_main.c", "-o", "byte_track", folder=sources)

    def ends(rows: str, *arguments: str) -> tuple[int, str]:
        result = subprocess.run(
            ["./byte_track", *arguments], cwd=sources, input=rows, capture_output=True, text=True, check=False
        )
        return result.returncode, result.stderr

    good = "1,-1,10,10,20,40,0.9,-1,-1,-1\n"
    assert ends(good, "30") == (0, "")
    assert ends("", "30") == (0, "")
    for rows, words in [
        ("1,2,3\n", "line 1: not frame"),
        (f"2{good[1:]}{good}", "line 2: not frame"),
        (f"{good}nonsense\n", "line 2: not frame"),
        (good * 257, "line 257: too many"),
    ]:
        code, message = ends(rows, "30")
        assert code == 2
        assert message.startswith(words)
    assert ends("1,-1,10,10,20,-40,0.9\n", "30")[0] == 1
    for arguments in ((), ("0",), ("x",), ("30", "30")):
        code, message = ends(good, *arguments)
        assert code == 2
        assert message.startswith("usage: ")


def test_generated_text_is_the_same_every_time_and_names_no_machine() -> None:
    values = ByteTrackValues(provenance=("made of net.onnx", "by icraft-adapt 1.0"))
    files = dict(byte_track_component("net", values).files)
    assert files == dict(byte_track_component("net", values).files)
    assert set(files) == {"net_track.c", "net_track.h", "net_track_main.c"}
    for text in files.values():
        assert " * made of net.onnx\n * by icraft-adapt 1.0\n" in text
        assert str(ROOT) not in text
        assert not re.search(r"[ \t]+$", text, re.M)
        assert "{{" not in text
