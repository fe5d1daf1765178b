"""What the generated decoder costs: instructions, time, stack and size, on the bench scenes.

    python benchmarks/decode.py ASSETS

ASSETS holds bench/scene_N.npz: heads of 640 x 640 pixels and 80 classes with N candidates above .25. Instructions are
those of one call, the difference between many calls and few: on x86-64 counted by callgrind, on aarch64 by QEMU, which
logs every instruction as a block of its own. Both are skipped where valgrind, the cross compiler or QEMU is missing.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from icraft_adapt.postproc.c.project import library
from icraft_adapt.postproc.decode.records import pack_records
from icraft_adapt.postproc.decode.sources import yolox_component
from icraft_adapt.postproc.decode.values import DecodeValues, Grid, IntegerHeads, Part, Parts
from icraft_adapt.targets.types import RecordPadding

SCENES = (0, 20, 300)
STRIDES = (8, 16, 32)
SIDE, CLASSES = 640, 80
FORMS = {
    "int8 maps, NHWC": "codes 0",
    "int8 maps, NCHW": "codes 1",
    "int8 records": "records 0",
    "int16 maps, NHWC": "codes 0",
    "int16 records": "records 0",
    "float32 maps, NHWC": "floats 0",
}
BOUNDS = {("int8 maps, NHWC", 0): 12_000, ("int8 maps, NHWC", 20): 30_000, ("int8 maps, NHWC", 300): 414_000}
FEW, MANY = 2, 12
ROUNDS, CALLS = 15, 200
STEP_LOG = ["-singlestep", "-d", "exec,nochain", "-D", "/dev/stderr"]
DRIVER = """
#define _POSIX_C_SOURCE 199309L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "bench_post.h"

static float data[9][1024 * 1024];
static size_t sizes[9];
static bench_post_workspace workspace;
static bench_post_detection found[BENCH_POST_MAX_CANDIDATES];

