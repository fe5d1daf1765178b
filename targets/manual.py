"""The manual of a target, in Markdown that reads as plain text: operators with their limits' sentences, assumptions."""

from __future__ import annotations

from dataclasses import fields

from .arithmetic import Arithmetic
from .loader import load_target, target_names
from .types import Limit, Target


def overview() -> tuple[str, ...]:
    """One line per target that ships with this package."""
    targets = [load_target(name) for name in target_names()]
    width = max(len(target.name) for target in targets)
    return tuple(f"{t.name:{width}}  {t.compiler} on {t.chip}" for t in targets)


def describe(target: Target) -> tuple[str, ...]:
    """What `target` runs, under which limits and in which arithmetic, then its assumptions; one line each."""
    return (
        f"# {target.name}",
        "",
        f"- {target.compiler} on {target.chip}; number formats: {', '.join(target.formats)}",
        f"- ONNX up to opset {target.onnx.opset}, ir_version {target.onnx.ir_version}",
        f"- activations: {', '.join(sorted(target.activations))}",
        f"- the CPU beside it runs: {', '.join(sorted(target.cpu))}",
        f"- Focus is written as {target.focus}",
        f"- source: {target.basis}",
        *_section("Operators of the NPU", _operators(target)),
        *_section("Arithmetic", _arithmetic(target.arithmetic)),
        *_section("Threshold filter", _threshold_filter(target)),
        *_section("Compiler's configuration file", _configuration(target)),
        *(_section("Assumed, for no public source says it", target.assumptions) if target.assumptions else ()),
    )


def _section(title: str, lines: tuple[str, ...]) -> tuple[str, ...]:
    return ("", f"## {title}", "", *(line if line.startswith(" ") else f"- {line}" for line in lines))


def _operators(target: Target) -> tuple[str, ...]:
    lines = [f"every operator: {limit.sentence}." for limit in target.tensors]
    for op, limits in sorted(target.npu.items()):
        lines += [op, *_sentences(limits)]
    return tuple(lines)


def _sentences(limits: tuple[Limit, ...]) -> tuple[str, ...]:
    return tuple(f"  - {limit.sentence}." for limit in limits)


def _arithmetic(known: Arithmetic | None) -> tuple[str, ...]:
    """Every value of the arithmetic block, by its name in the YAML."""
    if known is None:
        return ("too little of it is public: there is none in the YAML",)
    lines = ["y = sat(cut((cut(sum x*w, s) + b) * m, n)); a scale is m * 2^-n"]
    for bits, width in sorted(known.widths.items()):
        lines.append(
            f"int{bits}: codes -{width.code_max}..{width.code_max}, m 0..{width.multiplier_max}, n {width.shift_min}.."
            f"{width.shift_max}, bias of {width.bias_bits} bits, accumulator of {width.accumulator_bits} bits"
        )
    seen = known.calibration
    return (
        *lines,
        f"first cut s: 0..{known.first_cut_max}",
        f"rounding: {known.code_rounding} of a float to its code, {known.cut_rounding} at a cut",
        f"an accumulator beyond its width: {known.overflow}",
        f"the negative half of a fused LeakyReLU: {known.leaky_shift} shift n",
        f"activation tables: {known.table or 'none'}",
        f"image: shifted by -{known.image_shift}; 1 / normratio is a multiple of 1/{known.image_ratio_denominator}",
        f"calibration: {seen.bins} bins, a threshold every {seen.step_bins} from {seen.first_bin} on, judged at"
        f" {seen.levels} levels; {seen.advised_images} images or more are advised",
    )


def _threshold_filter(target: Target) -> tuple[str, ...]:
    post = target.postproc
    return (
        f"at most {post.max_parts} parts a head, {post.max_classes} classes",
        f"at most {post.max_anchors} anchors a cell, map sides of at most {post.max_side}",
    )


def _configuration(target: Target) -> tuple[str, ...]:
    return tuple(f"{each.name}: {getattr(target.toml, each.name)}" for each in fields(target.toml))
