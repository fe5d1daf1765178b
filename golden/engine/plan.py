"""Some layers as one array of operations in one block of memory: laid out once, run often."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import Executor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..fixed import Codes
from ..program import Layer
from .layout import Extent, lay_out
from .memory import ALIGNMENT, Placed, arrange, c_steps
from .moves import MOVES
from .native import SATURATED, STATE, Operation
from .protocol import Counts, Result
from .steps import Step, Steps
from .sums import SUMS


class Plan:
    """Runs its layers for maps of the shapes `given`, and gives back those that `keep` names.

    Raises ValueError for what the kernels do not do: see `lay_out` and `pack_finish`.
    """

    def __init__(
        self, layers: Sequence[Layer], given: Mapping[str, Extent], keep: Collection[str], steps: Steps
    ) -> None:
        maps = lay_out(layers, given, steps)
        self._given = {name: (len(steps.steps) + index, maps[name]) for index, name in enumerate(given)}
        for _, each in self._given.values():
            steps.copy(each.shape, None, c_steps(each.shape, 8), each, each.steps)
        for _, each in self._given.values():
            steps.border(each)
        for layer in layers:
            _add(layer, maps, steps)
        self._steps = tuple(steps.steps)
        self._sizes = {layer.name: math.prod(maps[layer.name].shape) for layer in layers}
        offsets, total = arrange(steps.sizes, _lives(steps, [maps[name].buffer for name in keep]))
        memory = np.empty(total + ALIGNMENT, np.uint8)
        self._memory = memory[-memory.ctypes.data % ALIGNMENT :]
        self._operations = _addressed(self._steps, offsets, self._memory.ctypes.data)
        self._kept = {name: _array(maps[name], offsets[maps[name].buffer], self._memory) for name in keep}

    def run(self, inputs: Mapping[str, Codes], kernels: ctypes.CDLL, helpers: Executor, threads: int) -> Result:
        """Raises ValueError for another shape than the plan was made for, or codes beyond their map's width."""
        arrays = [np.ascontiguousarray(inputs[name], np.int64) for name in self._given]
        for (name, (index, each)), array in zip(self._given.items(), arrays, strict=True):
            if array.shape != each.shape:
                raise ValueError(f"{name}: shape {array.shape}, not {each.shape}")
            self._operations[index].inputs[0].data = array.ctypes.data
        states = np.zeros((len(self._steps), STATE), np.int64)
        others = [helpers.submit(self._walk, kernels, states, arrays) for _ in range(threads - 1)]
        self._walk(kernels, states, arrays)
        for other in others:
            other.result()
        for name, (index, each) in self._given.items():
            if states[index, SATURATED]:
                raise ValueError(f"{name}: codes beyond {each.largest}")
        return Result({name: array.copy("K") for name, array in self._kept.items()}, self._counts(states))

    def _walk(self, kernels: ctypes.CDLL, states: NDArray[np.int64], _arrays: Sequence[Codes]) -> None:
        """One thread's way through the operations; it holds on to all that they point to."""
        kernels.run(self._operations, ctypes.c_void_p(states.ctypes.data), ctypes.c_int64(len(self._steps)))

    def _counts(self, states: NDArray[np.int64]) -> dict[str, Counts]:
        """Each layer's, over all its operations."""
        seen = {name: np.zeros(STATE - SATURATED, np.int64) for name in self._sizes}
        for step, state in zip(self._steps, states[:, SATURATED:], strict=True):
            if step.owner is not None:
                seen[step.owner] += state
        return {name: Counts(size, *seen[name].tolist()) for name, size in self._sizes.items()}


def _add(layer: Layer, maps: Mapping[str, Placed], steps: Steps) -> None:
    inputs, output, kind = [maps[name] for name in layer.inputs], maps[layer.name], type(layer.operator)
    if kind in SUMS:
        SUMS[kind](steps, layer, layer.operator, inputs, output)
    else:
        MOVES[kind](steps, layer.operator, inputs, output)


def _lives(steps: Steps, kept: Collection[int]) -> list[tuple[int, int]]:
    """The first and the last step that touch each buffer; those of kept maps live to the end."""
    lives = [(len(steps.steps), -1)] * len(steps.sizes)
    for index, step in enumerate(steps.steps):
        for each in step.maps:
            if each is not None:
                first, _ = lives[each.buffer]
                lives[each.buffer] = (min(first, index), index)
    return [(first, len(steps.steps) if buffer in kept else last) for buffer, (first, last) in enumerate(lives)]


def _addressed(steps: Sequence[Step], offsets: Sequence[int], base: int) -> ctypes.Array[Operation]:
    for step in steps:
        views = (step.operation.output, *step.operation.inputs)
        for view, each in zip(views, step.maps, strict=False):
            if each is not None:
                view.data = base + offsets[each.buffer] + each.offset
    return (Operation * len(steps))(*(step.operation for step in steps))


def _array(each: Placed, offset: int, memory: NDArray[np.uint8]) -> NDArray[Any]:
    kind = np.int8 if each.size == 1 else np.int16
    return np.ndarray(each.shape, kind, memory.data, offset + each.offset, each.steps)
