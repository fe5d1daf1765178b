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

    `held_out` None takes every eighth picture of `images`, which no training then sees; `labels` are those of the held
    out pictures (YOLO text files) and are only scored with. `minutes` counts the distillation alone, 0 leaves it out;
    `steps` are exact and make the result the same each time. It starts at the closed form ("solved"), or at the
    original's own weights with its activations bent into the target's slowly ("original"). `bits` None leaves integers
    out; else the last steps are made on codes of that width. `state` is a file that the distillation goes on from where
    it is there, and that is written as it goes. `hinges`, `min_agreement` and `max_extra_macs` as in Request.
    """

    model: Path
    images: Path
    held_out: Path | None = None
    labels: Path | None = None
    activation: Literal["leaky", "pwl", "auto"] = "leaky"
    hinges: int = 2
    min_agreement: float = 0.95
    max_extra_macs: float | None = None
    minutes: float = 10.0
    steps: int | None = None
    start: Literal["solved", "original"] = "solved"
    bits: int | None = None
    seed: int = 0
    html: bool = True
    state: Path | None = None
    target: str = "icraft-v1.1"
    input_shape: tuple[int, ...] | None = None
    preprocess: Preprocess = field(default_factory=Preprocess)


@dataclass(frozen=True, slots=True)
class Milestone:
    """The agreement on the held-out pictures after a stage, with the steps of distillation until then; `ap` where
    labels are given. `seconds` have passed since the rewritten network was there.
    """

    stage: str
    steps: int
    agreement: float
    ap: float | None = None
    seconds: float = field(default=0.0, compare=False)


@dataclass(frozen=True, slots=True)
class LayerError:
    """One map behind a replaced activation: mean squared error over variance on held-out pictures, but for a constant
    in each channel (the next convolution takes it back): of the network as rewritten, and of the recovered one.
    """

    layer: str
    rewritten: float
    recovered: float


@dataclass(frozen=True, slots=True)
class Recovery:
    """`agreement` is that of the network in `artifacts`; `interrupted` where Ctrl-C ended the distillation. `ap` are
    the average precisions of the original and of the recovered network, where labels are given.

    `macs` are the multiply-accumulates of the original and of the recovered network. `failures` say what was asked for
    and not reached.
    """

    activation: str
    agreement: float
    ap: tuple[float, float] | None
    milestones: tuple[Milestone, ...]
    layers: tuple[LayerError, ...]
    macs: tuple[int, int]
    trained_on: int
    held_out: int
    warnings: tuple[str, ...]
    failures: tuple[str, ...]
    interrupted: bool
    artifacts: tuple[Artifact, ...]

    @property
    def network(self) -> bytes:
        """recovered.onnx."""
        return next(each.data for each in self.artifacts if each.path == "recovered.onnx")

    @property
    def measured(self) -> str:
        """The agreement in words."""
        return f"agreement {self.agreement:.4f} with the original on {self.held_out} held-out images"
