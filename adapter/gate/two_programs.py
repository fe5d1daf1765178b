"""Two integer networks: how their layers are held, what numbers they have, and where they part on the same picture."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ...data.matching import match
from ...golden.engine.protocol import Result, decode_map, encode_image
from ...golden.figures import FigureBuilder
from ...golden.fixed import Codes
from ...golden.program import Layer
from ...golden.storage import digest_of
from ...postproc.core.family import detections
from ..simulate import values_of
from .flat import changes, flat
from .golden_folder import GoldenFolder
from .measure import run
from .verdict_text import boxes_line

_SHOWN = 5
_SCALE = 1e-6  # relative: float sums differ in their last digits
_SURE, _LOW = 0.3, 0.1

Pair = tuple[str, Layer, Layer]
Values = NDArray[np.float32]


def compare_programs(a: GoldenFolder, b: GoldenFolder) -> Iterator[str]:
    """Line by line; nothing where both compute the same."""
    for path, before, after in changes(dict(flat(a.program.arithmetic)), dict(flat(b.program.arithmetic))):
        yield f"arithmetic.{path}: {before or 'absent'} -> {after or 'absent'}"
    ours, theirs = ({g.anchors[layer.name]: layer for layer in g.program.layers} for g in (a, b))
    yield from _only("A", ours, theirs)
    yield from _only("B", theirs, ours)
    pairs = [(anchor, layer, theirs[anchor]) for anchor, layer in ours.items() if anchor in theirs]
    yield from _held(a, b, pairs)
    if a.program.input.shape == b.program.input.shape:
        yield from _computed(a, b, pairs)


def _only(name: str, ours: Mapping[str, Layer], theirs: Mapping[str, Layer]) -> Iterator[str]:
    more = [anchor for anchor in ours if anchor not in theirs]
    yield from _counted(f"layers only in {name}", more, len(ours), str)


def _held(a: GoldenFolder, b: GoldenFolder, pairs: Sequence[Pair]) -> Iterator[str]:
    """Widths, scales and numbers."""
    images = (a.program.input, b.program.input)
    if digest_of(images[0].format) != digest_of(images[1].format) or digest_of(images[0].shift) != digest_of(
        images[1].shift
    ):
        held = (
            f"normratio {x.format.normratios.tolist()}, shift {x.shift.tolist()}, {x.format.bits} bits" for x in images
        )
        yield f"input: {' -> '.join(held)}"
    widths = [pair for pair in pairs if pair[1].format.bits != pair[2].format.bits]
    yield from _counted(
        "widths", widths, len(pairs), lambda p: f"{p[0]}: {p[1].format.bits} -> {p[2].format.bits} bits"
    )
    scales = [pair for pair in pairs if pair[1].format.bits == pair[2].format.bits and _scale(pair)]
    yield from _counted("scales", scales, len(pairs), lambda p: f"{p[0]}: {_scale(p)}")
    numbers = [pair for pair in pairs if digest_of(pair[1].operator) != digest_of(pair[2].operator)]
    yield from _counted("weights, biases, multipliers or cuts", numbers, len(pairs), lambda p: p[0])


def _scale(pair: Pair) -> str:
    """How the normratio changed; "" where it did not."""
    _, ours, theirs = pair
    before, after = ours.format.normratios, theirs.format.normratios
    if before.shape != after.shape:
        return f"{len(before)} -> {len(after)} channels"
    off = np.abs(after - before) / before
    if not (off > _SCALE).any():
        return ""
    worst = int(np.argmax(off))
    return f"normratio {before[worst]:.6g} -> {after[worst]:.6g} (x{after[worst] / before[worst]:.4g})"


def _computed(a: GoldenFolder, b: GoldenFolder, pairs: Sequence[Pair]) -> Iterator[str]:
    """Both on A's picture: the first map whose values part, the heads, the boxes."""
    results = [run(golden.program, _codes(golden, a)) for golden in (a, b)]
    parted = []
    for anchor, ours, theirs in pairs:
        left, right = results[0].maps[ours.name], results[1].maps[theirs.name]
        same_form = ours.format.bits == theirs.format.bits and not _scale((anchor, ours, theirs))
        if left.shape != right.shape or not (same_form and np.array_equal(left, right)):
            parted.append((anchor, ours, theirs))
    if not parted:
        return
    anchor, ours, theirs = parted[0]
    yield f"on A's picture {len(parted)} of {len(pairs)} layers compute other codes; the first is {anchor}"
    for anchor, ours, theirs in parted:
        before, after = _values(results[0], ours), _values(results[1], theirs)
        if ours.name in a.program.outputs and before.shape == after.shape:
            yield f"  {anchor}: {_figures(before, after)}"
    yield _boxes((a, b), results)


def _codes(golden: GoldenFolder, giver: GoldenFolder) -> Codes:
    image = golden.program.input
    return encode_image(giver.picture, image, golden.program.code_max(image.format.bits))


def _values(result: Result, layer: Layer) -> Values:
    return decode_map(result.maps[layer.name], layer.format.normratios)


def _figures(before: Values, after: Values) -> str:
    builder = FigureBuilder()
    builder.add(before, after)
    found = builder.figures()
    sqnr = "equal" if found.sqnr_db is None else f"SQNR {found.sqnr_db:.1f} dB"
    return f"cosine {found.cosine:.6f}, {sqnr}, largest difference {found.max_abs:.4g}"


def _boxes(goldens: Sequence[GoldenFolder], results: Sequence[Result]) -> str:
    found = []
    for golden, result in zip(goldens, results, strict=True):
        (heads,), reading = values_of(golden.program, [result.maps]), golden.folder.reading
        found.append(detections(reading, reading.by_tensor(heads), _LOW))
    return boxes_line(match([found[0]], [found[1]], _SURE))


def _counted(title: str, found: Sequence[Pair] | Sequence[str], of: int, say: Callable[..., str]) -> Iterator[str]:
    """How many, and the first of them."""
    if found:
        yield f"{title}: {len(found)} of {of}"
        yield from (f"  {say(each)}" for each in found[:_SHOWN])
        if len(found) > _SHOWN:
            yield f"  and {len(found) - _SHOWN} more"
