"""The integer simulation, ready to run: pictures in, boxes out, by the decoder that ships."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..data.detections import EVALUATION_IOU, EVALUATION_SCORE, Detections
from ..data.letterbox import letterbox
from ..data.preprocess import Preprocess
from ..errors import AdaptError, Exit
from ..golden.engine.fast import FastEngine
from ..golden.engine.protocol import encode_image
from ..golden.program import Program
from ..golden.storage import read_program
from ..graph.load import file_digest
from ..postproc.core.generator import Codes, Decoder
from ..targets.loader import load_target, target_names
from .detector import Values, adapted_files
from .output_folder import OutputFolder
from .postproc_task import Subject, integer_task
from .progress import Progress
from .request import Request
from .shipped_decoder import shipped_decoder

PROGRAM = "golden/program.npz"


@dataclass(frozen=True, slots=True)
class IntegerDetector:
    """`run` takes the input float32 [1, c, h, w] and gives the head maps as codes, by output name."""

    run: Callable[[Values], Codes]
    decoder: Decoder
    size: tuple[int, int]
    preprocess: Preprocess

    def detect(self, image: NDArray[np.uint8]) -> tuple[Detections, Detections]:
        """The boxes of an image uint8 [h, w, 3] BGR above YOLOX's evaluation score, suppressed, in its pixels: from
        the raw maps, and from what the hardware threshold filter lets by.
        """
        tensor, placed = letterbox(image, self.size, self.preprocess)
        maps = self.run(tensor)
        found = self.decoder.codes(maps, EVALUATION_SCORE, EVALUATION_IOU)
        passed = self.decoder.filtered(maps, EVALUATION_SCORE, EVALUATION_IOU)
        return tuple(replace(each, boxes=placed.to_image(each.boxes)) for each in (found, passed))  # type: ignore[return-value]


def folder_integers(folder: OutputFolder, preprocess: Preprocess, threshold: float) -> IntegerDetector:
    """The integer network that the main job stored in a folder; `threshold` is the filter's score.

    Raises AdaptError (exit 3) where it stored none.
    """
    data = folder.file(PROGRAM)
    if data is None:
        raise AdaptError(
            "no integer simulation is in this folder",
            where=str(folder.path),
            hint="run the main job with --calib DIR and without --no-golden",
            code=Exit.UNSUPPORTED,
        )
    told, program = folder.manifest, read_program(data, PROGRAM)
    target = told.target if told.target in target_names() else str(folder.path / told.target)
    name, digest, reading = told.model.name, told.model.sha256, folder.reading
    return integer_detector(
        Subject(name, digest, reading, program.input.shape[2:], preprocess, load_target(target), threshold), program
    )


def file_integers(request: Request, progress: Progress) -> IntegerDetector:
    """The network as the main job would adapt and quantise it, in memory. Raises AdaptError as `adapted_files`."""
    if request.calibration is None:
        raise AdaptError("the integer network of a file needs images", hint="give --calib DIR, or an output folder")
    reading, files = adapted_files(replace(request, golden=True), progress)
    if PROGRAM not in files:
        raise AdaptError(
            f"{request.target} has no integer arithmetic here yet", where=request.model.name, code=Exit.UNSUPPORTED
        )
    program, target = read_program(files[PROGRAM], PROGRAM), load_target(request.target)
    size, digest = program.input.shape[2:], file_digest(request.model)
    return integer_detector(
        Subject(request.model.stem, digest, reading, size, request.preprocess, target, request.threshold), program
    )


def integer_detector(subject: Subject, program: Program) -> IntegerDetector:
    """The program with the decoder that ships with it."""
    engine, source = FastEngine(program), program.input
    code_max = program.code_max(source.format.bits)
    decoder = shipped_decoder(integer_task(subject, program, {}))
    return IntegerDetector(
        lambda tensor: engine.run(encode_image(tensor, source, code_max)).maps,
        decoder,
        subject.size,
        subject.preprocess,
    )
