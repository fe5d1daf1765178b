"""Everything that one run found out, gathered before it is judged and told."""

from __future__ import annotations

from dataclasses import dataclass

from onnx import ModelProto

from ..rewrites.core.certify import Certified
from ..rewrites.core.run import Applied
from ..targets.types import Target
from .calibrate import Calibration
from .prepare import Prepared
from .report.types import Placement, Verification
from .request import Activation, Request


@dataclass(frozen=True, slots=True)
class Facts:
    """`final` is the adapted network as it will be written. The last three are None where the stage did not run."""

    request: Request
    target: Target
    prepared: Prepared
    mode: Activation
    applied: Applied
    final: ModelProto
    placement: Placement
    calibration: Calibration | None = None
    certified: Certified | None = None
    verification: Verification | None = None

    def anchor(self, tensors: tuple[str, ...]) -> str:
        """The structural name of the first of these tensors that has one; the first tensor's own name else."""
        named = (self.prepared.anchors.get(tensor) for tensor in tensors)
        return next((name for name in named if name), tensors[0] if tensors else "")
