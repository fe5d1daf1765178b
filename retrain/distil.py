"""Distillation: the rewritten network learns from the original on views of unlabelled pictures.

Two phases. Block by block: each block sees the maps of the student's own blocks before it, and no gradient leaves it.
Then end to end, on the heads most of all. A step moves each channel of each map by a share of its own deviation (see
`optimiser`); the rate falls along a cosine; what counts is the running mean of the constants.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from ..graph.reading import Reading
from .homotopy import Homotopy
from .losses import head_loss, map_loss
from .metric import Metric
from .network import Network, Operation
from .optimiser import Optimiser
from .rounding import Rounding
from .views import Views

_BEFORE_THE_MEAN = 10
_CPU = torch.device("cpu")


@dataclass(frozen=True, slots=True)
class Recipe:
    """How long and how fast. `minutes` of training or, where given, exactly `steps`.

    `rate` is the share of its deviation by which one step moves a channel. `block_share` of the time goes to the phase
    block by block. `bend_share` of the time the original's activations are bent into the target's.
    """

    minutes: float = 10.0
    steps: int | None = None
    batch: int = 3
    rate: float = 0.001
    block_share: float = 0.1
    map_weight: float = 0.2
    keep: float = 0.98
    bend_share: float = 0.0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Moment:
    """After a step: how many there were, the seconds they took, the share of the training that is done, the loss."""

    step: int
    seconds: float
    done: float
    phase: str
    loss: float


@dataclass(slots=True)
class Training:
    """A training in hand; `mean` are the constants that count. The student itself stays as it was.

    `learned` names the constants that are trained: weights and biases of the convolutions. `homotopy` blends the
    activations, `rounding` puts maps and weights on codes; all is computed on `device`.
    """

    teacher: Network
    student: Network
    reading: Reading
    recipe: Recipe
    metrics: Sequence[Metric]
    blocks: tuple[str, ...] = ()
    homotopy: Homotopy | None = None
    rounding: Rounding | None = None
    device: torch.device = _CPU
    step: int = 0
    seconds: float = 0.0
    constants: dict[str, Tensor] = field(init=False)
    mean: dict[str, Tensor] = field(init=False)
    learned: tuple[str, ...] = field(init=False)
    _theirs: dict[str, Tensor] = field(init=False)
    _optimiser: Optimiser = field(init=False)
    _random: Tensor | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        """Copy the student's constants."""
        names = (name for metric in self.metrics for name in (metric.weight, metric.bias))
        self.learned = tuple(dict.fromkeys(names))
        self.constants = {name: _placed(value, self.device) for name, value in self.student.constants.items()}
        self._theirs = {name: value.to(self.device) for name, value in self.teacher.constants.items()}
        self.metrics = [metric.on(self.device) for metric in self.metrics]
        for name in self.learned:
            self.constants[name].requires_grad_()
        self.mean = {name: value.detach().clone() for name, value in self.constants.items()}
        self._optimiser = Optimiser(self.constants, self.metrics)

    def run(self, pictures: Sequence[Tensor]) -> Iterator[Moment]:
        """Train; each step gives a moment. To stop, stop asking. Goes on where `step` and `seconds` stand."""
        views = Views(pictures, self.recipe.seed)
        if self._random is not None:
            views.resume(self._random)
        while (done := self._done()) < 1:
            started = time.monotonic()
            block_wise = done < self.recipe.block_share
            if self.homotopy is not None:
                self.homotopy.share = min(1.0, done / max(self.recipe.bend_share, 1e-9))
            loss = self._loss(views.draw(self.recipe.batch).to(self.device), block_wise)
            self._learn(loss, _rate(done, self.recipe.block_share) * self.recipe.rate)
            self.step += 1
            self._random = views.state()
            self.seconds += time.monotonic() - started
            phase = "block by block" if block_wise else "end to end"
            yield Moment(self.step, self.seconds, self._done(), phase, float(loss.detach()))

    def state(self) -> dict[str, Any]:
        """What a later run needs to go on, for torch.save."""
        return {
            "step": self.step,
            "seconds": self.seconds,
            "constants": {name: self.constants[name].detach() for name in self.learned},
            "mean": {name: self.mean[name] for name in self.learned},
            "optimiser": self._optimiser.state(),
            "random": self._random,
        }

    @torch.no_grad()  # type: ignore[untyped-decorator]
    def resume(self, state: Mapping[str, Any]) -> None:
        """Go on from a state of the same network. Raises KeyError or RuntimeError for another one's."""
        for name in self.learned:
            self.constants[name].copy_(state["constants"][name])
            self.mean[name].copy_(state["mean"][name])
        self._optimiser.resume(state["optimiser"])
        self._random = state["random"]
        self.step, self.seconds = int(state["step"]), float(state["seconds"])

    def _done(self) -> float:
        if self.recipe.steps is not None:
            return self.step / max(self.recipe.steps, 1)
        return min(self.seconds / max(60 * self.recipe.minutes, 1e-9), 1.0)

    def _loss(self, images: Tensor, block_wise: bool) -> Tensor:
        heads, between = self._losses(images, block_wise)
        return heads + (1.0 if block_wise else self.recipe.map_weight) * between

    def _losses(self, images: Tensor, block_wise: bool) -> tuple[Tensor, Tensor]:
        """At the heads and on the blocks' maps. Block by block, a block's map is the end of the gradients behind it."""
        with torch.no_grad():
            truth = self.teacher.run(images, self.blocks, constants=self._theirs)
        found: dict[str, Tensor] = {}
        inner = set(self.blocks)

        def watch(operation: Operation, source: Tensor, value: Tensor) -> Tensor:
            for revise in (self.homotopy, self.rounding):
                value = value if revise is None else revise(operation, source, value)
            if operation.output not in inner:
                return value
            found[operation.output] = value
            return value.detach() if block_wise else value

        constants = self.constants if self.rounding is None else self.rounding.constants(self.constants)
        heads = self.student.run(images, constants=constants, revise=watch)
        losses = [map_loss(truth[name], found[name]) for name in self.blocks]
        between = sum(losses[1:], losses[0]) / len(losses) if losses else torch.zeros(())
        return head_loss(self.reading, truth, heads), between

    def _learn(self, loss: Tensor, rate: float) -> None:
        """One step, and the running mean after it."""
        self._optimiser.clear()
        loss.backward()
        self._optimiser.step(rate)
        keep = min(self.recipe.keep, self.step / (self.step + _BEFORE_THE_MEAN))
        with torch.no_grad():
            for name in self.learned:
                self.mean[name].lerp_(self.constants[name], 1 - keep)


def _placed(value: Tensor, device: torch.device) -> Tensor:
    """A copy, channels last where it is a weight of a convolution: the faster order on a CPU."""
    copy = value.detach().to(device, copy=True)
    return copy.contiguous(memory_format=torch.channels_last) if copy.ndim == 4 else copy


def _rate(done: float, block_share: float) -> float:
    """The rate's share of its maximum: in each phase down along a cosine, after a short rise."""
    start, length = (0.0, block_share) if done < block_share else (block_share, 1 - block_share)
    inside = (done - start) / max(length, 1e-9)
    return min(1.0, (inside + 0.01) / 0.05) * (0.02 + 0.98 * (1 + math.cos(math.pi * inside)) / 2)


def block_ends(network: Network) -> tuple[str, ...]:
    """Where a block ends: the first activation or convolution behind each concatenation."""
    joined = {each.output for each in network.operations if each.op == "Concat"}
    return tuple(each.output for each in network.convolutions if each.inputs[0] in joined)
