"""What one chip with one compiler version can run, as frozen values read from the target's YAML.

A `Parameter` is a value that no public source states: it has a default, and a sentence that reports repeat.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ..graph.nodes import Node, Tensor
from .arithmetic import Arithmetic

Bound = int | bool | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Limit:
    """One bound on one operator. `numbers(node, bound)` says what breaks it, "" where the node keeps it."""

    name: str
    bound: Bound
    sentence: str
    numbers: Callable[[Node, Any], str]

    def refuses(self, node: Node) -> str | None:
        """The sentence and the node's own numbers, None where the node keeps the limit."""
        numbers = self.numbers(node, self.bound)
        return f"{self.sentence}: {numbers}" if numbers else None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Neither the NPU nor the target's CPU runs the node, and why."""

    reason: str


@dataclass(frozen=True, slots=True)
class OnnxLimits:
    """The newest opset and ir_version that the compiler's parser reads."""

    opset: int
    ir_version: int


@dataclass(frozen=True, slots=True)
class RecordPadding:
    """The threshold filter pads every part but the last to `inner` channels, the last one to `last`."""

    inner: int
    last: int


@dataclass(frozen=True, slots=True)
class PostprocLimits:
    """The hardware threshold filter (DetPost): what it takes, what its toml says, how it pads a record.

    `groups` says what its toml key counts; `padding` is keyed by the maps' bits; sides are in cells.
    """

    groups: Literal["levels", "parts"]
    anchor_num: int
    position: int
    max_parts: int
    max_classes: int
    max_anchors: int
    max_side: int
    threshold_rounding: Literal["toward_zero"]
    padding: Mapping[int, RecordPadding]

    def refuses(self, parts: int, classes: int, grid: tuple[int, int]) -> str | None:
        """Why the filter does not take a head of these parts, classes and cells (h, w), else None."""
        if parts > self.max_parts:
            return f"a head has at most {self.max_parts} parts: {parts}"
        if classes > self.max_classes:
            return f"at most {self.max_classes} classes: {classes}"
        if max(grid) > self.max_side:
            return f"a map's side is at most {self.max_side}: {max(grid)}"
        return None


@dataclass(frozen=True, slots=True)
class CompilerFacts:
    """What the compiler's configuration file says for this chip.

    `suffix` ends the names of the compiled network; `image_pass` and `filter_pass` insert the hard operators
    that make the input from a picture and filter the heads; `channels` is the order pictures are decoded in.
    """

    target: str
    framework: str
    suffix: str
    image_pass: str
    filter_pass: str
    channels: Literal["bgr", "rgb"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """An unknown: `name` is the YAML path that it sets, `value` the default, `assumption` the sentence."""

    name: str
    value: str
    assumption: str


@dataclass(frozen=True, slots=True)
class Target:
    """One chip + compiler version.

    `npu` holds the limits of each ONNX operator, `tensors` those that all operators on the NPU have. `basis`
    says where the limits and the arithmetic come from, `formats` lists the chip's number formats;
    `arithmetic` is None where nothing public describes it well enough to simulate. `vector_macs` is how many
    multiply-accumulates the array does while the vector unit does one operation.
    """

    name: str
    chip: str
    compiler: str
    basis: str
    vector_macs: int
    formats: tuple[str, ...]
    npu: Mapping[str, tuple[Limit, ...]]
    tensors: tuple[Limit, ...]
    cpu: frozenset[str]
    activations: frozenset[str]
    onnx: OnnxLimits
    focus: Literal["onehot2x2", "fused6x6"]
    postproc: PostprocLimits
    toml: CompilerFacts
    parameters: tuple[Parameter, ...] = ()
    arithmetic: Arithmetic | None = None

    @property
    def assumptions(self) -> tuple[str, ...]:
        """Every unknown that this target assumes, one line each, with the value in force."""
        return tuple(f"{p.assumption} [{p.name} = {p.value}]" for p in self.parameters)

    @property
    def exact_stride_pools(self) -> bool:
        """True where the stride of a pool must divide its padded map."""
        return self.exact_stride("MaxPool")

    def exact_stride(self, op: str) -> bool:
        """True where the stride of this operator must divide its padded map (a rule mends the pads)."""
        return any(limit.name == "exact_stride" for limit in self.npu.get(op, ()))

    def runs_activation(self, name: str) -> bool:
        """True where the NPU runs the activation of this canonical name ("relu", "silu", ...)."""
        return name in self.activations

    def refuses(self, node: Node) -> str | None:
        """Why the NPU does not run this node: the first limit it breaks, with the numbers; else None."""
        if not _is_among(node, self.npu):
            return f"the NPU of {self.name} has no operator {node.op}"
        if not all(_is_static(tensor) for tensor in (*node.inputs, *node.outputs) if tensor.name):
            return "a shape is not known before the network runs"
        reasons = (limit.refuses(node) for limit in (*self.tensors, *self.npu[node.op]))
        return next((reason for reason in reasons if reason), None)

    def place(self, node: Node) -> Literal["npu", "cpu"] | Refusal:
        """Where the node runs: the target's CPU takes what the NPU refuses, if it has the operator."""
        reason = self.refuses(node)
        if reason is None:
            return "npu"
        return "cpu" if _is_among(node, self.cpu) else Refusal(reason)


def _is_among(node: Node, operators: Container[str]) -> bool:
    """True where the node is one of these operators of ONNX itself."""
    return node.domain in (None, "", "ai.onnx") and node.op in operators


def _is_static(tensor: Tensor) -> bool:
    """True where every dimension is a number."""
    return tensor.shape is not None and all(isinstance(size, int) for size in tensor.shape)
