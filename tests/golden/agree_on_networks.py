"""Compare every build of the fast engine with the oracle on the networks of output folders: `FOLDER ...`.

Each holds golden/program.npz and golden/inputs.npz: the main job with --calib wrote it.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from icraft_adapt.adapter.integer_detector import PROGRAM
from icraft_adapt.golden.engine.fast import FastEngine
from icraft_adapt.golden.engine.native import levels
from icraft_adapt.golden.engine.oracle import Oracle
from icraft_adapt.golden.engine.protocol import encode_image
from icraft_adapt.golden.storage import read_program
from icraft_adapt.tests.golden.agreement import difference


def differences(folder: Path) -> list[str]:
    """Where an engine differs on the folder's first picture, map by map and count by count."""
    program = read_program((folder / PROGRAM).read_bytes())
    with np.load(folder / "golden" / "inputs.npz") as inputs:
        (image,) = inputs.values()
    codes = encode_image(image, program.input, program.code_max(program.input.format.bits))
    every = [layer.name for layer in program.layers]
    expected = Oracle(program).run(codes, every)
    found = []
    for build in (False, *levels()):
        differs = difference(program, FastEngine(program, 2, build).run(codes, every), expected)
        print(f"{folder.name}, {build or 'numpy'}: {len(every)} maps, {differs or 'no code differs'}", flush=True)
        found.append(differs)
    return [each for each in found if each]


if __name__ == "__main__":
    everywhere = [found for each in sys.argv[1:] for found in differences(Path(each))]
    sys.exit(bool(everywhere))
