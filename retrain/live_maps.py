"""One network's maps for several pictures at once, computed node by node and let go once nothing needs them."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from .network import Network, Operation, inputs_of


class LiveMaps:
    """`pictures` are inputs [1, c, h, w]. Between two steps the constants of the network may change."""

    def __init__(self, network: Network, pictures: Sequence[Tensor]) -> None:
        self._network = network
        self._values = [{network.input: picture} for picture in pictures]
        self._spent = network.spent(network.outputs)
        self._next = 0

    def __getitem__(self, name: str) -> list[Tensor]:
        """A map of every picture. Raises KeyError where it is not computed yet, or is gone."""
        return [values[name] for values in self._values]

    def step(self) -> Operation:
        """Compute the next operation for every picture."""
        operation = self._network.operations[self._next]
        for values in self._values:
            inputs = inputs_of(operation, values, self._network.constants)
            values[operation.output] = self._network.compute(operation, inputs)
        for name in self._spent[self._next]:
            for values in self._values:
                del values[name]
        self._next += 1
        return operation

    def advance(self, name: str) -> list[Tensor]:
        """Go on until this map is computed. Raises KeyError where it never will be."""
        while name not in self._values[0]:
            if self._next == len(self._network.operations):
                raise KeyError(name)
            self.step()
        return self[name]
