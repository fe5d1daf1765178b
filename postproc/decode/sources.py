"""The generated decoder: C99 source files filled with a model's values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import factorial
from typing import Any

import numpy as np

from ...errors import AdaptError
from ..c.project import Component, component
from ..c.render import c_prefix, comment, render
from .exponential import HIGHEST, LOWEST, TAYLOR, every_code, score_of, side_of
from .golden import Golden
from .values import DecodeValues, IntegerHeads, Part

SUBJECT = "yolox"
_FUNCTIONS = {"sigmoid": score_of, "exp": side_of}
_MOST_BOXES = 2**24


@dataclass(frozen=True, slots=True)
class Table:
    """A function over the 256 codes of a tensor, as a C array."""

    name: str
    function: str
    normratio: float
    entries: tuple[float, ...]


def yolox_component(values: DecodeValues, golden: Golden | None = None) -> Component:
    """The decoder, a program that shows it, its manual, and with `golden` its self-test.

    Raises AdaptError where the codes of some normratio would break what the header promises of the scores.
    """
    prefix = c_prefix(values.name)
    return component(render(SUBJECT, prefix, _context(values, golden)), [f"{prefix}_post.h"])


def _context(values: DecodeValues, golden: Golden | None) -> Mapping[str, object]:
    integer = values.integer
    tables = _tables(integer) if integer else {}
    bits = {part.bits for parts in integer.levels for _, part in parts} if integer else set()
    if integer:
        _check_order(integer)
    return {
        "name": comment(values.name),
        "provenance": [comment(line) for line in values.provenance],
        "classes": values.classes,
        "anchors": values.anchors,
        "capacity": values.capacity,
        "input_h": values.input_hw[0],
        "input_w": values.input_hw[1],
        "score": float(np.float32(values.score)),
        "iou": float(np.float32(values.iou)),
        "resize": values.resize,
        "lowest": int(LOWEST),
        "highest": int(HIGHEST),
        "taylor": [factorial(k) for k in range(len(TAYLOR) - 1, -1, -1)],
        "most_boxes": min(_MOST_BOXES, (2**32 - 1) // values.classes),
        "integer": integer is not None,
        "has8": 8 in bits,
        "has16": 16 in bits,
        "record": integer.record if integer else None,
        "filter_codes": integer.filter_codes() if integer else (),
        "filter_score": float(np.float32(integer.filter_score)) if integer else 0.0,
        "tables": list(tables.values()),
        "levels": [_level(values, tables, i) for i in range(len(values.levels))],
        "golden": golden,
    }


def _level(values: DecodeValues, tables: Mapping[tuple[str, float], Table], index: int) -> dict[str, Any]:
    grid = values.levels[index]
    level: dict[str, Any] = {
        "stride": grid.stride,
        "grid_h": grid.cells[0],
        "grid_w": grid.cells[1],
        "first_anchor": values.first_anchors[index],
    }
    if values.integer is not None:
        level["filter_code"] = values.integer.filter_codes()[index]
        level["parts"] = [
            {
                "role": role,
                "normratio": part.normratio,
                "bits": part.bits,
                "table": tables[_function(role), part.normratio].name if part.bits == 8 else None,
            }
            for role, part in values.integer.levels[index]
        ]
    return level


def _tables(integer: IntegerHeads) -> dict[tuple[str, float], Table]:
    """One table a function and normratio, however many tensors share it."""
    tables: dict[tuple[str, float], Table] = {}
    for parts in integer.levels:
        for role, part in parts:
            key = _function(role), part.normratio
            if part.bits == 8 and key not in tables:
                entries = _FUNCTIONS[key[0]](every_code(8, part.normratio))
                name = f"{key[0]}_{sum(function == key[0] for function, _ in tables)}"
                tables[key] = Table(name, *key, tuple(entries.astype(float).tolist()))
    return tables


def _function(role: str) -> str:
    return "exp" if role == "reg" else "sigmoid"


def _check_order(integer: IntegerHeads) -> None:
    """The decoder finds limits by bisection, so no greater code may have a smaller score: looked at for each code."""
    for parts in integer.levels:
        for part in (parts.obj, parts.cls):
            if not is_ordered(part):
                raise AdaptError(f"the scores of codes of the normratio {part.normratio:.9g} do not ascend")


def is_ordered(part: Part) -> bool:
    """Whether the score never falls where the code grows."""
    return bool((np.diff(score_of(every_code(part.bits, part.normratio))) >= 0).all())
