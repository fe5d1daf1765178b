"""One pass of the original over the user's images: what its maps look like, and whether it finds anything at all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..data.agreement import REFERENCE_SCORE
from ..data.images import find_images
from ..data.letterbox import letterbox
from ..data.preprocess import PREPROCESSING_HINT
from ..errors import AdaptError, Exit
from ..golden.network import Network
from ..golden.samples import SampleBuilder, Samples, roots
from ..graph.session import Session, with_outputs
from ..postproc.core.family import family_of
from ..rewrites.core.histogram import Histogram, HistogramBuilder
from .lowering import lowered
from .pictures import pictures
from .prepare import Prepared
from .progress import Progress
from .request import Request

FEWEST_IMAGES = 8
_KEPT_IMAGES, _MOST_HELD = 16, 64
_Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Calibration:
    """What the pass saw. `inputs` and `heads` are those of the first images, for comparing with the adapted network:
    float32 [1, c, h, w], heads by the adapted model's output names. `skipped` names unreadable files.

    `histograms` are those of the activations' inputs, by tensor, `cells` samples of them [c, s]; `samples` those of all
    maps of the normalised network, None where it has no integer arithmetic. `held_inputs` and `held_heads` are of
    images that no sample comes from, where some were wanted.
    """

    histograms: dict[str, Histogram]
    cells: dict[str, _Array]
    samples: Samples | None
    inputs: tuple[_Array, ...]
    heads: tuple[dict[str, _Array], ...]
    files: tuple[Path, ...]
    skipped: tuple[str, ...]
    held_inputs: tuple[_Array, ...] = ()
    held_heads: tuple[dict[str, _Array], ...] = ()


def calibrate(request: Request, folder: Path, prepared: Prepared, progress: Progress) -> Calibration:
    """Stream the images; memory does not grow with their number.

    Raises AdaptError: exit 2 where the folder holds too few usable images, exit 3 where the network finds nothing on
    any. A picture of one colour says nothing of any map, and is left out like one that cannot be read.
    """
    network = _in_integers(prepared)
    taps = _maps(prepared, network)
    outputs = [name for _, name in prepared.reading.outputs()]
    session = Session(with_outputs(prepared.model.to_proto(), taps))
    files = find_images(folder)
    held_out = _held_out(len(files)) if request.activation == "auto" else frozenset()
    held: list[tuple[_Array, dict[str, _Array]]] = []
    builder = SampleBuilder((prepared.input_name, *taps), len(files) - len(held_out))
    inputs: list[_Array] = []
    heads: list[dict[str, _Array]] = []
    used: list[Path] = []
    skipped: list[str] = []
    best = 0.0
    for path, image in _varied(folder, progress, skipped):
        tensor, _ = letterbox(image, prepared.input_shape[2:], request.preprocess)
        results = session.run({prepared.input_name: tensor})
        maps = {name: results[name] for name in outputs}
        if len(used) in held_out:
            held.append((tensor, maps))
        else:
            builder.add({prepared.input_name: tensor, **results})
        best = max(best, best_score(prepared, maps))
        if len(inputs) < _KEPT_IMAGES:
            inputs.append(tensor)
            heads.append(maps)
        used.append(path)
    _check(folder, len(used), skipped, best)
    recorded = builder.recorded()
    histograms = {name: _histogram(recorded[name]) for name in prepared.activations}
    samples = None if network is None else Samples(network, recorded, roots(network))
    cells = {name: recorded[name] for name in prepared.activations}
    pairs = tuple(tensor for tensor, _ in held), tuple(maps for _, maps in held)
    return Calibration(histograms, cells, samples, tuple(inputs), tuple(heads), tuple(used), tuple(skipped), *pairs)


def _held_out(count: int) -> frozenset[int]:
    """Every fourth image, from the second on; of many images fewer, so that they are no more than 64."""
    return frozenset(range(1, count, max(4, -(-count // _MOST_HELD))))


def _varied(folder: Path, progress: Progress, skipped: list[str]) -> Iterator[tuple[Path, NDArray[np.uint8]]]:
    """The folder's pictures but for those of one colour, which are named in `skipped`."""
    for path, image in pictures(folder, "calibrating", progress, skipped):
        if (image == image[0, 0]).all():
            skipped.append(f"{path.name}: it shows one colour and nothing else")
        else:
            yield path, image


def _check(folder: Path, used: int, skipped: list[str], best: float) -> None:
    """Raises AdaptError for too few pictures, and where the best score on them is no detection."""
    if used < FEWEST_IMAGES:
        raise AdaptError(
            f"calibration takes {FEWEST_IMAGES} usable images or more, and here are {used}",
            where=str(folder),
            hint="; ".join(skipped[:2]) or "take images like those in use, 50 or more",
        )
    if best < REFERENCE_SCORE:
        raise AdaptError(
            f"the original finds nothing on these {used} images: its best score is {best:.3g}",
            where=str(folder),
            hint=PREPROCESSING_HINT,
            code=Exit.UNSUPPORTED,
        )


def _in_integers(prepared: Prepared) -> Network | None:
    """The network as the chip groups it; None where it has no integer arithmetic: the main job says so in its place."""
    try:
        return lowered(prepared.model)
    except AdaptError:
        return None


def _maps(prepared: Prepared, network: Network | None) -> list[str]:
    """What is recorded: the activations' inputs, and where integers are possible all that they are made from."""
    own = [] if network is None else [name for name in roots(network).values() if name != prepared.input_name]
    return list(dict.fromkeys((*prepared.activations, *own)))


def best_score(prepared: Prepared, maps: dict[str, _Array]) -> float:
    """The highest score of any box on one image; `maps` by the adapted model's output names."""
    reading = prepared.reading
    found = family_of(reading).decode(reading, reading.by_tensor(maps), 0.0)
    return float(found.scores.max(initial=0.0))


def _histogram(values: _Array) -> Histogram:
    """Of a map's sample without its extremes."""
    builder = HistogramBuilder()
    builder.add(values[:, :-2])
    return builder.histogram()
