"""Layer by layer: what a rewrite costs and what the integers cost, in columns of their own.

`adapted` compares the original's float map with the adapted network's, `accumulated` the latter with the integers as
they come out of the whole integer network, `single` with what this one layer makes of float inputs.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .engine.protocol import Counts, Engine, decode_map, encode_image
from .figures import FigureBuilder, Figures
from .fixed import to_codes
from .program import Layer, Program

Values = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class LayerFigures:
    """One layer; `adapted` is None where the original has no such map."""

    name: str
    op: str
    bits: int
    adapted: Figures | None
    accumulated: Figures
    single: Figures
    counts: Counts


class LayerComparison:
    """Runs the integer network beside the float ones, image by image."""

    def __init__(self, program: Program, engine: Engine) -> None:
        self._program, self._engine = program, engine
        self._formats = program.formats()
        self._builders = {layer.name: (FigureBuilder(), FigureBuilder(), FigureBuilder()) for layer in program.layers}
        self._counts: dict[str, Counts] = {}
        self._traced: set[str] = set()

    def add(
        self,
        image: Values,
        adapted: Mapping[str, Values],
        original: Mapping[str, Values],
        only: Collection[str] | None = None,
    ) -> None:
        """One image [1, c, h, w] with the float maps of both networks by the adapted network's names.

        `adapted` holds every layer with its inputs, `original` those that it has; `only` names the layers to compare
        this time, so that not all maps need be in memory at once (None: all).
        """
        source = self._program.input
        codes = encode_image(image, source, self._program.code_max(source.format.bits))
        layers = [layer for layer in self._program.layers if only is None or layer.name in only]
        result = self._engine.run(codes, keep=[layer.name for layer in layers])
        floats = {source.name: image, **adapted}
        for layer in layers:
            before, accumulated, single = self._builders[layer.name]
            normratios = self._formats[layer.name].normratios
            accumulated.add(adapted[layer.name], decode_map(result.maps[layer.name], normratios))
            single.add(adapted[layer.name], decode_map(self._alone(layer, floats), normratios))
            if layer.name in original:
                self._traced.add(layer.name)
                before.add(original[layer.name], adapted[layer.name])
            counts = result.counts[layer.name]
            self._counts[layer.name] = self._counts[layer.name] + counts if layer.name in self._counts else counts

    def _alone(self, layer: Layer, floats: Mapping[str, Values]) -> NDArray[np.int64]:
        """The layer's codes from float inputs, each in its own format."""
        inputs = {}
        for name in layer.inputs:
            if name == self._program.input.name:
                image = self._program.input
                inputs[name] = encode_image(floats[name], image, self._program.code_max(image.format.bits))
                continue
            form = self._formats[name]
            shape = (1, -1) + (1,) * (floats[name].ndim - 2)
            inputs[name] = to_codes(floats[name], form.normratios.reshape(shape), self._program.code_max(form.bits))
        codes, _ = self._engine.run_layer(layer.name, inputs)
        return codes

    def figures(self) -> tuple[LayerFigures, ...]:
        """All layers in order."""
        found = []
        for layer in self._program.layers:
            before, accumulated, single = self._builders[layer.name]
            found.append(
                LayerFigures(
                    layer.name,
                    layer.source,
                    self._formats[layer.name].bits,
                    before.figures() if layer.name in self._traced else None,
                    accumulated.figures(),
                    single.figures(),
                    self._counts[layer.name],
                )
            )
        return tuple(found)
