"""The integer simulation, ready to run: pictures in, boxes out; and the hardware threshold filter before the boxes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import inf

import numpy as np

from ..data.preprocess import Preprocess
from ..errors import AdaptError, Exit
from ..golden.engine.fast import FastEngine
from ..golden.engine.protocol import decode_map, encode_image
from ..golden.program import Program
from ..golden.storage import read_program
from ..graph.reading import Reading
from ..postproc.decode.values import Part, filter_code
from .detector import Detector, Maps, Values, adapted_files
from .output_folder import OutputFolder
from .progress import Progress
from .request import Request

PROGRAM = "golden/program.npz"


@dataclass(frozen=True, slots=True)
class IntegerDetector:
    """`filter` takes raw heads and gives what the hardware threshold filter lets by: all other objectness is minus
    infinity.
    """

    detector: Detector
    filter: Callable[[Maps], Maps]


def folder_integers(folder: OutputFolder, preprocess: Preprocess, threshold: float) -> IntegerDetector:
    """The integer network that the main job stored in a folder. Raises AdaptError (exit 3) where it stored none."""
    data = folder.file(PROGRAM)
    if data is None:
        raise AdaptError(
            "no integer simulation is in this folder",
            where=str(folder.path),
            hint="run the main job with --calib DIR and without --no-golden",
            code=Exit.UNSUPPORTED,
        )
    return integers_of(read_program(data, PROGRAM), folder.reading, preprocess, threshold)


def file_integers(request: Request, progress: Progress) -> IntegerDetector:
    """The network as the main job would adapt and quantise it, in memory. Raises AdaptError as `adapted_files`."""
    if request.calibration is None:
        raise AdaptError("the integer network of a file needs images", hint="give --calib DIR, or an output folder")
    reading, files = adapted_files(replace(request, golden=True), progress)
    if PROGRAM not in files:
        raise AdaptError(
            f"{request.target} has no integer arithmetic here yet", where=request.model.name, code=Exit.UNSUPPORTED
        )
    return integers_of(read_program(files[PROGRAM], PROGRAM), reading, request.preprocess, request.threshold)


def integers_of(program: Program, reading: Reading, preprocess: Preprocess, threshold: float) -> IntegerDetector:
    """`threshold` is the filter's score. `reading` names the program's outputs."""
    engine, formats, source = FastEngine(program), program.formats(), program.input
    code_max = program.code_max(source.format.bits)

    def run(tensor: Values) -> Maps:
        maps = engine.run(encode_image(tensor, source, code_max)).maps
        return {name: decode_map(codes, formats[name].normratios) for name, codes in maps.items()}

    limit = limits(program, reading, threshold)

    def passed(maps: Maps) -> Maps:
        kept = {name: np.where(maps[name] > least, maps[name], np.float32(-inf)) for name, least in limit.items()}
        return {**maps, **kept}

    height, width = source.shape[2:]
    return IntegerDetector(Detector(run, reading, (height, width), preprocess), passed)


def limits(program: Program, reading: Reading, threshold: float) -> Mapping[str, np.float32]:
    """For each objectness map the value that a cell must exceed: the hardware compares codes, truncated toward zero."""
    formats = program.formats()
    found = {}
    for level in reading.levels:
        form = formats[level.obj]
        normratio = float(form.normratios[0])
        found[level.obj] = np.float32(filter_code(threshold, Part(normratio, form.bits, 1)) * normratio)
    return found
