"""From the float network and what its maps look like to a program in integers."""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np

from ..targets.arithmetic import Arithmetic
from .convolutions import Surroundings, convolution, relative_error
from .elementwise import elementwise
from .formats import KEEPING, chosen, input_format, moved
from .network import FloatLayer, Linear, Network, Sum
from .program import Layer, MapFormat, Program
from .samples import Samples
from .settings import Image, Settings

_KEPT_PROGRAMS = 2  # whose layers are at hand: weights take much memory
_HALVINGS = 9  # a 16-bit map at most this much coarser than it could be, less one


def quantise(
    network: Network, samples: Samples, arithmetic: Arithmetic, settings: Settings, image: Image | None = None
) -> Program:
    """The program; `image` None: the input is no picture, and its range is that of the samples."""
    return Quantiser(network, samples, arithmetic, image).program(settings)


class Quantiser:
    """Makes programs of one network under different settings; what two settings have in common is made once."""

    def __init__(self, network: Network, samples: Samples, arithmetic: Arithmetic, image: Image | None = None) -> None:
        self.network = network
        self._samples, self._arithmetic, self._image = samples, arithmetic, image
        self._chosen: dict[Hashable, MapFormat] = {}
        self._errors: dict[Hashable, float] = {}
        self._layers: dict[Hashable, Layer] = {}

    def program(self, settings: Settings) -> Program:
        """The program under these settings."""
        network = self.network
        source = input_format(network, self._samples, self._arithmetic, settings, self._image)
        formats = {source.name: source.format}
        for layer in network.layers:
            keeping = isinstance(layer.operator, KEEPING)
            formats[layer.name] = moved(layer, formats) if keeping else self._format(layer, settings)
        around = Surroundings(network, self._samples, self._arithmetic, settings, formats, source.shift)
        for layer in network.layers:
            if formats[layer.name].bits > 8 and not isinstance(layer.operator, KEEPING):
                self._coarsen(layer, around, formats)
        layers = tuple(self._layer(layer, around) for layer in network.layers)
        return Program(source, layers, network.outputs, self._arithmetic)

    def _format(self, layer: FloatLayer, settings: Settings) -> MapFormat:
        key = (layer.name, settings.bits_of(layer.name), settings.saturation, id(settings.effects.get(layer.name)))
        if key not in self._chosen:
            self._chosen[key] = chosen(layer, self._samples, self._arithmetic, settings)
        return self._chosen[key]

    def _layer(self, layer: FloatLayer, around: Surroundings) -> Layer:
        key = _key(layer, around)
        made = self._layers.pop(key, None)
        if made is None:
            if isinstance(layer.operator, Linear):
                operator = convolution(layer, layer.operator, around)
            else:
                operator = elementwise(layer, around.formats, around.arithmetic)  # type: ignore[assignment]
            made = Layer(layer.name, layer.inputs, operator, around.formats[layer.name], layer.source)
        self._layers[key] = made
        while len(self._layers) > _KEPT_PROGRAMS * len(self.network.layers):
            del self._layers[next(iter(self._layers))]
        return made

    def _coarsen(self, layer: FloatLayer, around: Surroundings, formats: dict[str, MapFormat]) -> None:
        """A 16-bit map may be too fine for an 8-bit reader, whose registers shift less: take the best step."""
        narrow = [reader for reader in self.network.reached(layer.name, KEEPING) if formats[reader.name].bits == 8]
        readers = [reader for reader in narrow if isinstance(reader.operator, Linear | Sum)]
        if not readers:
            return
        finest, errors = formats[layer.name], []
        for halvings in range(_HALVINGS):
            _set(layer, MapFormat(finest.bits, finest.normratios * 2.0**halvings), self.network, formats)
            errors.append(sum(self._error(reader, around) for reader in readers))
        best = int(np.argmin(errors))
        _set(layer, MapFormat(finest.bits, finest.normratios * 2.0**best), self.network, formats)

    def _error(self, layer: FloatLayer, around: Surroundings) -> float:
        key = _key(layer, around)
        if key not in self._errors:
            self._errors[key] = relative_error(layer, around)
        return self._errors[key]


def _key(layer: FloatLayer, around: Surroundings) -> Hashable:
    """All that a layer's integers depend on."""
    forms = [around.formats[name] for name in (layer.name, *layer.inputs)]
    return layer.name, around.settings.per, tuple((form.bits, form.normratios.tobytes()) for form in forms)


def _set(layer: FloatLayer, form: MapFormat, network: Network, formats: dict[str, MapFormat]) -> None:
    """Give a map another format, and the same to what only moves its codes."""
    formats[layer.name] = form
    waiting = [layer.name]
    while waiting:
        for reader in network.readers()[waiting.pop()]:
            if isinstance(reader.operator, KEEPING):
                formats[reader.name] = moved(reader, formats)
                waiting.append(reader.name)
