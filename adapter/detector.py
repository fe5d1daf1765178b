"""A network with raw heads, ready to run: pictures in, boxes out, as YOLOX evaluates them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto

from ..data.detections import EVALUATION_SCORE, Detections
from ..data.letterbox import Placement, letterbox
from ..data.preprocess import Preprocess
from ..errors import AdaptError, Exit
from ..graph.reading import Reading
from ..graph.region import extract
from ..graph.session import Session
from ..postproc.core.family import detections
from ..targets.loader import load_target
from .emit.report_json import report_document
from .outcome import Outcome
from .output_folder import OutputFolder, reading_of
from .pipeline import adapt
from .prepare import prepare
from .progress import Progress
from .request import Request

Values = NDArray[np.float32]
Maps = Mapping[str, Values]


@dataclass(frozen=True, slots=True)
class Detector:
    """`run` takes the input float32 [1, c, h, w] and gives the raw heads by the reading's tensor names; `size` is the
    input's (h, w).
    """

    run: Callable[[Values], Maps]
    reading: Reading
    size: tuple[int, int]
    preprocess: Preprocess

    def detect(self, image: NDArray[np.uint8]) -> Detections:
        """The boxes of an image uint8 [h, w, 3] BGR above YOLOX's evaluation score, suppressed, in its pixels."""
        return self.boxes(*self.heads(image))

    def heads(self, image: NDArray[np.uint8]) -> tuple[Maps, Placement]:
        """The raw heads of an image, and how it was placed in the input."""
        tensor, placed = letterbox(image, self.size, self.preprocess)
        return self.run(tensor), placed

    def boxes(self, maps: Maps, placed: Placement) -> Detections:
        """The boxes that these heads say, as `detect` gives them."""
        kept = detections(self.reading, maps, EVALUATION_SCORE)
        return replace(kept, boxes=placed.to_image(kept.boxes))


def original_detector(request: Request, progress: Progress) -> Detector:
    """The original as it is, cut where its tail begins: its own raw heads, decoded by the proven reading."""
    prepared = prepare(request, load_target(request.target), progress)
    heads = [tensor for tensor, _ in prepared.reading.outputs()]
    return _detector(extract(prepared.original, [], heads), prepared.reading, request.preprocess)


def folder_detector(folder: OutputFolder, preprocess: Preprocess) -> Detector:
    """The adapted network of an output folder."""
    return _detector(folder.adapted, folder.reading, preprocess)


def _detector(proto: ModelProto, reading: Reading, preprocess: Preprocess) -> Detector:
    shape = [dim.dim_value for dim in proto.graph.input[0].type.tensor_type.shape.dim]
    session = Session(proto)
    return Detector(lambda tensor: session.run({session.inputs[0]: tensor}), reading, (shape[2], shape[3]), preprocess)


def adapted_detector(request: Request, progress: Progress) -> Detector:
    """The network as the main job would adapt it, in memory. Raises AdaptError with the verdict where it would not."""
    reading, files = adapted_files(request, progress)
    return _detector(ModelProto.FromString(files["adapted.onnx"]), reading, request.preprocess)


def adapted_files(request: Request, progress: Progress) -> tuple[Reading, Mapping[str, bytes]]:
    """What the main job would write, by path, and the reading of the adapted network's own outputs.

    Raises AdaptError with the verdict where it would write nothing.
    """
    outcome: Outcome = adapt(request, progress)
    if outcome.exit_code != Exit.FINE or outcome.report.heads is None:
        raise AdaptError(outcome.verdict, where=request.model.name, code=outcome.exit_code)
    files = {artifact.path: artifact.data for artifact in outcome.artifacts}
    return reading_of(report_document(outcome.report)), files
