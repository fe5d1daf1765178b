"""A run against the baseline: the one comparison that every check and every seeded fault goes through."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ...golden.fingerprint import MapDifference, difference, within
from .baseline import Baseline, LayerRecord, Runs, Tolerances

Kind = Literal["convention", "missing", "new", "shape", "width", "scale", "codes", "counts", "numbers"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that differs: where (an anchor, or a word for the whole), of which kind, and how, in words.

    `is_slight`: the layer's own numbers changed, and its codes by one at most.
    """

    anchor: str
    kind: Kind
    words: str
    is_slight: bool = False


@dataclass(frozen=True, slots=True)
class Comparison:
    """`findings` in the order of computation, those about the whole first; `layers` were compared."""

    findings: tuple[Finding, ...]
    layers: tuple[str, ...]

    @property
    def by_anchor(self) -> Mapping[str, Finding]:
        """The findings; there is one at most for each anchor."""
        return {each.anchor: each for each in self.findings}


def compare(baseline: Baseline, whole: Sequence[Finding], found: Sequence[LayerRecord]) -> Comparison:
    """The layers of a run, computed from the baseline's own input; `whole` is what was found about the whole."""
    layers = tuple(_layers(baseline, found))
    anchors = [each.anchor for each in found]
    missing = [each.anchor for each in baseline.layers if each.anchor not in set(anchors)]
    return Comparison((*whole, *layers), (*anchors, *missing))


def _layers(baseline: Baseline, found: Sequence[LayerRecord]) -> Iterator[Finding]:
    """In the run's order; what the run lacks stands where the baseline has it."""
    kept = {each.anchor: each for each in baseline.layers}
    there = {each.anchor for each in found}
    waiting = list(baseline.layers)
    for each in found:
        if each.anchor not in kept:
            yield Finding(each.anchor, "new", f"the baseline has no such layer ({each.op})")
            continue
        while waiting and waiting[0].anchor != each.anchor and waiting[0].anchor not in there:
            yield _missing(waiting.pop(0))
        if waiting and waiting[0].anchor == each.anchor:
            waiting.pop(0)
        finding = _layer(kept[each.anchor], each, baseline.tolerances)
        if finding is not None:
            yield finding
    yield from (_missing(each) for each in waiting if each.anchor not in there)


def _missing(layer: LayerRecord) -> Finding:
    return Finding(layer.anchor, "missing", f"the network has no such layer any more ({layer.op})")


def _layer(kept: LayerRecord, found: LayerRecord, tolerances: Tolerances) -> Finding | None:
    """The gravest difference of one layer."""
    if kept.print.shape != found.print.shape:
        return Finding(kept.anchor, "shape", f"its map is {by(found.print.shape)}, it was {by(kept.print.shape)}")
    if kept.output != found.output:
        return Finding(kept.anchor, "shape", f"it is the output {found.output}, it was {kept.output}")
    if kept.bits != found.bits:
        return Finding(kept.anchor, "width", f"its codes have {found.bits} bits, they had {kept.bits}")
    own = "" if kept.numbers == found.numbers else "; its own numbers (weights, biases, scales, cuts) changed"
    off = difference(kept.print, found.print)
    if off is not None and not _passes(kept, found, tolerances):
        return Finding(kept.anchor, "codes", f"{_how_far(off)}{own}", bool(own) and off.largest <= 1)
    scale = scale_change(kept.normratios, found.normratios, tolerances.normratio)
    if scale:
        return Finding(kept.anchor, "scale", f"{scale}{own}")
    if tolerances.codes:
        return None
    if own:
        what = "its own numbers (weights, biases, scales, cuts) changed, though this input's codes do not show it"
        return Finding(kept.anchor, "numbers", what, is_slight=True)
    if kept.counts != found.counts:
        return Finding(kept.anchor, "counts", _counted(kept, found))
    return None


def _passes(kept: LayerRecord, found: LayerRecord, tolerances: Tolerances) -> bool:
    return bool(tolerances.codes) and within(kept.print, found.print, tolerances.codes, tolerances.share)


def _counted(kept: LayerRecord, found: LayerRecord) -> str:
    names = ("saturated", "overflowed", "accumulator")
    pairs = ((name, getattr(kept.counts, name), getattr(found.counts, name)) for name in names)
    return "; ".join(f"{name}: {now}, it was {was}" for name, was, now in pairs if now != was)


def _how_far(off: MapDifference) -> str:
    """The difference of one map's codes in words."""
    before, after = off.means
    first = "" if off.first_channel is None else f", the first is {off.first_channel}"
    return (
        f"{off.channels} of {off.all_channels} channels have another sum{first}; {off.differ} of {off.sampled} sampled "
        f"codes differ, by {off.largest} at most; cosine {off.cosine:.6f}; mean code {before:.4g}, now {after:.4g}"
    )


def scale_change(kept: Runs, found: Runs, tolerance: float) -> str:
    """The first channel whose normratio changed by more than the tolerance, in words; "" where none did."""
    before, after = spread(kept), spread(found)
    if before.shape != after.shape:
        return f"normratios of {len(after)} channels, they were {len(before)}"
    changed = np.flatnonzero(np.abs(after - before) > tolerance * np.abs(before))
    if not len(changed):
        return ""
    first = int(changed[0])
    was, now = float(before[first]), float(after[first])
    return f"the normratio of channel {first} is {now:.6g}, it was {was:.6g} (x{now / was:.6g})"


def spread(runs: Runs) -> NDArray[np.float64]:
    """One number for each channel."""
    return np.repeat([value for _, value in runs], [count for count, _ in runs])


def by(shape: tuple[int, ...]) -> str:
    """A shape as people write it: 1x3x416x416."""
    return "x".join(map(str, shape))
