"""What each map of the float network looks like: a sample of its values a channel, streamed from images.

The images are passed through once, in memory that does not grow with their number. Only maps that can't be computed
from another one cell by cell are recorded; the branches of an activation are worked out from its input when asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto

from ..errors import AdaptError, Exit
from ..graph.session import Session, with_outputs
from .network import Curve, FloatLayer, Linear, Network, Product, Sum
from .program import NearestUpsample, Rectify

CELLS = 2048  # kept of each map, over all images
_UNITS = 4  # whose maps are kept once they are worked out
Values = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Samples:
    """Values float32 [c, s] of every recorded map; columns are cells, the last two the channel's extremes."""

    network: Network
    recorded: Mapping[str, Values]
    roots: Mapping[str, str]
    _units: dict[str, dict[str, Values]] = field(default_factory=dict, repr=False, compare=False)

    def of(self, name: str, override: Mapping[str, Values] | None = None, columns: slice = slice(None)) -> Values:
        """The map's values in these columns; `override` holds other values for maps on the way."""
        moved: dict[str, Values | None] = dict(override or {})  # None: what the override does not reach

        def reached(map_name: str) -> Values | None:
            if map_name not in moved:
                layer = self.network.layer(map_name)
                inputs = [] if map_name in self.recorded or layer is None else [reached(each) for each in layer.inputs]
                if layer is None or all(each is None for each in inputs):
                    moved[map_name] = None
                else:
                    pairs = zip(inputs, layer.inputs, strict=True)
                    moved[map_name] = pointwise(
                        layer, [self._of(each)[:, columns] if x is None else x for x, each in pairs]
                    )
            return moved[map_name]

        values = reached(name) if moved else None
        return self._of(name)[:, columns] if values is None else values

    def _of(self, name: str) -> Values:
        """All columns. What is worked out is kept for the units asked for last, since layers ask in their order."""
        layer = self.network.layer(name)
        if name in self.recorded or layer is None:
            return self.recorded[name]
        root = self.roots[name]
        unit = self._units.pop(root, {})
        self._units[root] = unit
        while len(self._units) > _UNITS:
            del self._units[next(iter(self._units))]
        if name not in unit:
            unit[name] = pointwise(layer, [self._of(each) for each in layer.inputs])
        return unit[name]

    def offspring(self, name: str) -> str:
        """The map that the values of this one end up in without any other operator between: an activation's output.

        The map itself where its offspring is read in several places.
        """
        root = self.roots[name]
        family = {each for each, of in self.roots.items() if of == root}
        readers = self.network.readers()
        last = [
            each
            for each in family
            if each in self.network.outputs or any(reader.name not in family for reader in readers[each])
        ]
        return last[0] if len(last) == 1 else name


def pointwise(layer: FloatLayer, inputs: Sequence[Values]) -> Values:
    """A layer whose cells depend on the same cells of its inputs only, on values [c, s]."""
    operator = layer.operator
    if isinstance(operator, Linear):
        factor = operator.weight.reshape(-1, 1).astype(np.float32)
        y = inputs[0] * factor + operator.bias.reshape(-1, 1).astype(np.float32)
        return y if operator.slope == 1 else np.where(y >= 0, y, y * np.float32(operator.slope))
    if isinstance(operator, Sum):
        return inputs[0] + inputs[1]
    if isinstance(operator, Product):
        return inputs[0] * inputs[1]
    if isinstance(operator, Curve):
        return operator.function(inputs[0].astype(np.float64)).astype(np.float32)
    if isinstance(operator, Rectify):
        return np.maximum(inputs[0], 0)
    return inputs[0]  # NearestUpsample: the same values, more often


def roots(network: Network) -> dict[str, str]:
    """For each map the recorded map that it can be worked out from: itself where it has to be recorded."""
    found = {network.input: network.input}
    for layer in network.layers:
        sources = {found[name] for name in layer.inputs}
        found[layer.name] = sources.pop() if _is_pointwise(layer) and len(sources) == 1 else layer.name
    return found


def _is_pointwise(layer: FloatLayer) -> bool:
    operator = layer.operator
    if isinstance(operator, Linear):
        return operator.is_pointwise
    return isinstance(operator, Sum | Product | Curve | Rectify | NearestUpsample)


class SampleBuilder:
    """Collects samples over a stream of `count` images; which cells is a matter of their number alone."""

    def __init__(self, maps: Iterable[str], count: int) -> None:
        self._kept: dict[str, list[Values]] = {name: [] for name in maps}
        self._extremes: dict[str, Values] = {}
        self._wanted = -(-CELLS // max(count, 1))
        self._every = max(count // CELLS, 1)
        self._seen = 0

    def add(self, results: Mapping[str, Values]) -> None:
        """One image's maps, float32 [1, c, ...], by name. Raises AdaptError (exit 3) where one is not finite."""
        for name, chosen in self._kept.items():
            cells = results[name].reshape(results[name].shape[1], -1)
            low, high = cells.min(axis=1), cells.max(axis=1)
            if not (np.isfinite(low).all() and np.isfinite(high).all()):
                raise AdaptError(
                    "the network computes values that are not finite",
                    where=name,
                    hint="check the preprocessing, and the weights for overflow",
                    code=Exit.UNSUPPORTED,
                )
            if name in self._extremes:
                low = np.minimum(low, self._extremes[name][:, 0])
                high = np.maximum(high, self._extremes[name][:, 1])
            self._extremes[name] = np.stack([low, high], axis=1)
            if self._seen % self._every == 0:
                chosen.append(cells[:, _positions(cells.shape[1], self._wanted, self._seen)])
        self._seen += 1

    def recorded(self) -> dict[str, Values]:
        """Float32 [c, s] by name: the cells kept, then two columns of extremes."""
        return {name: np.concatenate([*kept, self._extremes[name]], axis=1) for name, kept in self._kept.items()}


def collect(model: ModelProto, network: Network, images: Iterable[Values], count: int) -> Samples:
    """Run the float model on `count` images (float32 [1, c, h, w]) and keep CELLS cells of each map in all."""
    origins = roots(network)
    taps = [name for name in dict.fromkeys(origins.values()) if name != network.input]
    session = Session(with_outputs(model, taps))
    builder = SampleBuilder((network.input, *taps), count)
    for tensor in images:
        builder.add({network.input: tensor, **session.run({network.input: tensor})})
    return Samples(network, builder.recorded(), origins)


def _positions(cells: int, wanted: int, index: int) -> NDArray[np.int64]:
    """Evenly spread cells, other ones in each image."""
    wanted = min(wanted, cells)
    first = int(cells / wanted * ((index * 0.6180339887498949) % 1.0))  # the golden ratio spreads the starts
    return (first + np.arange(wanted) * cells // wanted) % cells
