"""What `recover` is asked, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ..data.preprocess import Preprocess
from .artifact import Artifact


@dataclass(frozen=True, slots=True)
class RecoveryRequest:
    """The options of `recover`, named as on the command line.

    `held_out` None takes every eighth picture of `images`, which no training then sees. `minutes` counts the
    distillation alone, 0 leaves it out; `steps` are exact and make the result the same each time. `state` is a file
    that the distillation goes on from where it is there, and that is written as it goes.
    """

    model: Path
    images: Path
    held_out: Path | None = None
    activation: Literal["leaky", "pwl"] = "leaky"
    hinges: int = 2
    minutes: float = 10.0
    steps: int | None = None
    seed: int = 0
    state: Path | None = None
    target: str = "icraft-v1.1"
    input_shape: tuple[int, ...] | None = None
    preprocess: Preprocess = field(default_factory=Preprocess)


@dataclass(frozen=True, slots=True)
class Milestone:
    """The agreement on the held-out pictures after a stage, with the steps of distillation until then."""

    stage: str
    steps: int
    agreement: float


@dataclass(frozen=True, slots=True)
class LayerError:
    """A convolution after the closed form: its map's mean squared error over the map's variance, on training places."""

    layer: str
    error: float


@dataclass(frozen=True, slots=True)
class Recovery:
    """`agreement` is that of the network in `artifacts`; `interrupted` where Ctrl-C ended the distillation.

    `macs` are the multiply-accumulates of the original and of the recovered network.
    """

    agreement: float
    milestones: tuple[Milestone, ...]
    layers: tuple[LayerError, ...]
    macs: tuple[int, int]
    trained_on: int
    held_out: int
    warnings: tuple[str, ...]
    interrupted: bool
    artifacts: tuple[Artifact, ...]
