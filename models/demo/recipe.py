"""How the demo network is trained, as numbers; no torch."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to train: steps of `films` films with two frames each; rates are AdamW's."""

    steps: int = 5000
    films: int = 8
    seed: int = 0
    rate: float = 2e-3
    decay: float = 0.02
    warm_up: int = 200
    keep: float = 0.998  # of the running mean of the weights at each step
    distance: float = 0.25  # the last share of the steps, with the boxes' plain distance in the loss

    def rate_at(self, step: int) -> float:
        """Linear from 0 over the warm-up, then a half cosine down to a fiftieth."""
        if step < self.warm_up:
            return self.rate * (step + 1) / self.warm_up
        way = (step - self.warm_up) / max(self.steps - self.warm_up, 1)
        return self.rate * (0.02 + 0.98 * (1 + math.cos(math.pi * way)) / 2)
