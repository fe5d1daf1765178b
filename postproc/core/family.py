"""What a family of networks is: it proposes a reading from provenance and shapes, proves it, and decodes raw heads."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto

from ... import postproc
from ...data.detections import EVALUATION_IOU, Detections, nms
from ...errors import AdaptError, Decline, Exit
from ...graph.model import Model
from ...graph.reading import Reading
from .foreign import Foreign

Maps = Mapping[str, NDArray[np.float32]]


class Family(Protocol):
    """One family a file in postproc/, as FAMILY. Maps are float32 [1, c, h, w], keyed by the reading's tensor names."""

    name: str

    def recognise(self, model: Model, original: ModelProto) -> Reading:
        """The one reading that holds, proposed on the normalised model, proven on the original; declines else."""

    def decode(self, reading: Reading, maps: Maps, score: float) -> Detections:
        """Boxes (xyxy, input pixels), scores and classes of every cell above `score`, before suppression."""


@cache
def families() -> tuple[Family, ...]:
    """The FAMILY of every module of postproc/ that has one; sorted by module name."""
    return tuple(module.FAMILY for module in _modules() if hasattr(module, "FAMILY"))


@cache
def foreign_kinds() -> tuple[Foreign, ...]:
    """The FOREIGN of every module of postproc/ that has one; sorted by module name."""
    return tuple(module.FOREIGN for module in _modules() if hasattr(module, "FOREIGN"))


def _modules() -> list[ModuleType]:
    """Every module of postproc/ holds a FAMILY or a FOREIGN; raises TypeError for one that holds neither."""
    names = sorted(info.name for info in iter_modules(postproc.__path__) if not info.ispkg)
    modules = [import_module(f"{postproc.__name__}.{name}") for name in names]
    for module in modules:
        if not (hasattr(module, "FAMILY") or hasattr(module, "FOREIGN")):
            raise TypeError(f"{module.__name__} must define FAMILY or FOREIGN")
    return modules


def family_of(reading: Reading) -> Family:
    """The family that gave a reading."""
    return next(family for family in families() if family.name == reading.family)


def detections(reading: Reading, maps: Maps, score: float) -> Detections:
    """Boxes above `score` in input pixels, suppressed at YOLOX's evaluation IoU; `maps` as `Family.decode` has them."""
    return nms(family_of(reading).decode(reading, maps, score), EVALUATION_IOU)


def recognise(model: Model, original: ModelProto) -> Reading:
    """The first family's reading that is proven.

    Raises AdaptError (exit 3) where none is: what the network is instead, if it is of a known kind, else each family's
    reason.
    """
    reasons: list[str] = []
    for family in families():
        try:
            return family.recognise(model, original)
        except Decline as decline:
            reasons.append(f"as {family.name}, {decline.reason}")
    for kind in foreign_kinds():
        with suppress(Decline):
            if found := kind.diagnose(model):
                raise AdaptError(found, where=model.name, hint=kind.advice, code=Exit.UNSUPPORTED)
    raise AdaptError(
        f"no detector that is known here: {'; '.join(reasons)}",
        where=model.name,
        hint="YOLOX and ByteTrack networks are, exported with their standard head and without further post-processing",
        code=Exit.UNSUPPORTED,
    )
