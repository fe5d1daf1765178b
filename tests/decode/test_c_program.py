"""The generated program, self-test and build files, as a user has them; other machines; two models in one program."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from icraft_adapt.postproc.c.library import compiler
from icraft_adapt.postproc.decode.records import pack_records
from icraft_adapt.postproc.decode.reference import Decoded, reference_codes, reference_floats
from icraft_adapt.postproc.decode.values import DecodeOptions
from icraft_adapt.tests.decode.decoder_cases import Maps, dequantised
from icraft_adapt.tests.decode.generated import MODELS, Folder, heads, needs, run

pytestmark = pytest.mark.skipif(compiler() is None, reason="no C compiler")


@pytest.mark.parametrize("name", MODELS)
def test_make_check_and_install(folder: Folder, tmp_path: Path, name: str) -> None:
    needs("make")
    shutil.copytree(folder(name), tmp_path, dirs_exist_ok=True)
    assert "the self-test passed" in run(["make", "-s", "CFLAGS=-O1", "all", "check"], tmp_path).stdout
    run(["make", "-s", "install", "DESTDIR=there", "PREFIX=/usr"], tmp_path)
    installed = sorted(str(f.relative_to(tmp_path / "there")) for f in (tmp_path / "there").rglob("*.*"))
    assert installed == [f"usr/include/{name}_post.h", f"usr/lib/lib{name}.a"]
    run(["make", "-s", "clean"], tmp_path)
    assert not list(tmp_path.glob("*.o"))


def test_cmake(folder: Folder, tmp_path: Path) -> None:
    needs("cmake")
    run(["cmake", "-S", folder("int8"), "-B", tmp_path], tmp_path)
    run(["cmake", "--build", tmp_path], tmp_path)
    run(["ctest", "--test-dir", tmp_path], tmp_path)


def test_the_self_test_sees_another_decoder(folder: Folder, tmp_path: Path) -> None:
    shutil.copytree(folder("int8"), tmp_path, dirs_exist_ok=True)
    source = tmp_path / "int8_post.c"
    text = source.read_text(encoding="utf-8")
    source.write_text(text.replace("(sides[0] * stride) * 0.5f", "(sides[0] * stride) * 0.500001f"), encoding="utf-8")
    run(
        [compiler(), "-std=c99", "-O1", "-o", "t", "int8_post.c", "int8_tables.c", "int8_post_selftest.c", "-lm"],
        tmp_path,
    )
    result = subprocess.run([tmp_path / "t"], capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "FAILED: integer maps, NHWC\n" in result.stdout


def write_inputs(where: Path, name: str) -> list[list[str]]:
    """Input files in all forms; the arguments that read them."""
    values, maps = heads(name)
    forms: dict[str, Maps] = {"floats": maps if values.integer is None else dequantised(values, maps)}
    if values.integer is not None:
        forms["codes"] = maps
    calls = []
    for form, arrays in forms.items():
        for layout in ("nchw", "nhwc"):
            files = []
            for level, names in enumerate(values.outputs()):
                for i, each in enumerate(names):
                    kind = "<f4" if form == "floats" else f"<i{list(values.quantised.levels[level])[i][1].bits // 8}"
                    rows = arrays[each] if layout == "nchw" else arrays[each].transpose(0, 2, 3, 1)
                    files.append(f"{form}-{layout}-{each}.bin")
                    (where / files[-1]).write_bytes(np.ascontiguousarray(rows, kind).tobytes())
            calls.append([f"{form}-{layout}", "--picture", "192x100", *files])
    if values.integer is not None and values.integer.record is not None:
        files = [f"records-{i}.bin" for i in range(len(values.levels))]
        for file, records in zip(files, pack_records(values, maps), strict=True):
            (where / file).write_bytes(records.tobytes())
        calls.append(["records", "--picture", "192x100", "--score", "0.3", *files])
    return calls


def printed(found: Decoded) -> str:
    """What the program prints for it."""
    rows = zip(found.detections.boxes.tolist(), found.detections.scores, found.detections.classes, strict=True)
    return "".join(" ".join(f"{v:.9g}" for v in (*box, score)) + f" {number}\n" for box, score, number in rows)


def compiled(folder: Path, where: Path, name: str, program: str, *flags: str) -> Path:
    """The program that reads files, built by this compiler."""
    files = [folder / f"{name}_{unit}.c" for unit in ("post", "tables", "main")]
    made = where / f"main-{Path(program).name}"
    run([program, "-std=c99", "-O2", "-ffp-contract=off", *flags, "-o", made, *files], where)
    return made


@pytest.mark.parametrize("name", MODELS)
def test_the_program_prints_what_the_reference_finds(folder: Folder, tmp_path: Path, name: str) -> None:
    values, maps = heads(name)
    options = DecodeOptions(values.score, values.iou, ratio=(0.5, 0.5))
    program = compiled(folder(name), tmp_path, name, str(compiler()))
    want = {"codes": ""}
    if values.integer is not None:
        want["codes"] = printed(reference_codes(values, maps, options))
    floats = maps if values.integer is None else dequantised(values, maps)
    want["floats"] = printed(reference_floats(values, floats, options))
    for call in write_inputs(tmp_path, name):
        out = run([program, *call], tmp_path).stdout
        assert out
        assert out == want.get(call[0].split("-")[0], out)
        (tmp_path / "boxes.txt").write_text(out, encoding="utf-8")
        assert run([program, "boxes", "--iou", "1", "boxes.txt"], tmp_path).stdout.splitlines() == out.splitlines()


@pytest.mark.parametrize(
    "words",
    [
        ["records"],
        ["boxes", "absent.txt"],
        ["boxes", "--iou"],
        ["boxes", "--iou", "x", "f"],
        ["codes-nhwc", "f"],
        ["boxes", "--picture", "5", "f"],
    ],
)
def test_the_program_refuses_wrong_words(folder: Folder, tmp_path: Path, words: list[str]) -> None:
    program = compiled(folder("int8"), tmp_path, "int8", str(compiler()))
    result = subprocess.run([program, *words], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr


@pytest.mark.parametrize(
    ("program", "machine"), [("aarch64-linux-gnu-gcc", "qemu-aarch64"), ("arm-linux-gnueabihf-gcc", "qemu-arm")]
)
@pytest.mark.parametrize("name", ["int8", "int16", "floats"])
def test_other_machines_print_the_same_bytes(
    folder: Folder, tmp_path: Path, program: str, machine: str, name: str
) -> None:
    needs(program, machine)
    here = compiled(folder(name), tmp_path, name, str(compiler()))
    there = compiled(folder(name), tmp_path, name, program, "-static", "-Wall", "-Wextra", "-Wconversion", "-Werror")
    for call in write_inputs(tmp_path, name):
        assert run([machine, there, *call], tmp_path).stdout == run([here, *call], tmp_path).stdout


TWO = """
#include <stdio.h>
#include "int8_post.h"
#include "int16_post.h"
static int8_post_workspace a;
static int16_post_workspace b;
int main(void)
{
    int8_post_options first;
    int16_post_options second;
    int8_post_counts c;
    int16_post_counts d;
    int8_post_defaults(&first);
    int16_post_defaults(&second);
    const int8_post_records none[INT8_POST_LEVELS] = {{NULL, 0u, 0u}};
    const int16_post_records nothing[INT16_POST_LEVELS] = {{NULL, 0u, 0u}};
    return (int)int8_post_from_records(none, &first, &a, NULL, 0u, &c)
        + (int)int16_post_from_records(nothing, &second, &b, NULL, 0u, &d);
}
"""


def test_two_models_in_one_program(folder: Folder, tmp_path: Path) -> None:
    (tmp_path / "two.c").write_text(TWO, encoding="utf-8")
    files = [folder(name) / f"{name}_{unit}.c" for name in ("int8", "int16") for unit in ("post", "tables")]
    headers = [f"-I{folder(name)}" for name in ("int8", "int16")]
    run([compiler(), "-std=c99", "-Wall", "-Wextra", "-Werror", *headers, "-o", "two", "two.c", *files], tmp_path)
    run([tmp_path / "two"], tmp_path)
