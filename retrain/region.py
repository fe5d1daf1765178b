"""What a network computes from one of its maps to another."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from .network import Network, inputs_of


def region(network: Network, before: str, behind: str) -> Callable[[Tensor], Tensor]:
    """From values of the map `before` [n, c, h, w] to those of `behind`, which only `before` and constants lead to."""
    inside, operations = {before}, []
    for each in network.operations:
        if any(name in inside for name in each.inputs) and all(
            name in inside or name in network.constants or not name for name in each.inputs
        ):
            inside.add(each.output)
            operations.append(each)
            if each.output == behind:
                break

    def computed(z: Tensor) -> Tensor:
        values = {before: z}
        for each in operations:
            values[each.output] = network.compute(each, inputs_of(each, values, network.constants))
        return values[behind]

    return computed
