"""The integer simulator on a YOLOX-s of 640 x 640 (random weights, LeakyReLU), beside ONNX Runtime in float32.

    python benchmarks/simulator.py [--rounds 15] [--threads N]

All run the same adapted network on one image, in turn and with the same number of threads; the slow engines run once.
Peak memory is that of a process of its own, which loads what it needs and runs twice.
"""

from __future__ import annotations

import argparse
import os
import pickle
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from itertools import product
from pathlib import Path
from statistics import median

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray

from icraft_adapt.golden.engine.fast import FastEngine
from icraft_adapt.golden.engine.native import levels
from icraft_adapt.golden.engine.oracle import Oracle
from icraft_adapt.golden.engine.protocol import encode_image
from icraft_adapt.golden.lower import lower
from icraft_adapt.golden.program import Program
from icraft_adapt.golden.quantise import quantise
from icraft_adapt.golden.samples import collect
from icraft_adapt.golden.settings import Image, Settings
from icraft_adapt.graph.model import Model
from icraft_adapt.targets.loader import load_target

TARGET = "icraft-v1.1"
REST = 0.05  # seconds before each run: what ONNX Runtime's threads still spin after one

EXPORT = """
import sys
from pathlib import Path
from icraft_adapt.models.export import export
from icraft_adapt.models.yolox import OutputForm, YoloxConfig, build
net = build(YoloxConfig("s", activation="leaky"), OutputForm(), 0, size=(640, 640))
export(net, Path(sys.argv[1]), shape=(1, 3, 640, 640))
"""

PEAK = """
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""

FLOAT = """
import sys, numpy, onnxruntime
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = int(sys.argv[2])
session = onnxruntime.InferenceSession(sys.argv[1], options)
for _ in range(2):
    session.run(None, {session.get_inputs()[0].name: numpy.zeros((1, 3, 640, 640), numpy.float32)})
"""

INTEGER = """
import pickle, sys, numpy
from icraft_adapt.golden.engine.fast import FastEngine
from icraft_adapt.golden.program import Program
from icraft_adapt.targets.loader import load_target
with open(sys.argv[1], "rb") as file:
    program = Program(*pickle.load(file), load_target("icraft-v1.1").arithmetic)
engine = FastEngine(program, int(sys.argv[2]))
for _ in range(2):
    engine.run(numpy.zeros((1, 3, 640, 640), numpy.int64))
"""


def main() -> None:
    """Print the two tables as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        adapted = adapt(Path(folder))
        image = np.random.default_rng(0).uniform(0, 255, (1, 3, 640, 640)).astype(np.float32)
        programs = {bits: quantised(adapted, image, bits) for bits in (8, 16)}
        print(f"YOLOX-s, 640 x 640, {arguments.threads} threads; medians of {arguments.rounds} interleaved rounds\n")
        print(times(adapted, programs, image, arguments.rounds, arguments.threads))
        print("\n" + memory(adapted, programs, Path(folder), arguments.threads))


def adapt(folder: Path) -> Path:
    """The adapted network as a file; in processes of their own, whose memory is not ours."""
    model, out = folder / "yolox_s.onnx", folder / "out"
    subprocess.run([sys.executable, "-c", EXPORT, str(model)], check=True)
    command = [Path(sysconfig.get_path("scripts"), "icraft-adapt"), model, "--target", TARGET, "--out", out]
    subprocess.run([*map(str, command), "--no-golden", "--no-postproc"], check=True, stdout=subprocess.DEVNULL)
    return out / "adapted.onnx"


def quantised(adapted: Path, image: NDArray[np.float32], bits: int) -> Program:
    """The network in integers, ranges from the one image."""
    arithmetic = load_target(TARGET).arithmetic
    if arithmetic is None:
        raise RuntimeError(f"{TARGET} has no integer arithmetic")
    proto = onnx.load(adapted)
    network = lower(Model.from_proto(proto, "yolox_s"), [])
    samples = collect(proto, network, [image], 1)
    settings = Settings(bits=bits, saturation="null")
    return quantise(network, samples, arithmetic, settings, Image(np.zeros(3), np.ones(3)))


def times(adapted: Path, programs: Mapping[int, Program], image: NDArray[np.float32], rounds: int, threads: int) -> str:
    """A table of medians, the float session's first."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(adapted), options)
    codes = {
        bits: encode_image(image, each.input, each.code_max(each.input.format.bits)) for bits, each in programs.items()
    }
    runs: dict[str, Callable[[], object]] = {
        "ONNX Runtime, float32": lambda: session.run(None, {session.get_inputs()[0].name: image})
    }
    for bits, level in product(programs, reversed(levels())):
        engine = FastEngine(programs[bits], threads, level)
        runs[f"fast engine, int{bits}, {level}"] = partial(engine.run, codes[bits])
    seconds = interleaved(runs, rounds)
    plain, oracle = FastEngine(programs[8], threads, native=False), Oracle(programs[8])
    once = {"fast engine, int8, without compiled code": plain.run, "oracle, int8": oracle.run}
    seconds |= interleaved({name: partial(run, codes[8]) for name, run in once.items()}, 1)
    base = seconds["ONNX Runtime, float32"]
    lines = [f"| {name} | {1000 * each:.0f} | {each / base:.2f} |" for name, each in seconds.items()]
    return "\n".join(["| engine | ms | ratio to ONNX Runtime |", "|---|---|---|", *lines])


def interleaved(runs: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median seconds of each, all of them once a round; the first round is not counted where there are more."""
    seen: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds + (rounds > 1)):
        for name, run in runs.items():
            time.sleep(REST)
            start = time.perf_counter()
            run()
            seen[name].append(time.perf_counter() - start)
    return {name: median(each[rounds > 1 :]) for name, each in seen.items()}


def memory(adapted: Path, programs: Mapping[int, Program], folder: Path, threads: int) -> str:
    """A table of the peak memory of a process that loads a network and runs it."""
    commands = {"ONNX Runtime, float32": [sys.executable, "-c", FLOAT + PEAK, str(adapted), str(threads)]}
    for bits, program in programs.items():
        file = folder / f"program{bits}"
        file.write_bytes(pickle.dumps((program.input, program.layers, program.outputs)))
        commands[f"fast engine, int{bits}"] = [sys.executable, "-c", INTEGER + PEAK, str(file), str(threads)]
    lines = []
    for name, command in commands.items():
        # Not ru_maxrss, which begins with the peak of the process that starts another.
        result = subprocess.run(command, check=True, stdout=subprocess.PIPE)
        lines.append(f"| {name} | {int(result.stdout) / 1024:.0f} |")
    return "\n".join(["| process | peak MiB |", "|---|---|", *lines])


if __name__ == "__main__":
    main()
