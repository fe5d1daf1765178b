"""Everything that one run found out, gathered before it is judged and told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from onnx import ModelProto

from ..rewrites.core.certify import Certified
from ..rewrites.core.run import Applied
from ..targets.types import Target
from .calibrate import Calibration
from .mixture.types import Mixture
from .place import Located, placement
from .prepare import Prepared
from .recover_types import Recovery
from .report.types import Placement, Verification
from .request import Activation, Request
from .simulation_types import Simulation


@dataclass(frozen=True, slots=True)
class Facts:
    """`final` is the adapted network as it will be written; `located` says where each of its nodes runs and `macs` how
    much it multiplies, by the node's first output. The last six are None where the stage did not run. After a recovery
    `prepared` is that of the recovered network.
    """

    request: Request
    target: Target
    prepared: Prepared
    mode: Activation
    applied: Applied
    final: ModelProto
    located: Mapping[str, Located]
    macs: Mapping[str, int]
    calibration: Calibration | None = None
    certified: Certified | None = None
    verification: Verification | None = None
    simulation: Simulation | None = None
    mixture: Mixture | None = None
    recovery: Recovery | None = None

    @property
    def placement(self) -> Placement:
        """How many nodes run where, and those that run nowhere."""
        return placement(self.located)

    def anchor(self, tensors: tuple[str, ...]) -> str:
        """The structural name of the first of these tensors that has one; the first tensor's own name else."""
        named = (self.prepared.anchors.get(tensor) for tensor in tensors)
        return next((name for name in named if name), tensors[0] if tensors else "")
