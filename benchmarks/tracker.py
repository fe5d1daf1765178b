"""What a step of the generated tracker costs, in instructions (callgrind), time and memory; and over 60,000 frames.

    python benchmarks/tracker.py ASSETS

ASSETS holds bench/syn20.txt, mot/detections/syn50.txt and bench/syn200.txt. Needs gcc, valgrind and size. Instructions
are the difference between two passes over the film and one, gcc -O2, so that nothing but steps is counted. For aarch64,
QEMU logs every instruction, which takes its time: counted are the steps 21 to 40. Left out without a cross compiler.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

import numpy as np

from icraft_adapt.data.mot_rows import read_mot_rows
from icraft_adapt.postproc.track.sources import ByteTrackValues, byte_track_component

FILMS = {"syn20": "bench", "syn50": "mot/detections", "syn200": "bench"}
BOUNDS = {"syn20": 42_000, "syn50": 87_000, "syn200": 635_000}
FLAGS = ("-std=c99", "-O2", "-ffp-contract=off")
PASSES = 15
STEPPED = (20, 40)
STEP_LOG = ("-singlestep", "-d", "exec,nochain", "-D", "/dev/stderr")
LONG, BLOCK = 60_000, 10_000
_BOX = np.dtype([("box", "<f4", 4), ("score", "<f4"), ("class", "<u4")])


def main(assets: Path) -> None:
    """Print the tables as Markdown."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        loop = build(folder)
        other = build(folder, "aarch64-linux-gnu-gcc", "-static") if can_step() else None
        print("| film | boxes a frame | x86-64 instructions a step | bound | aarch64 instructions | us a step |")
        print("|---|---|---|---|---|---|")
        for film, place in FILMS.items():
            file = folder / film
            frames, boxes = write_film(assets / place / f"{film}.txt", file)
            count = (instructions(loop, file, 2 * frames) - instructions(loop, file, frames)) / frames
            time = median(microseconds(loop, file, PASSES * frames, frames))
            there = f"{stepped(other, file):,.0f}" if other else "-"
            row = f"| {film} | {boxes / frames:.1f} | {count:,.0f} | {BOUNDS[film]:,} | {there} | {time:.1f} |"
            print(row, flush=True)
        print("\n| memory | bytes |\n|---|---|")
        for what, size in memory(folder, loop).items():
            print(f"| {what} | {size:,} |")
        print("\n| frames of syn50, looped | us a step | tracks in sight | lost |\n|---|---|---|---|")
        for number, line in enumerate(output(loop, folder / "syn50", LONG, BLOCK)[1:]):
            taken, seen, lost = line.split()
            print(f"| {number * BLOCK:,} - {(number + 1) * BLOCK:,} | {float(taken):.1f} | {seen} | {lost} |")


def build(folder: Path, compiler: str = "gcc", *flags: str) -> Path:
    """The generated tracker, with room for 256 boxes and 512 tracks, and the loop around it."""
    for name, text in byte_track_component("byte", ByteTrackValues()).files:
        (folder / name).write_text(text)
    loop = str(Path(__file__).with_name("tracker_loop.c"))
    here = compiler == "gcc"
    made, unit = ("loop", "byte_track.o") if here else (f"loop-{compiler}", f"{compiler}.o")
    usage = ["-fstack-usage"] if here else []
    subprocess.run([compiler, *FLAGS, *usage, "-c", "byte_track.c", "-o", unit], cwd=folder, check=True)
    subprocess.run([compiler, *FLAGS, *flags, "-I.", loop, unit, "-o", made], cwd=folder, check=True)
    return folder / made


def can_step() -> bool:
    """Whether aarch64 instructions can be counted here."""
    return bool(shutil.which("qemu-aarch64") and shutil.which("aarch64-linux-gnu-gcc"))


def stepped(loop: Path, film: Path) -> float:
    """Instructions of a step under QEMU: the difference between two runs. The log is counted as it comes."""
    counts = []
    for steps in STEPPED:
        command = ["qemu-aarch64", *STEP_LOG, str(loop), str(film), str(steps), str(steps)]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
            assert process.stderr is not None
            counts.append(sum(line.startswith(b"Trace ") for line in process.stderr))
    return (counts[1] - counts[0]) / (STEPPED[1] - STEPPED[0])


def write_film(detections: Path, film: Path) -> tuple[int, int]:
    """The detections as tracker_loop.c reads them; the number of frames and of boxes."""
    rows = read_mot_rows(detections)
    frames = int(rows.frames.max())
    with film.open("wb") as file:
        for number in range(1, frames + 1):
            here = rows.frames == number
            boxes = np.zeros(here.sum(), _BOX)
            boxes["box"], boxes["score"] = rows.boxes[here], rows.scores[here]
            file.write(np.uint32(len(boxes)).tobytes() + boxes.tobytes())
    return frames, len(rows.frames)


def output(loop: Path, film: Path, steps: int, block: int) -> list[str]:
    """The lines that the loop prints."""
    command = [str(loop), str(film), str(steps), str(block)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def microseconds(loop: Path, film: Path, steps: int, block: int) -> list[float]:
    """Microseconds a step, block by block."""
    return [float(line.split()[0]) for line in output(loop, film, steps, block)[1:]]


def instructions(loop: Path, film: Path, steps: int) -> int:
    """All instructions of a run, start and end of the program included."""
    command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={loop}.callgrind"]
    command += [str(loop), str(film), str(steps), str(steps)]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    found = re.search(r"Collected : (\d+)", told)
    if found is None:
        raise RuntimeError(f"callgrind did not say what it collected: {told}")
    return int(found[1])


def memory(folder: Path, loop: Path) -> dict[str, int]:
    """Bytes; the stack as the sum over all functions that are left after inlining: more than any chain of calls."""
    size = subprocess.run(["size", "byte_track.o"], cwd=folder, capture_output=True, text=True, check=True).stdout
    code, data, bss = (int(word) for word in size.splitlines()[1].split()[:3])
    stack = sum(int(line.split()[1]) for line in (folder / "byte_track.su").read_text().splitlines())
    tracker, workspace = (int(word) for word in output(loop, folder / "syn20", 0, 1)[0].split())
    return {
        "code and constants": code,
        "writable data": data + bss,
        "stack, at most": stack,
        "a tracker (512 tracks)": tracker,
        "a workspace (256 boxes)": workspace,
    }


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "../shared/assets"))
