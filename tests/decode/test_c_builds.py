"""The generated files before compilers, analysers and sanitizers; their symbols, stack, size and text."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

import pytest

from icraft_adapt.postproc.c.library import compiler
from icraft_adapt.tests.decode.decoder_cases import model
from icraft_adapt.tests.decode.fuzz_decode import build
from icraft_adapt.tests.decode.generated import MODELS, Folder, heads, needs, run, sources

pytestmark = pytest.mark.skipif(compiler() is None, reason="no C compiler")

STRICT = "-Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wcast-qual -Werror".split()
TIDY = "clang-analyzer-*,bugprone-*,cert-*,misc-*,performance-*,portability-*,-bugprone-easily-swappable-parameters"


def units(where: Path) -> list[str]:
    """The C files of a folder."""
    return sorted(file.name for file in where.glob("*.c"))


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("program", ["gcc", "clang"])
def test_no_warning(folder: Folder, program: str, name: str) -> None:
    needs(program)
    run([program, "-std=c99", "-O2", *STRICT, "-fsyntax-only", *units(folder(name))], folder(name))


def test_gcc_analyzer(folder: Folder, tmp_path: Path) -> None:
    needs("gcc")
    files = [folder("mixed") / unit for unit in units(folder("mixed"))]
    run(["gcc", "-std=c99", "-O2", "-fanalyzer", "-Wall", "-Werror", "-c", *files], tmp_path)


def test_clang_tidy(folder: Folder) -> None:
    needs("clang-tidy")
    files = [unit for unit in units(folder("mixed")) if not unit.endswith("selftest.c")]
    command = ["clang-tidy", "--quiet", f"-checks=-*,{TIDY}", "-warnings-as-errors=*", *files, "--", "-std=c99"]
    run(command, folder("mixed"))


def test_the_header_is_good_c_plus_plus(folder: Folder) -> None:
    needs("g++")
    run(
        ["g++", "-std=c++11", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-x", "c++", "int8_post.h"],
        folder("int8"),
    )


def test_every_public_symbol_carries_the_prefix(folder: Folder, tmp_path: Path) -> None:
    needs("nm")
    files = [folder("int8") / f"int8_{unit}.c" for unit in ("post", "tables")]
    run([compiler(), "-std=c99", "-O2", "-c", *files], tmp_path)
    found: dict[str, str] = {}
    for unit in ("int8_post.o", "int8_tables.o"):
        lines = run(["nm", unit], tmp_path).stdout.splitlines()
        found |= {line.split()[-1]: line.split()[-2] for line in lines}
    assert all(symbol.startswith("int8_post_") for symbol, kind in found.items() if kind in "TRDBC")
    assert not {symbol for symbol, kind in found.items() if kind in "DdBbC" and "levels" not in symbol}
    wanted = {symbol for symbol, kind in found.items() if kind == "U" and not symbol.startswith(("int8_", "_GLOBAL"))}
    assert wanted <= {"memchr", "memcpy", "memset", "memmove", "__stack_chk_fail"}


def test_stack_and_size_stay_small(tmp_path: Path) -> None:
    needs("gcc", "size")
    for file, text in sources(model(classes=80, name="large", input_hw=(640, 640))).items():
        (tmp_path / file).write_text(text, encoding="utf-8")
    run(["gcc", "-std=c99", "-O2", "-fstack-usage", "-c", "large_post.c", "large_tables.c"], tmp_path)
    stack = [int(line.split("\t")[1]) for line in (tmp_path / "large_post.su").read_text().splitlines()]
    text = [
        int(line.split()[0])
        for line in run(["size", "large_post.o", "large_tables.o"], tmp_path).stdout.splitlines()[1:]
    ]
    assert sum(sorted(stack)[-6:]) < 4096
    assert sum(text) < 64 * 1024


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["-U__BYTE_ORDER__", "-D__BYTE_ORDER__=__ORDER_BIG_ENDIAN__"], "little-endian"),
        (["-ffast-math"], "NaN must be told"),
        (["-U__FLT_EVAL_METHOD__", "-D__FLT_EVAL_METHOD__=2"], "wider than their type"),
    ],
)
def test_what_would_give_other_numbers_does_not_compile(folder: Folder, flags: list[str], message: str) -> None:
    needs("gcc")
    command = ["gcc", "-std=c99", "-fsyntax-only", *flags, "int8_post.c"]
    result = subprocess.run(command, cwd=folder("int8"), capture_output=True, text=True, check=False)
    assert result.returncode != 0
    assert message in result.stderr


@pytest.mark.parametrize("bits", [8, 16])
def test_hostile_input_under_sanitizers(tmp_path: Path, bits: int) -> None:
    needs("gcc")
    try:
        program = build(tmp_path, bits, ["gcc", "-DSTANDALONE", "-fsanitize=address,undefined,float-cast-overflow"])
    except subprocess.CalledProcessError:
        pytest.skip("gcc has no sanitizers here")
    run([program, 3000, bits], tmp_path)


def test_fuzzer_starts(tmp_path: Path) -> None:
    needs("clang")
    try:
        program = build(tmp_path, 8, ["clang", "-fsanitize=fuzzer,address,undefined"])
    except subprocess.CalledProcessError:
        pytest.skip("clang has no fuzzer here")
    run([program, "-runs=500", "-seed=1", "-max_len=2048"], tmp_path)


def test_the_same_values_give_the_same_bytes() -> None:
    values, maps = heads("int8")
    first, second = (sources(values, maps) for _ in range(2))
    assert first == second
    assert list(first) == sorted(first)
    digests = {hashlib.sha256(text.encode()).hexdigest() for text in first.values()}
    assert len(digests) == len(first)


def test_no_self_test_without_golden_vectors() -> None:
    files = sources(model(name="plain"))
    assert "plain_post_selftest.c" not in files
    assert "check" not in files["Makefile"]


def test_no_integer_function_without_normratios() -> None:
    text = "".join(sources(model(**MODELS["floats"])).values())
    assert "from_records" not in text
    assert "from_codes" not in text
    assert "normratio" not in text


def test_names_can_not_leave_their_comments() -> None:
    values = model(name="a*/b\n#error `x` \\", provenance=("*/ #error\nz", "umläut"), integer=None)
    files = sources(values)
    for name, text in files.items():
        assert name.startswith(("a__b", "Makefile", "CMake", "README"))
        assert "#error\n" not in text
        assert text.isascii()
    assert files["Makefile"].splitlines()[0].startswith("# a* /b??error ?x?")
