"""The manual of a target, as plain lines: operators with the sentences of their limits, assumptions."""

from __future__ import annotations

from .loader import load_target, target_names
from .types import Limit, Target


def overview() -> tuple[str, ...]:
    """One line per target that ships with this package."""
    targets = [load_target(name) for name in target_names()]
    width = max(len(target.name) for target in targets)
    return tuple(f"{t.name:{width}}  {t.compiler} on {t.chip}" for t in targets)


def describe(target: Target) -> tuple[str, ...]:
    """What `target` runs and under which limits, then its assumptions."""
    lines = [
        f"# {target.name}",
        f"{target.compiler} on {target.chip}; number formats: {', '.join(target.formats)}.",
        f"ONNX up to opset {target.onnx.opset}, ir_version {target.onnx.ir_version}. Source: {target.basis}.",
        f"Activations: {', '.join(sorted(target.activations))}.",
        f"The CPU beside it runs: {', '.join(sorted(target.cpu))}.",
        "",
        "## Operators of the NPU",
        *(f"- every operator: {sentence}" for sentence in _sentences(target.tensors)),
    ]
    for op, limits in sorted(target.npu.items()):
        lines.append(f"- {op}")
        lines += [f"  - {sentence}" for sentence in _sentences(limits)]
    post = target.postproc
    lines += [
        "",
        "## Threshold filter",
        f"- at most {post.max_parts} parts a head, {post.max_classes} classes",
        f"- at most {post.max_anchors} anchors a cell, map sides of at most {post.max_side}",
    ]
    if target.assumptions:
        lines += [
            "",
            "## Assumed, for no public source says it",
            *(f"- {line}" for line in target.assumptions),
        ]
    return tuple(lines)


def _sentences(limits: tuple[Limit, ...]) -> tuple[str, ...]:
    return tuple(f"{limit.sentence}." for limit in limits)
