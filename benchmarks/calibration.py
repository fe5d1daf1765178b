"""Calibrating a YOLOX-s of 640 x 640 (random weights): its time beside the float passes it contains, and its memory.

    python benchmarks/calibration.py [--rounds 5]

The float passes are those of ONNX Runtime over the same tensors, the same maps taken out and thrown away. Calibrating
also reads and letterboxes the pictures, decodes the boxes, and keeps samples of every map. Peak memory is that of the
whole main job, simulation included, over 128 pictures; what grows with their number is seen beside 8.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
from numpy.typing import NDArray
from processes import measure

from icraft_adapt.adapter.calibrate import calibrate
from icraft_adapt.adapter.prepare import Prepared, prepare
from icraft_adapt.adapter.progress import Silent
from icraft_adapt.adapter.request import Request
from icraft_adapt.data.images import find_images, read_image, write_image
from icraft_adapt.data.letterbox import letterbox
from icraft_adapt.graph.session import Session, with_outputs
from icraft_adapt.targets.loader import load_target

TARGET = "icraft-v3-buyi"
FEW, MANY = 8, 128

EXPORT = """
import sys
from pathlib import Path
from icraft_adapt.models.export import export
from icraft_adapt.models.yolox import OutputForm, YoloxConfig, build
net = build(YoloxConfig("s"), OutputForm(), 0, size=(640, 640))
export(net, Path(sys.argv[1]), shape=(1, 3, 640, 640))
"""


def main() -> None:
    """Print the two tables as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = folder / "yolox_s.onnx"
        subprocess.run([sys.executable, "-c", EXPORT, str(model)], check=True)
        few, many = (drawn(folder / str(count), count) for count in (FEW, MANY))
        print(times(Request(model, target=TARGET, calibration=few), few, rounds), flush=True)
        print("\n" + memory(model, {FEW: few, MANY: many}), flush=True)


def drawn(folder: Path, count: int) -> Path:
    """A new folder of noise in blocks: random weights find boxes in it."""
    folder.mkdir()
    for index in range(count):
        blocks = np.random.default_rng(index).integers(0, 256, (48, 64, 3), np.uint8)
        write_image(folder / f"{index:03}.png", blocks.repeat(10, axis=0).repeat(10, axis=1))
    return folder


def times(request: Request, folder: Path, rounds: int) -> str:
    """A table of medians over interleaved rounds."""
    prepared = prepare(request, load_target(request.target), Silent())
    size = prepared.input_shape[2:]
    tensors = [letterbox(read_image(file), size, request.preprocess)[0] for file in find_images(folder)]
    known = calibrate(request, folder, prepared, Silent())
    recorded = () if known.samples is None else known.samples.recorded
    taps = [name for name in dict.fromkeys((*known.histograms, *recorded)) if name != prepared.input_name]
    seen: dict[str, list[float]] = {"float passes": [], "calibration": []}
    for _ in range(rounds):
        start = time.perf_counter()
        float_passes(prepared, taps, tensors)
        middle = time.perf_counter()
        calibrate(request, folder, prepared, Silent())
        seen["float passes"].append(middle - start)
        seen["calibration"].append(time.perf_counter() - middle)
    base = median(seen["float passes"])
    lines = [f"| {name} | {median(each):.2f} | {median(each) / base:.2f} |" for name, each in seen.items()]
    return "\n".join([f"| {FEW} pictures | s | ratio to float passes |", "|---|---|---|", *lines])


def float_passes(prepared: Prepared, taps: list[str], tensors: list[NDArray[np.float32]]) -> None:
    """ONNX Runtime alone, its session included."""
    session = Session(with_outputs(prepared.model.to_proto(), taps))
    for tensor in tensors:
        session.run({prepared.input_name: tensor})


def memory(model: Path, folders: dict[int, Path]) -> str:
    """A table of the main job's peak memory."""
    command = [str(Path(sysconfig.get_path("scripts"), "icraft-adapt")), str(model), "--target", TARGET]
    jobs = {
        f"{count} pictures": [*command, "--calib", str(folder), "--out", str(folder) + ".out"]
        for count, folder in folders.items()
    }
    found = measure(jobs, 1)
    lines = [f"| {name} | {each.seconds:.0f} | {each.mebibytes:.0f} |" for name, each in found.items()]
    return "\n".join(["| main job | s | peak MiB |", "|---|---|---|", *lines])


if __name__ == "__main__":
    main()
