"""The report as frozen values: what report.json says, field by field (docs/report.schema.json is its contract).

A field of a stage that did not run is None here and absent in the file, never zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ...data.matching import Matching
from ...golden.figures import Figures
from .mixture_types import MixtureReport
from .recovery_types import RecoveryReport

CertificateName = Literal["exact", "rounding", "approximate", "function-changing"]


@dataclass(frozen=True, slots=True)
class InputInfo:
    """One graph input: its name and static NCHW shape."""

    name: str
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """The original: file stem, SHA-256 of the file, opset, inputs and the exporter's name and version."""

    name: str
    sha256: str
    opset: int
    inputs: tuple[InputInfo, ...]
    producer: str


@dataclass(frozen=True, slots=True)
class TargetInfo:
    """The target's name and every unknown it assumes, one sentence each."""

    name: str
    assumptions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rewrite:
    """One applied rule at one anchor with what its certificate measured.

    `max_abs` is the largest absolute difference at the site, `max_rel` the same over the tensor's spread (for
    "approximate" and "function-changing": the rule's own metric). `nodes` are the original nodes it replaced.
    """

    rule: str
    certificate: CertificateName
    anchor: str
    nodes: tuple[str, ...]
    max_abs: float | None
    max_rel: float | None


@dataclass(frozen=True, slots=True)
class Declined:
    """A near miss: the rule, the first node that stopped it, and why."""

    rule: str
    node: str
    reason: str


@dataclass(frozen=True, slots=True)
class Refused:
    """A node that the target runs neither on the NPU nor on its CPU, with the limit's own sentence."""

    node: str
    op: str
    reason: str


@dataclass(frozen=True, slots=True)
class Placement:
    """How many nodes run on the NPU and on the target's CPU, and those that run nowhere."""

    npu: int
    cpu: int
    refused: tuple[Refused, ...]


@dataclass(frozen=True, slots=True)
class ActivationFit:
    """One activation and what became of it. `source` and `to` are names ("silu", "pwl4", "leaky", "silu" if kept).

    `parameters` are the terms' numbers, `error` the fit's root mean square error over the layer's histogram (or the
    global range) divided by the activation's standard deviation there.
    """

    anchor: str
    source: str
    to: str
    parameters: tuple[float, ...]
    error: float


@dataclass(frozen=True, slots=True)
class Head:
    """One detection level: stride, grid (h, w), class count, and the names of the adapted model's outputs."""

    stride: int
    grid: tuple[int, int]
    classes: int
    obj: str
    reg: str
    cls: str
    extra: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReadingInfo:
    """What the proof established: the family, whether the graph held the sigmoid and the decode, the worst error."""

    family: str
    sigmoid_inside: bool
    decoded_inside: bool
    proof_max_abs: float


@dataclass(frozen=True, slots=True)
class HeadError:
    """Original against adapted at one head output: `max_rel` and `rms_rel` over the original's spread and deviation."""

    head: str
    role: str
    max_abs: float
    max_rel: float
    rms_rel: float


@dataclass(frozen=True, slots=True)
class Verification:
    """Original against adapted over all head outputs; `input` says on what ("64 images", "noise")."""

    input: str
    max_abs: float
    max_rel: float
    per_head: tuple[HeadError, ...]


@dataclass(frozen=True, slots=True)
class LayerError:
    """One layer of the integer simulation, `tensor` its map in adapted.onnx, `bits` its width.

    `adapted` compares the original with the adapted network (None where the original has no such map); both others
    the adapted with the integer network: with the errors of all layers before, and on exact inputs. The counts are
    over all images compared: codes at the end of their range; values that left 2 * bits bits after the first cut;
    sums that left the accumulator.
    """

    anchor: str
    op: str
    tensor: str
    bits: int
    adapted: Figures | None
    integer_accumulated: Figures
    integer_single: Figures
    saturated: int
    overflowed: int
    accumulator: int


@dataclass(frozen=True, slots=True)
class HeadMetric:
    """One head output in integers against the adapted float one, judged by its role.

    Scores: `levels_in_unit_score` codes say a score within (0.001, 0.999), `score_steps` is the distance between two
    codes at the scores 0.1, 0.25 and 0.5, `best_score` the highest that was seen. Boxes: `largest_box_px` is the
    largest side that can be said, `centre_step_px` the smallest step of a centre, `saturated_sizes` and
    `saturated_centres` the shares at the end of their range.
    """

    head: str
    role: str
    cosine: float
    sqnr_db: float | None
    max_abs: float
    levels_in_unit_score: int | None = None
    score_steps: tuple[float, ...] | None = None
    best_score: float | None = None
    largest_box_px: float | None = None
    centre_step_px: float | None = None
    saturated_sizes: float | None = None
    saturated_centres: float | None = None


@dataclass(frozen=True, slots=True)
class SaturationResult:
    """What one way to choose the ranges gives: mean square error of the heads over their variance, and boxes."""

    saturation: str
    head_error: float
    matched: int
    lost: int
    new: int


@dataclass(frozen=True, slots=True)
class Integers:
    """What was simulated on `images` pictures: `bits` wide, but for the layers of `wider` (anchors), which take 16 and
    do `wider_macs` of the multiply-accumulates, a share in 0..1. `low_detections` are the boxes of BYTE's low band,
    scores of 0.1 to 0.6; `saturations` says what each way to choose the ranges gives on the first four of them, the
    one in use first.
    """

    bits: int
    wider: tuple[str, ...]
    wider_macs: float
    per: str
    images: int
    low_detections: Matching
    saturations: tuple[SaturationResult, ...]


@dataclass(frozen=True, slots=True)
class Cost:
    """Multiply-accumulates and parameters before and after, and how many operators the rewrites added."""

    macs_before: int
    macs_after: int
    params_before: int
    params_after: int
    ops_added: int


@dataclass(frozen=True, slots=True)
class ArtifactInfo:
    """One written file: path relative to the output folder, and its SHA-256."""

    path: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Report:
    """All that the main job found out, in report.json's order."""

    model: ModelInfo
    target: TargetInfo
    rewrites: tuple[Rewrite, ...]
    declined: tuple[Declined, ...]
    placement: Placement | None = None
    activations: tuple[ActivationFit, ...] = ()
    heads: tuple[Head, ...] | None = None
    reading: ReadingInfo | None = None
    verify: Verification | None = None
    integers: Integers | None = None
    layers: tuple[LayerError, ...] | None = None
    head_metrics: tuple[HeadMetric, ...] | None = None
    detections: Matching | None = None
    mixture: MixtureReport | None = None
    recovery: RecoveryReport | None = None
    cost: Cost | None = None
    artifacts: tuple[ArtifactInfo, ...] | None = None
