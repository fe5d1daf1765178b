"""The generated folder as its user builds it: make, CMake, other compilers, other machines, two networks at once."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from icraft_adapt.tests.decode.generated import needs, run
from icraft_adapt.tests.project.conftest import TASKS
from icraft_adapt.tests.project.networks import task, write

Project = Callable[[str], Path]
STRICT = "-std=c99 -Wall -Wextra -Wpedantic -Wconversion -Werror".split()


@pytest.mark.parametrize("name", TASKS)
def test_make_check_and_install(project: Project, tmp_path: Path, name: str) -> None:
    needs("make", "cc")
    shutil.copytree(project(name), tmp_path, dirs_exist_ok=True)
    out = run(["make", "-s", "CFLAGS=-O1 -Werror", "all", "check"], tmp_path).stdout
    assert out == f"{name}_post: the self-test passed\n{name}_track: the self-test passed\n"
    run(["make", "-s", "install", "DESTDIR=there", "PREFIX=/usr"], tmp_path)
    installed = sorted(str(file.relative_to(tmp_path / "there")) for file in (tmp_path / "there").rglob("*.*"))
    assert installed == [f"usr/include/{name}_post.h", f"usr/include/{name}_track.h", f"usr/lib/lib{name}.a"]
    run(["make", "-s", "clean"], tmp_path)
    assert sorted(file.name for file in tmp_path.iterdir() if file.is_file()) == sorted(
        file.name for file in project(name).iterdir()
    )


USER = """
cmake_minimum_required(VERSION 3.13)
project(user C)
find_package(eight REQUIRED)
add_executable(user user.c)
target_link_libraries(user eight)
"""


def test_cmake_builds_checks_installs_and_is_found(project: Project, tmp_path: Path) -> None:
    needs("cmake", "cc")
    user = tmp_path / "user"
    user.mkdir()
    (user / "CMakeLists.txt").write_text(USER, encoding="utf-8")
    calls = "#include <eight_post.h>\n#include <eight_track.h>\nint main(void)\n{\n    eight_track_options o;\n"
    calls += "    return (int)eight_track_defaults(&o) + (int)(eight_post_workspace_size() == 0u);\n}\n"
    (user / "user.c").write_text(calls, encoding="utf-8")
    run(["cmake", "-S", project("eight"), "-B", "made", "-DCMAKE_INSTALL_PREFIX=there"], tmp_path)
    run(["cmake", "--build", "made"], tmp_path)
    assert "2 tests passed" in run(["ctest", "--test-dir", "made"], tmp_path).stdout.replace(
        "100% tests passed, 0 tests failed out of 2", "2 tests passed"
    )
    run(["cmake", "--install", "made", "--prefix", tmp_path / "there"], tmp_path)
    run(["cmake", "-S", "user", "-B", "used", f"-DCMAKE_PREFIX_PATH={tmp_path / 'there'}"], tmp_path)
    run(["cmake", "--build", "used"], tmp_path)
    run([tmp_path / "used" / "user"], tmp_path)


@pytest.mark.parametrize("program", ["gcc", "clang"])
def test_no_compiler_warns(project: Project, tmp_path: Path, program: str) -> None:
    needs(program)
    for name in TASKS:
        files = sorted(project(name).glob("*.c"))
        run([program, *STRICT, "-Wshadow", "-Wsign-conversion", "-O2", "-fsyntax-only", *files], tmp_path)


@pytest.mark.parametrize(
    ("program", "machine"), [("aarch64-linux-gnu-gcc", "qemu-aarch64"), ("arm-linux-gnueabihf-gcc", "qemu-arm")]
)
def test_the_self_tests_pass_on_other_machines(project: Project, tmp_path: Path, program: str, machine: str) -> None:
    needs("make", program, machine)
    shutil.copytree(project("eight"), tmp_path, dirs_exist_ok=True)
    words = [f"CC={program}", "CFLAGS=-O1 -Werror", "LDFLAGS=-static", f"RUN={machine}"]
    assert run(["make", "-s", *words, "check"], tmp_path).stdout.count("the self-test passed") == 2


def test_halves_computed_wider_are_no_reason_to_refuse(project: Project, tmp_path: Path) -> None:
    """GNU C for a processor with half-precision instructions says so through FLT_EVAL_METHOD 16."""
    needs("aarch64-linux-gnu-gcc")
    files = [project("eight") / f"eight_{unit}.c" for unit in ("post", "track")]
    run(["aarch64-linux-gnu-gcc", "-std=gnu11", "-march=armv8.2-a+fp16", "-fsyntax-only", *files], tmp_path)


def test_a_big_endian_machine_tracks_and_refuses_to_decode(project: Project, tmp_path: Path) -> None:
    needs("powerpc-linux-gnu-gcc", "qemu-ppc")
    compiler = ["powerpc-linux-gnu-gcc", *STRICT, "-O1", "-ffp-contract=off", "-static"]
    files = [project("eight") / f"eight_{unit}.c" for unit in ("track", "track_selftest")]
    run([*compiler, "-o", "check", *files, "-lm"], tmp_path)
    assert run(["qemu-ppc", "./check"], tmp_path).stdout == "eight_track: the self-test passed\n"
    decoder = [*compiler, "-c", project("eight") / "eight_post.c"]
    refused = subprocess.run(list(map(str, decoder)), cwd=tmp_path, capture_output=True, text=True, check=False)
    assert refused.returncode != 0
    assert "little-endian" in refused.stderr


def test_two_networks_in_one_program(project: Project, tmp_path: Path) -> None:
    needs("cc")
    names = ("eight", "sixteen")
    files = [project(name) / f"{name}_{unit}.c" for name in names for unit in ("post", "tables", "track")]
    headers = [f"-I{project(name)}" for name in names]
    source = Path(__file__).with_name("two_models.c")
    run(["cc", *STRICT, "-ffp-contract=off", *headers, "-o", "two", source, *files], tmp_path)
    assert run([tmp_path / "two"], tmp_path).stdout == "0 3 1 1 1 1 1\n"


def test_stack_and_size_of_a_decoder_of_80_classes_and_a_tracker(tmp_path: Path) -> None:
    """Every function's frame at once is more than any chain of calls; code, constants and tables."""
    needs("gcc", "size")
    for bits in (8, 16):
        folder = tmp_path / str(bits)
        folder.mkdir()
        write(folder, task("large", bits, classes=80, size=(640, 640)))
        units = [f"large_{unit}" for unit in ("post", "tables", "track")]
        run(["gcc", "-std=c99", "-O2", "-fstack-usage", "-c", *(f"{unit}.c" for unit in units)], folder)
        lines = [line for unit in units for line in (folder / f"{unit}.su").read_text().splitlines()]
        assert all(line.endswith(("\tstatic", "\tdynamic,bounded")) for line in lines)
        assert sum(int(line.split("\t")[1]) for line in lines) < 4096
        sizes = run(["size", *(f"{unit}.o" for unit in units)], folder).stdout.splitlines()[1:]
        assert sum(int(line.split()[0]) + int(line.split()[1]) for line in sizes) < 64 * 1024
        assert {line.split()[2] for line in sizes} == {"0"}  # no writable memory of its own


