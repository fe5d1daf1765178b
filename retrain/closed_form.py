"""Layer by layer, without gradients through the network: each convolution anew, so that the errors do not pile up.

The original and the rewritten network go through the same pictures side by side. At each convolution the rewritten one
is given the weights and the bias that make, out of its own inputs, what the original has there: first what comes before
the activation, by least squares, then what comes behind it. A plain LeakyReLU gets a slope of its own, and each channel
a scale and a shift before it; the constant that is missing behind it is left to the next convolutions (see `bend`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..graph.reading import Reading
from .bend import Bends, fit_bends, quantiles
from .heads import resized, score_map
from .least_squares import Geometry, LeastSquares, pack, rows_at, unpack
from .live_maps import LiveMaps
from .network import Network, Operation
from .region import region

_MOST_ROWS = 24_000  # samples a layer
_MOST_NUMBERS = 1 << 26  # in the rows of a layer
_STEPS = 8
_NEAR_OBJECTS = 0.5  # of the samples are drawn by the original's score, the others evenly
_POINT_SAMPLES = 4096  # values of a channel that its bend is fitted to

_COEFFICIENTS = slice(1, 3)


@dataclass(frozen=True, slots=True)
class Layer:
    """A reconstructed convolution by its output; `error` is the mean squared error of its map (behind the activation
    where there is one) over the map's variance, on the samples.
    """

    output: str
    error: float


@dataclass(frozen=True, slots=True)
class _Seen:
    """At the sampled places: what the convolution reads, and what the original has before and behind the activation."""

    rows: Tensor
    before: Tensor
    behind: Tensor | None


@torch.no_grad()  # type: ignore[untyped-decorator]
def reconstruct(
    teacher: Network,
    student: Network,
    activations: Mapping[str, str],
    reading: Reading,
    pictures: Sequence[Tensor],
    seed: int = 0,
) -> Iterator[Layer]:
    """Give the student's convolutions new constants and its LeakyReLUs new slopes, in place, one layer at a time.

    `activations` names the map behind each activation by the map before it; both networks use the same names.
    `pictures` are inputs [1, c, h, w]. A convolution that the teacher has no counterpart of stays as it is.
    """
    theirs, ours = LiveMaps(teacher, pictures), LiveMaps(student, pictures)
    places = _Places(reading, [teacher.run(picture) for picture in pictures], seed)
    known = {each.output for each in teacher.operations}
    for operation in student.operations:
        weight = student.constants.get(operation.inputs[1]) if operation.op == "Conv" else None
        if weight is not None and operation.output in known and len(operation.inputs) > 2:
            behind = activations.get(operation.output)
            seen = _sample(operation, weight, ours[operation.inputs[0]], theirs, behind, places)
            if seen is not None:
                yield _renew(student, operation, seen, behind)
        ours.step()


class _Places:
    """Draws where each picture is looked at, more often near what the teacher finds."""

    def __init__(self, reading: Reading, heads: Sequence[Mapping[str, Tensor]], seed: int) -> None:
        self._scores = [score_map(reading, maps) for maps in heads]
        self._random = torch.Generator().manual_seed(seed)

    def draw(self, picture: int, size: tuple[int, int], count: int) -> Tensor:
        """`count` different places, int64, of a map of this size."""
        score = resized(self._scores[picture], size).flatten()
        share = (1 - _NEAR_OBJECTS) / len(score) + _NEAR_OBJECTS * score / score.sum().clamp_min(1e-12)
        return torch.multinomial(share, min(count, len(score)), generator=self._random)


def _sample(
    conv: Operation,
    weight: Tensor,
    inputs: Sequence[Tensor],
    theirs: LiveMaps,
    behind: str | None,
    places: _Places,
) -> _Seen | None:
    """None where the teacher's map of this name is another map."""
    geometry = Geometry.of(conv, weight)
    before = theirs.advance(conv.output)
    if before[0].shape[1] != len(weight):
        return None
    size = (before[0].shape[2], before[0].shape[3])
    numbers = geometry.groups * (weight[0].numel() + 1)
    count = max(1, min(_MOST_ROWS, _MOST_NUMBERS // numbers) // len(inputs))
    drawn = [places.draw(index, size, count) for index in range(len(inputs))]
    rows = torch.cat([rows_at(x, at, geometry) for x, at in zip(inputs, drawn, strict=True)], 2)
    z = _gather(before, drawn)
    return _Seen(rows, z, _gather(theirs.advance(behind), drawn) if behind is not None else None)


def _gather(maps: Sequence[Tensor], drawn: Sequence[Tensor]) -> Tensor:
    """[channels, samples] at the drawn places of each picture."""
    return torch.cat([each[0].flatten(1)[:, at] for each, at in zip(maps, drawn, strict=True)], 1)


def _renew(student: Network, conv: Operation, seen: _Seen, behind: str | None) -> Layer:
    """Solve for the convolution's constants and put them into the student."""
    weight, bias = (student.constants[name] for name in conv.inputs[_COEFFICIENTS])
    groups = len(seen.rows)
    equations = LeastSquares(seen.rows, with_bias=True)
    before, target, start = seen.before, seen.before, pack(weight, bias, groups)
    if seen.behind is not None and behind is not None:
        target = seen.behind
        bends = _bends(student, conv.output, behind, seen)
        if bends is not None:
            student.slopes[behind] = bends.slope
            before = bends.scale[:, None] * before + bends.shift[:, None]
            target = target - bends.offset[:, None]
            start = pack(weight * bends.scale[:, None, None, None], bias * bends.scale + bends.shift, groups)
    found = equations.solve(before, start)
    activation = _region(student, conv.output, behind)
    if seen.behind is not None:
        found = equations.refine(target, found, activation, _STEPS)
    new_weight, new_bias = unpack(found, weight)
    weight.copy_(new_weight)
    if new_bias is not None:
        bias.copy_(new_bias)
    missing = activation(equations.predict(found)) - target
    return Layer(conv.output, float(missing.square().mean(1).sum() / target.var(1).sum().clamp_min(1e-12)))


def _bends(student: Network, before: str, behind: str, seen: _Seen) -> Bends | None:
    """Where one LeakyReLU alone stands for the activation: its slope, and the channels' scales and shifts."""
    alone = any(
        each.output == behind and each.op == "LeakyRelu" and each.inputs[0] == before for each in student.operations
    )
    if not alone or seen.behind is None:
        return None
    every = max(1, seen.before.shape[1] // _POINT_SAMPLES)
    return fit_bends(*quantiles(seen.before[:, ::every], seen.behind[:, ::every]))


def _region(student: Network, before: str, behind: str | None) -> Callable[[Tensor], Tensor]:
    """What the student computes from the map `before` to the map `behind`, on [channels, samples]."""
    if behind is None:
        return lambda z: z
    computed = region(student, before, behind)
    return lambda z: computed(z[None, :, None, :])[0, :, 0]