int main(int argc, char **argv)
{
    const char *form = argv[1];
    const bench_post_layout layout = (argv[2][0] == '1') ? BENCH_POST_NCHW : BENCH_POST_NHWC;
    bench_post_records records[3];
    bench_post_code_maps codes[3];
    bench_post_float_maps floats[3];
    bench_post_options options;
    bench_post_counts counts;
    struct timespec from, to;
    int status = 0;
    long calls;
    int i;

    if (argc < 4) {
        printf("%lu\\n", (unsigned long)BENCH_POST_WORKSPACE_SIZE);
        return 0;
    }
    calls = atol(argv[3]);

    bench_post_defaults(&options);
    for (i = 0; i + 4 < argc; ++i) {
        FILE *file = fopen(argv[i + 4], "rb");
        sizes[i] = fread(data[i], 1, sizeof(data[i]), file);
        fclose(file);
    }
    for (i = 0; i < 3; ++i) {
        const bench_post_codes map[3] = { { data[3 * i], sizes[3 * i], 0, layout },
            { data[3 * i + 1], sizes[3 * i + 1], 0, layout }, { data[3 * i + 2], sizes[3 * i + 2], 0, layout } };
        const bench_post_floats number[3] = { { data[3 * i], sizes[3 * i], 0, layout },
            { data[3 * i + 1], sizes[3 * i + 1], 0, layout }, { data[3 * i + 2], sizes[3 * i + 2], 0, layout } };
        codes[i].obj = map[0], codes[i].reg = map[1], codes[i].cls = map[2];
        floats[i].obj = number[0], floats[i].reg = number[1], floats[i].cls = number[2];
        records[i].data = data[i], records[i].size = sizes[i];
        records[i].count = (uint32_t)(sizes[i] / BENCH_POST_RECORD_SIZE);
    }
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
    for (; calls > 0; --calls) {
        if (strcmp(form, "records") == 0) {
            status = bench_post_from_records(records, &options, &workspace, found, BENCH_POST_MAX_CANDIDATES, &counts);
        } else if (strcmp(form, "codes") == 0) {
            status = bench_post_from_codes(codes, &options, &workspace, found, BENCH_POST_MAX_CANDIDATES, &counts);
        } else {
            status = bench_post_from_floats(floats, &options, &workspace, found, BENCH_POST_MAX_CANDIDATES, &counts);
        }
    }
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
    printf("%d %u %.0f\\n", status, counts.candidates,
        1e9 * (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec));
    return 0;
}
"""


def values_of(bits: int, normratios: Sequence[float]) -> DecodeValues:
    """The scenes' network; at 16 bits the same numbers in finer codes."""
    finer = 1 if bits == 8 else 127 / 32767
    made = (Part(n * finer, bits, c) for n, c in zip(normratios, (1, 4, CLASSES), strict=True))
    padding = RecordPadding(64, 8) if bits == 8 else RecordPadding(32, 4)
    heads = IntegerHeads((Parts(*made),) * len(STRIDES), 0.1, padding)
    grids = tuple(Grid(s, (SIDE // s, SIDE // s)) for s in STRIDES)
    return DecodeValues("bench", grids, CLASSES, (SIDE, SIDE), 0.25, 0.45, integer=heads)


def arrays_of(form: str, values: DecodeValues, codes: Mapping[str, NDArray[Any]]) -> Iterator[NDArray[Any]]:
    """What the driver reads, file by file, from NHWC int8 heads."""
    width = np.dtype("<i1" if form.startswith("int8") else "<i2")
    scale = 1 if form.startswith("int8") else 258  # 32767 / 127
    planes = {
        k: codes[k].transpose(2, 0, 1)[None].astype(np.int32) * scale for names in values.outputs() for k in names
    }
    if "records" in form:
        yield from pack_records(values, planes)
        return
    for names in values.outputs():
        for name, (_, part) in zip(names, values.quantised.levels[0], strict=True):
            array: NDArray[Any] = planes[name] if "NCHW" in form else planes[name].transpose(0, 2, 3, 1)
            if form.startswith("float"):
                array = codes[name].astype(np.float32) * np.float32(part.normratio * scale)
            yield np.ascontiguousarray(array, "<f4" if form.startswith("float") else width)


def build(folder: Path, values: DecodeValues, program: str, *flags: str) -> Path:
    """The driver, with the decoder of these values."""
    bits = values.quantised.levels[0].obj.bits
    for name, text in (*library(yolox_component(values)).items(), ("driver.c", DRIVER)):
        (folder / name).write_text(text, encoding="utf-8")
    made = folder / f"driver-{Path(program).name}-{bits}{''.join(flags)}"
    command = [program, "-std=c99", "-ffp-contract=off", *flags, "-o", str(made)]
    subprocess.run([*command, "driver.c", "bench_post.c", "bench_tables.c"], cwd=folder, check=True)
    return made


def callgrind(call: Sequence[str]) -> int:
    """Instructions of a whole run."""
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", *call]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    return int(re.search(r"Collected : (\d+)", out)[1])  # type: ignore[index]


def stepped(call: Sequence[str]) -> int:
    """Instructions of a whole run under QEMU."""
    log = subprocess.run(["qemu-aarch64", *STEP_LOG, *call], capture_output=True, check=True).stderr
    return log.count(b"\nTrace ") + log.startswith(b"Trace ")


def per_call(count: Callable[[Sequence[str]], int], program: Path, words: Sequence[str], files: Sequence[str]) -> int:
    """Instructions of one call."""
    few, many = (count([str(program), *words, str(n), *files]) for n in (FEW, MANY))
    return round((many - few) / (MANY - FEW))


def microseconds(program: Path, words: Sequence[str], files: Sequence[str]) -> float:
    """The median time of a call."""
    command = [str(program), *words, str(CALLS), *files]
    outs = [subprocess.run(command, capture_output=True, text=True, check=True).stdout for _ in range(ROUNDS)]
    assert all(out.startswith("0 ") for out in outs)
    return median(float(out.split()[2]) / CALLS / 1000 for out in outs)


def measure(folder: Path, assets: Path) -> Iterator[str]:
    """A row for each form of input and scene."""
    scenes = {n: np.load(assets / "bench" / f"scene_{n}.npz") for n in SCENES}
    count_here = shutil.which("valgrind") is not None
    count_there = bool(shutil.which("qemu-aarch64") and shutil.which("aarch64-linux-gnu-gcc"))
    for form, words in FORMS.items():
        values = values_of(16 if form.startswith("int16") else 8, scenes[0]["normratio"].astype(float).tolist())
        program, fast = build(folder, values, "gcc", "-O2"), build(folder, values, "gcc", "-O3")
        other = build(folder, values, "aarch64-linux-gnu-gcc", "-O2", "-static") if count_there else None
        for scene in SCENES:
            files = []
            for i, array in enumerate(arrays_of(form, values, scenes[scene])):
                files.append(str(folder / f"{i}.bin"))
                array.tofile(files[-1])
            here = f"{per_call(callgrind, program, words.split(), files):,}" if count_here else "-"
            there = f"{per_call(stepped, other, words.split(), files):,}" if other else "-"
            bound = f"{BOUNDS[form, scene]:,}" if (form, scene) in BOUNDS else ""
            time = microseconds(fast, words.split(), files)
            yield f"| {form} | {scene} | {here} | {bound} | {there} | {time:.1f} |"


def memory(folder: Path, values: DecodeValues) -> str:
    """Size in bytes; the stack is the sum over all functions, more than any chain of calls."""
    program = build(folder, values, "gcc", "-O2")
    workspace = int(subprocess.run([program], capture_output=True, text=True, check=True).stdout)
    command = ["gcc", "-std=c99", "-O2", "-ffp-contract=off", "-fstack-usage", "-c", "bench_post.c", "bench_tables.c"]
    subprocess.run(command, cwd=folder, check=True)
    frames = [int(line.split("\t")[1]) for line in (folder / "bench_post.su").read_text().splitlines()]
    sizes = subprocess.run(
        ["size", "bench_post.o", "bench_tables.o"], cwd=folder, capture_output=True, text=True, check=True
    )
    code, tables = (sum(map(int, line.split()[:2])) for line in sizes.stdout.splitlines()[1:])
    bits = values.quantised.levels[0].obj.bits
    return f"| {bits} | {code:,} | {tables:,} | {sum(frames):,} | {workspace:,} |"


def main(assets: Path) -> None:
    """Print both tables as Markdown."""
    normratios = np.load(assets / "bench" / "scene_0.npz")["normratio"].astype(float).tolist()
    with tempfile.TemporaryDirectory(prefix="icraft-adapt-") as name:
        print("| input | candidates | x86-64 instructions | bound | aarch64 instructions | us |")
        print("|---|---|---|---|---|---|")
        for row in measure(Path(name), assets):
            print(row, flush=True)
        print("\n| bits | code | tables | stack, at most | a workspace |\n|---|---|---|---|---|")
        for bits in (8, 16):
            print(memory(Path(name), values_of(bits, normratios)))


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "../shared/assets"))
