"""The integer golden of an output folder, read back: the program, its layers' anchors, and the input that it ran on."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...errors import AdaptError, Exit
from ...golden.engine.protocol import encode_image
from ...golden.fixed import Codes
from ...golden.program import Program
from ...golden.storage import read_program
from ..integer_detector import PROGRAM
from ..output_folder import OutputFolder, read_folder

INPUTS, INTEGER = "golden/inputs.npz", "golden/integer.npz"
_SIMULATE = "run the main job with --calib"

Values = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class GoldenFolder:
    """`anchors` names every layer of the program by its structure, `picture` is the input float32 [1, c, h, w] and
    `heads` what the folder says the integer heads are for it, float32 by output name.
    """

    folder: OutputFolder
    program: Program
    anchors: Mapping[str, str]
    picture: Values
    heads: Mapping[str, Values]

    @property
    def codes(self) -> Codes:
        """The picture as the program's input."""
        image = self.program.input
        return encode_image(self.picture, image, self.program.code_max(image.format.bits))


def read_golden(path: Path) -> GoldenFolder:
    """Raises AdaptError: exit 2 for a folder that the main job did not write, or a file changed since; exit 3 for one
    without an integer golden, or whose report does not tell of every layer.
    """
    folder = read_folder(path)
    stored = folder.file(PROGRAM)
    if stored is None:
        what = "holds no integer golden: nothing was simulated"
        raise AdaptError(what, where=str(path), hint=_SIMULATE, code=Exit.UNSUPPORTED)
    program = read_program(stored, str(path / PROGRAM))
    inputs, heads = (_arrays(folder, name) for name in (INPUTS, INTEGER))
    told = dict(folder.layers)
    untold = [layer.name for layer in program.layers if layer.name not in told]
    if untold or set(heads) != set(program.outputs) or program.input.name not in inputs:
        what = f"the coverage is incomplete: report.json or {INTEGER} does not tell of every layer of {PROGRAM}"
        raise AdaptError(what, where=str(path), hint=_SIMULATE, code=Exit.UNSUPPORTED)
    return GoldenFolder(folder, program, told, inputs[program.input.name], heads)


def _arrays(folder: OutputFolder, name: str) -> dict[str, Values]:
    try:
        with np.load(io.BytesIO(folder.file(name) or b""), allow_pickle=False) as archive:
            return {each: archive[each] for each in archive.files}
    except (zipfile.BadZipFile, ValueError, EOFError, KeyError) as error:
        hint = "run the main job again"
        raise AdaptError("no archive of arrays", where=str(folder.path / name), hint=hint) from error
