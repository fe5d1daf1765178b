"""A plan under construction: buffers that do not have an address yet, and the operations on them."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ...targets.arithmetic import Arithmetic
from .memory import Placed, placed
from .native import AXES, BORDER, COPY, ROUNDINGS, Operation
from .pack import Finish
from .shapes import Shape

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Step:
    """One operation; `owner` is the layer that its counts belong to, if any.

    `maps` are the output and the inputs, as far as they lie in buffers; `arrays` are what its pointers point to.
    """

    operation: Operation
    owner: str | None
    maps: tuple[Placed | None, ...]
    arrays: tuple[NDArray[Any], ...]


class Steps:
    """Collects steps and the sizes of buffers; `remembered` keeps packed weights from one plan to the next."""

    def __init__(self, arithmetic: Arithmetic, quads: bool, remembered: dict[Hashable, Any]) -> None:
        self.arithmetic = arithmetic
        self.quads = quads
        self.steps: list[Step] = []
        self.sizes: list[int] = []
        self._remembered = remembered

    def remember(self, key: Hashable, make: Callable[[], T]) -> T:
        """What `make` made of that key, now or earlier."""
        if key not in self._remembered:
            self._remembered[key] = make()
        value: T = self._remembered[key]
        return value

    def map(self, shape: Shape, largest: int, size: int, border: Shape = (0, 0, 0, 0)) -> Placed:
        """A new map in a new buffer."""
        made, total = placed(len(self.sizes), shape, largest, size, border)
        self.sizes.append(total)
        return made

    def emit(
        self,
        kind: int,
        output: Placed,
        inputs: Sequence[Placed],
        *,
        owner: str | None = None,
        finish: Finish | None = None,
        arrays: Mapping[str, NDArray[Any]] | None = None,
        **fields: int | Sequence[int],
    ) -> None:
        """Add an operation; `arrays` and `fields` by the names of `Operation`."""
        operation = Operation(kind=kind, stride=(1, 1), border=output.border)
        pointers = dict(arrays or {})
        operation.height, operation.width, operation.channels, *_ = _grid(output)
        for view, each in zip((operation.output, *operation.inputs), (output, *inputs), strict=False):
            *_, view.row, view.pixel = _grid(each)
            view.size = each.size
        if finish is not None:
            pointers["parameters"] = finish.parameters
            operation.padded = finish.parameters.shape[1]
            operation.rounding = ROUNDINGS.index(self.arithmetic.cut_rounding)
            operation.wrap = self.arithmetic.overflow == "wrap"
            for name in ("wide", "one_cut", "first_cut", "accumulator_bits", "bias_bits", "code_max"):
                setattr(operation, name, getattr(finish, name))
        for name, value in fields.items():
            setattr(operation, name, tuple(value) if isinstance(value, Sequence) else value)
        for name, array in pointers.items():
            setattr(operation, name, array.ctypes.data)
        self.steps.append(Step(operation, owner, (output, *inputs), tuple(pointers.values())))

    def border(self, output: Placed) -> None:
        """Zeros around a map whose operations do not write them themselves."""
        if any(output.border):
            self.emit(BORDER, output, [])

    def copy(
        self, shape: Shape, source: Placed | NDArray[Any] | None, steps: Shape, output: Placed, into: Shape
    ) -> None:
        """Elements of `shape`, `steps` bytes apart in `source`, to `output`, there `into` bytes apart.

        None is an int64 array that is given when the plan runs; what exceeds the output's largest code is counted.
        """
        operation = Operation(kind=COPY, code_max=output.largest)
        operation.output.size = output.size
        operation.extent, operation.in_step, operation.out_step = _axes(shape, steps, into)
        operation.inputs[0].size = (
            8 if source is None else source.size if isinstance(source, Placed) else source.itemsize
        )
        if isinstance(source, np.ndarray):
            operation.inputs[0].data = source.ctypes.data
        arrays = (source,) if isinstance(source, np.ndarray) else ()
        self.steps.append(Step(operation, None, (output, source if isinstance(source, Placed) else None), arrays))


def _axes(shape: Shape, steps: Shape, into: Shape) -> tuple[Shape, Shape, Shape]:
    """The axes of a copy, outermost first; but for that one, which threads share, adjoining ones become one."""
    axes: list[tuple[int, int, int]] = []
    for extent, step, to in sorted(zip(shape, steps, into, strict=True), key=lambda axis: -axis[2]):
        if extent == 1:
            continue
        if len(axes) > 1 and axes[-1][1:] == (step * extent, to * extent):
            axes[-1] = (axes[-1][0] * extent, step, to)
        else:
            axes.append((extent, step, to))
    if len(axes) > AXES:
        raise ValueError(f"a copy along {len(axes)} axes")
    axes = [(1, 0, 0)] * (2 - len(axes)) + axes
    axes[1:1] = [(1, 0, 0)] * (AXES - len(axes))
    extents, from_steps, to_steps = zip(*axes, strict=True)
    return extents, from_steps, to_steps


def _grid(each: Placed) -> tuple[int, int, int, int, int]:
    """Height, width, channels, and bytes from row to row and from pixel to pixel, of a map as the kernels walk it."""
    if each.picture:
        _, channels, height, width = each.shape
        return height, width, channels, each.steps[2], each.steps[3]
    last = each.shape[-1]
    return 1, math.prod(each.shape) // last, last, 0, last * each.size
