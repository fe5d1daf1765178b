"""What a recovery learned, as report.json says it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RecoveryMilestone:
    """The agreement on the held-out images after a stage, `minutes` after the start, `steps` of learning until then;
    `ap` where labels were given.
    """

    stage: str
    minutes: float
    steps: int
    agreement: float
    ap: float | None


@dataclass(frozen=True, slots=True)
class RecoveredLayer:
    """One map behind a replaced activation, by its tensor: mean squared error against the original over the variance,
    on held-out images, as rewritten and as recovered.
    """

    layer: str
    rewritten: float
    recovered: float


@dataclass(frozen=True, slots=True)
class RecoveryReport:
    """The original's activations became `activation` ("leaky", "pwl", "auto"), and its weights were learned anew, from
    `trained_on` images; `agreement` is measured on `held_out` others. `original_ap` and `ap` where labels were given.
    """

    activation: str
    agreement: float
    original_ap: float | None
    ap: float | None
    trained_on: int
    held_out: int
    macs_before: int
    macs_after: int
    milestones: tuple[RecoveryMilestone, ...]
    layers: tuple[RecoveredLayer, ...]
