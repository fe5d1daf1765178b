"""One pass of the original over the user's images: histograms for the fits, and whether it finds anything at all."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..data.agreement import REFERENCE_SCORE
from ..data.letterbox import letterbox
from ..data.preprocess import PREPROCESSING_HINT
from ..errors import AdaptError, Exit
from ..graph.session import Session, with_outputs
from ..postproc.core.family import family_of
from ..rewrites.core.histogram import Histogram, HistogramBuilder
from .pictures import pictures
from .prepare import Prepared
from .progress import Progress
from .request import Request

_KEPT_IMAGES = 16
_KEPT_VALUES = 1 << 15  # of each map and image, evenly spaced: a histogram needs no more
_Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Calibration:
    """What the pass saw. `inputs` and `heads` are those of the first images, for comparing with the adapted network:
    float32 [1, c, h, w], heads by the adapted model's output names. `skipped` names unreadable files.
    """

    histograms: dict[str, Histogram]
    inputs: tuple[_Array, ...]
    heads: tuple[dict[str, _Array], ...]
    files: tuple[Path, ...]
    skipped: tuple[str, ...]


def calibrate(request: Request, folder: Path, prepared: Prepared, progress: Progress) -> Calibration:
    """Stream the images; memory does not grow with their number.

    Raises AdaptError: exit 2 where the folder holds no usable image, exit 3 where the network finds nothing on any.
    """
    taps = list(prepared.activations)
    outputs = [name for _, name in prepared.reading.outputs()]
    session = Session(with_outputs(prepared.model.to_proto(), taps))
    builders = {name: HistogramBuilder() for name in taps}
    inputs: list[_Array] = []
    heads: list[dict[str, _Array]] = []
    used: list[Path] = []
    skipped: list[str] = []
    best = 0.0
    for path, image in pictures(folder, "calibrating", progress, skipped):
        tensor, _ = letterbox(image, prepared.input_shape[2:], request.preprocess)
        results = session.run({prepared.input_name: tensor})
        for name, builder in builders.items():
            builder.add(_thinned(results[name]))
        maps = {name: results[name] for name in outputs}
        best = max(best, best_score(prepared, maps))
        if len(inputs) < _KEPT_IMAGES:
            inputs.append(tensor)
            heads.append(maps)
        used.append(path)
    if best < REFERENCE_SCORE:
        raise AdaptError(
            f"the original finds nothing on these {len(used)} images: its best score is {best:.3g}",
            where=str(folder),
            hint=PREPROCESSING_HINT,
            code=Exit.UNSUPPORTED,
        )
    histograms = {name: builder.histogram() for name, builder in builders.items()}
    return Calibration(histograms, tuple(inputs), tuple(heads), tuple(used), tuple(skipped))


def best_score(prepared: Prepared, maps: dict[str, _Array]) -> float:
    """The highest score of any box on one image; `maps` by the adapted model's output names."""
    named = {tensor: maps[output] for tensor, output in prepared.reading.outputs()}
    found = family_of(prepared.reading).decode(prepared.reading, named, 0.0)
    return float(found.scores.max(initial=0.0))


def _thinned(values: _Array) -> _Array:
    flat = np.ravel(values)
    return flat[:: len(flat) // _KEPT_VALUES | 1] if len(flat) > _KEPT_VALUES else flat
