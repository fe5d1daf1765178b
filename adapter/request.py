"""What the user asks of the main job, in one frozen value."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ..data.preprocess import Preprocess

DEFAULT_THRESHOLD = 0.1

Activation = Literal["pwl", "leaky", "keep", "auto"]


@dataclass(frozen=True, slots=True)
class Request:
    """The main job's options, named as on the command line.

    `out` is the output folder, for paths relative to it (None: `<model name>.icraft` here). `activation` None means:
    keep where the target runs the activation, else pwl. `hinges` counts the terms of the sum, `slope` is the plain
    LeakyReLU's; "auto" must reach `min_agreement` with `max_extra_macs` (a share of the network's own; None: no bound).
    `recover` is the minutes to learn from the original for, 0 for the closed form alone (None: no recovery).
    `max_damage` bounds each head role's relative error (None: the default). `input_shape` replaces dynamic axes.
    `mix_precision` is a CSV of operators' widths, `threshold` the hardware filter's score.
    """

    model: Path
    out: Path | None = None
    target: str = "icraft-v1.1"
    activation: Activation | None = None
    recover: float | None = None
    hinges: int = 4
    slope: float = 0.1
    min_agreement: float = 0.95
    max_extra_macs: float | None = None
    accept_function_change: bool = False
    max_damage: float | None = None
    dry_run: bool = False
    input_shape: tuple[int, ...] | None = None
    calibration: Path | None = None
    preprocess: Preprocess = field(default_factory=Preprocess)
    bits: Literal["8", "16", "auto"] = "8"
    max_16bit_macs: float = 0.2
    mix_precision: Path | None = None
    saturation: Literal["aware", "kld", "ems", "null"] = "aware"
    per: Literal["tensor", "channel"] = "channel"
    threshold: float = DEFAULT_THRESHOLD
    golden: bool = True
    postproc: bool = True
    html: bool = True
