"""A file through the main job: the kept network against torch's own heads, the approximated one by its damage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto

from icraft_adapt.adapter.heads import damage_by_role
from icraft_adapt.adapter.outcome import Outcome
from icraft_adapt.adapter.pipeline import adapt
from icraft_adapt.adapter.request import Request
from icraft_adapt.errors import AdaptError
from icraft_adapt.graph.session import Session
from icraft_adapt.models.matrix import Cell, Subject, cells, produced, raw_heads

KEPT, APPROXIMATED = "icraft-v3-buyi", "icraft-v1.1"

_Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Judged:
    """`refusal` is the line that says why there is no network; empty where both targets got one.

    `error`: the kept network against torch, largest difference over the role's spread in torch's map, worst head.
    `damage`: the approximated network on the probe, root mean square difference over the deviation, worst by role.
    """

    refusal: str
    error: float = np.inf
    damage: Mapping[str, float] = field(default_factory=dict)


def judged_cell(cell: Cell, *, both: bool = True) -> Judged:
    """The cell's file, judged; the kept network alone unless `both`. UnavailableError where there is no such file."""
    shape = cell.export.subject.shape if cell.export.dynamic_batch else None
    plain = partial(Request, input_shape=shape, golden=False, postproc=False, html=False)
    with TemporaryDirectory() as folder:
        file = Path(folder, "net.onnx")
        file.write_bytes(produced(cell))
        try:
            made = [adapt(plain(file, target=name)) for name in (KEPT, APPROXIMATED)[: 1 + both]]
        except AdaptError as error:
            return Judged(str(error).removeprefix(f"{file}: "))
    for outcome in made:
        if outcome.exit_code or outcome.report.verify is None:
            return Judged(outcome.verdict)
    damages = [damage_by_role(outcome.report.verify) for outcome in made[1:] if outcome.report.verify is not None]
    return Judged("", head_error(cell.export.subject, made[0]), damages[0] if both else {})


def head_error(subject: Subject, outcome: Outcome) -> float:
    """The adapted file on other noise than the pipeline's own, against torch: worst head, over the role's spread."""
    images, truth = _truth(subject)
    adapted = Session(ModelProto.FromString(outcome.artifacts[0].data))
    heads = adapted.run({adapted.inputs[0]: images})
    assert heads.keys() == truth.keys()
    return max(float(np.abs(heads[name] - true).max() / np.ptp(true)) for name, true in truth.items())


@lru_cache
def _truth(subject: Subject) -> tuple[_Array, dict[str, _Array]]:
    images = 255 * np.random.default_rng(11).random(subject.shape, dtype=np.float32)
    return images, raw_heads(subject, images)


@lru_cache
def reference_damage(subject: Subject) -> Mapping[str, float]:
    """The damage of the subject's first cell, a plain TorchScript export."""
    return judged_cell(next(cell for cell in cells() if cell.export.subject == subject)).damage
