"""A rewritten network and its teacher, with numpy at the door: what the journey calls."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from onnx import ModelProto
from torch import Tensor

from ..errors import AdaptError
from ..graph.reading import Reading
from .closed_form import Layer, reconstruct
from .distil import Moment, Recipe, Training, block_ends
from .homotopy import Homotopy
from .losses import map_loss
from .metric import measure
from .network import Network, Operation, network_of, renewed
from .rounding import Grid, Rounding

Inputs = Sequence[NDArray[np.float32]]
Maps = Mapping[str, NDArray[np.float32]]
Codes = tuple[NDArray[np.float64], int]

_MOST_BYTES = 3 << 30  # of maps that the closed form holds at once
_ALIVE = 10  # maps as large as the largest that two networks hold at a time
_MOST_PICTURES, _METRIC_PICTURES = 32, 16


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All constants by name, and the slopes of the LeakyReLUs by their outputs."""

    constants: Mapping[str, Tensor]
    slopes: Mapping[str, float]


class Pupil:
    """Learns from `inputs` [1, c, h, w]. `teacher` and `student` end at the raw heads that `reading` names.

    Raises AdaptError (exit 3) where torch lacks an operator or computes another network than ONNX Runtime on `probe`.
    """

    def __init__(
        self,
        teacher: ModelProto,
        student: ModelProto,
        activations: Mapping[str, str],
        reading: Reading,
        inputs: Inputs,
        probe: NDArray[np.float32],
    ) -> None:
        self._teacher, self._student = network_of(teacher, probe), network_of(student, probe)
        self._activations, self._reading = activations, reading
        self._pictures = [_placed(each) for each in inputs]
        self._training: Training | None = None
        self._rounding: Rounding | None = None

    def reconstruct(self, seed: int) -> Iterator[Layer]:
        """The closed form, layer by layer; it is done when the iterator is."""
        pictures = self._pictures[:: self._every(_MOST_PICTURES)]
        room = max(2, _MOST_BYTES // (_ALIVE * _largest_map(self._teacher, pictures[0])))
        yield from reconstruct(self._teacher, self._student, self._activations, self._reading, pictures[:room], seed)

    def train(self, recipe: Recipe, state: Path | None) -> Iterator[Moment]:
        """Distil; each step gives a moment. Goes on from the file `state` where it is there."""
        held = _load(state) if state is not None and state.is_file() else None
        if held is not None:
            self._take(held["student"], held["slopes"], str(state))
        metrics = measure(self._student, self._pictures[:: self._every(_METRIC_PICTURES)], recipe.seed)
        training = Training(
            self._teacher,
            self._student,
            self._reading,
            recipe,
            metrics,
            block_ends(self._student),
            Homotopy(self._teacher, self._activations) if recipe.bend_share else None,
            self._rounding,
            torch.device("cuda" if torch.cuda.is_available() else "cpu"),
        )
        if held is not None:
            training.resume(held["training"])
        self._training = training
        yield from training.run(self._pictures)

    def save(self, state: Path) -> None:
        """Write where the training stands; a kill leaves the old file or the new one."""
        if self._training is None:
            return
        held = {"student": self._student.constants, "slopes": self._student.slopes, "training": self._training.state()}
        draft = state.with_name(f".{state.name}.tmp-{os.getpid()}")
        torch.save(held, draft)
        os.replace(draft, state)

    @torch.no_grad()  # type: ignore[untyped-decorator]
    def heads(self, inputs: Inputs) -> list[Maps]:
        """The student's raw heads as it is now: with the running means in a training, on codes where it is rounded."""
        constants, rounding = self.snapshot().constants, self._rounding
        if rounding is not None:
            constants = rounding.constants(constants)
        return [_arrays(self._student.run(_placed(each), constants=constants, revise=rounding)) for each in inputs]

    def round_to(self, maps: Mapping[str, Codes], weights: Mapping[str, Codes]) -> None:
        """From now on heads and training are those of a network on codes: (step float [c], largest code) by map and by
        convolution, of its weights.
        """
        names = {each.output: each.inputs[1] for each in self._student.convolutions}
        grids = [
            {name: Grid(torch.from_numpy(step).float(), most) for name, (step, most) in held.items()}
            for held in (maps, {names[conv]: codes for conv, codes in weights.items()})
        ]
        self._rounding = Rounding(*grids)

    @torch.no_grad()  # type: ignore[untyped-decorator]
    def errors(self, inputs: Inputs) -> dict[str, float]:
        """By the map behind each replaced activation: the squared error over the variance, in the mean of the inputs,
        but for a constant in each channel.
        """
        names = tuple(self._activations.values())
        total = dict.fromkeys(names, 0.0)
        for picture in map(_placed, inputs):
            wanted = self._teacher.run(picture, names)
            found = self._student.run(picture, names)
            for name in names:
                total[name] += float(map_loss(wanted[name], found[name])) / len(inputs)
        return total

    def snapshot(self) -> Snapshot:
        """The network as it is now, to come back to."""
        constants = self._training.mean if self._training is not None else self._student.constants
        held = {name: value.detach().cpu().clone() for name, value in constants.items()}
        return Snapshot(held, dict(self._student.slopes))

    def restore(self, snapshot: Snapshot) -> None:
        """Be as then, in floats; a training ends."""
        self._training = self._rounding = None
        self._student.constants.update(snapshot.constants)
        self._student.slopes.update(snapshot.slopes)

    def model(self, whole: ModelProto) -> ModelProto:
        """`whole`, of which the student is a part, with the student's constants and slopes."""
        names = (name for each in self._student.convolutions for name in each.inputs[1:] if name)
        return renewed(whole, self._student, dict.fromkeys(names))

    def _every(self, most: int) -> int:
        return -(-len(self._pictures) // most)

    def _take(self, constants: Mapping[str, Tensor], slopes: Mapping[str, float], where: str) -> None:
        mine = {name: value.shape for name, value in self._student.constants.items()}
        if mine != {name: value.shape for name, value in constants.items()} or set(slopes) != set(self._student.slopes):
            raise AdaptError("the state of another network", where=where, hint="remove it, or name another --state")
        self._student.constants.update(constants)
        self._student.slopes.update(slopes)


def _placed(picture: NDArray[np.float32]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(picture)).contiguous(memory_format=torch.channels_last)


def _arrays(maps: Mapping[str, Tensor]) -> Maps:
    return {name: value.contiguous().numpy() for name, value in maps.items()}


def _load(state: Path) -> dict[str, Any]:
    try:
        held: dict[str, Any] = torch.load(state, map_location="cpu", weights_only=True)
    except Exception as error:
        raise AdaptError("not the state of a recovery", where=str(state), hint="remove it") from error
    if set(held) != {"student", "slopes", "training"}:
        raise AdaptError("not the state of a recovery", where=str(state), hint="remove it")
    return held


@torch.no_grad()  # type: ignore[untyped-decorator]
def _largest_map(network: Network, picture: Tensor) -> int:
    """Bytes of the largest map of one picture."""
    largest = int(picture.nbytes)

    def watch(_: Operation, __: Tensor, value: Tensor) -> Tensor:
        nonlocal largest
        largest = max(largest, int(value.nbytes))
        return value

    network.run(picture, revise=watch)
    return largest