def broken(project: Project, folder: Path, file: str, old: str, new: str) -> str:
    """What `make check` prints where one expression of the library is another."""
    shutil.copytree(project("eight"), folder, dirs_exist_ok=True)
    text = (folder / file).read_text(encoding="utf-8")
    assert old in text
    (folder / file).write_text(text.replace(old, new), encoding="utf-8")
    command = ["make", "-s", "CFLAGS=-O1", "-k", "check"]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert result.returncode != 0
    return result.stdout


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("eight_track.c", "POSITION_WEIGHT * track->height", "1.1f * POSITION_WEIGHT * track->height"),
        ("eight_track.c", "#define SECOND_LIMIT 0.5f", "#define SECOND_LIMIT 0.05f"),
        ("eight_track.c", "#define UNCONFIRMED_LIMIT 0.7f", "#define UNCONFIRMED_LIMIT 0.01f"),
        ("eight_track.c", "> tracker->most_lost", "> tracker->most_lost + 9u"),
        ("eight_post.c", "(sides[0] * stride) * 0.5f", "(sides[0] * stride) * 0.50001f"),
        ("eight_post.c", "#define X_AT (EIGHT_POST_RECORD_SIZE - 6u)", "#define X_AT (EIGHT_POST_RECORD_SIZE - 4u)"),
    ],
)
def test_the_self_tests_see_another_library(project: Project, tmp_path: Path, file: str, old: str, new: str) -> None:
    needs("make", "cc")
    assert "FAILED" in broken(project, tmp_path, file, old, new)
