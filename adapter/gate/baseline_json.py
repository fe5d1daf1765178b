"""A baseline as JSON and back: docs/baseline.schema.json states its form."""

from __future__ import annotations

import json
import math
from typing import Any

from ...data.preprocess import Preprocess
from ...errors import AdaptError, Exit
from ...golden.engine.protocol import Counts
from ...golden.fingerprint import SAMPLED, Fingerprint
from ..emit.json_bytes import Json, as_json, json_bytes
from ..emit.schema import SCHEMAS, validate
from .baseline import Baseline, Box, Coverage, InputRecord, LayerRecord, Runs, Tolerances
from .measure import HEAD_SAMPLED
from .packed import packed, packed_picture, unpacked, unpacked_picture

KIND = "icraft-adapt/baseline/"
SCHEMA = f"{KIND}1"
PATH = SCHEMAS / "baseline.schema.json"
_MOST_CHANNELS = 1 << 16
AGAIN = "record a new one from a folder that you trust"


def baseline_json(baseline: Baseline) -> bytes:
    """The file; equal baselines give equal bytes."""
    document: dict[str, Json] = {
        "schema": SCHEMA,
        "tool": baseline.tool,
        "model": baseline.model,
        "target": baseline.target,
        "preprocess": as_json(baseline.preprocess),
        "tolerances": as_json(baseline.tolerances),
        "coverage": as_json(baseline.coverage),
        "arithmetic": dict(baseline.arithmetic),
        "input": _input(baseline.input),
        "layers": [_layer(each) for each in baseline.layers],
        "boxes": as_json(baseline.boxes),
    }
    return json_bytes(document)


def read_baseline(data: bytes, where: str) -> Baseline:
    """The baseline of these bytes. Raises AdaptError: exit 3 for another schema, exit 2 for what is no baseline."""
    try:
        document = json.loads(data, parse_constant=_no_number)
    except ValueError as error:
        raise AdaptError("not a baseline: no JSON", where=where, hint=AGAIN) from error
    found = document.get("schema") if isinstance(document, dict) else None
    if found != SCHEMA:
        what = f"a baseline of another schema: {found}, not {SCHEMA}"
        raise AdaptError(what, where=where, hint=AGAIN, code=Exit.UNSUPPORTED)
    validate(document, PATH, "baseline", where)
    try:
        return _baseline(document)
    except (ValueError, OverflowError) as error:
        raise AdaptError(f"a damaged baseline: {error}", where=where, hint=AGAIN) from error


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number")


def _input(record: InputRecord) -> dict[str, Json]:
    levels, cells = packed_picture(record.codes)
    return {
        "shape": list(record.codes.shape),
        "bits": record.bits,
        "normratios": as_json(record.normratios),
        "shift": list(record.shift),
        "levels": levels,
        "cells": cells,
    }


def _layer(record: LayerRecord) -> dict[str, Json]:
    kept = record.print
    return {
        "anchor": record.anchor,
        "op": record.op,
        **({"output": record.output} if record.output is not None else {}),
        "bits": record.bits,
        "shape": list(kept.shape),
        "normratios": as_json(record.normratios),
        "numbers": record.numbers,
        "digest": kept.digest,
        "least": kept.least,
        "largest": kept.largest,
        "squares": kept.squares,
        "totals": packed(kept.totals),
        "sample": packed(kept.sample),
        "saturated": record.counts.saturated,
        "overflowed": record.counts.overflowed,
        "accumulator": record.counts.accumulator,
    }


def _baseline(document: dict[str, Any]) -> Baseline:
    told, image = document["preprocess"], document["input"]
    shape = tuple(int(side) for side in image["shape"])
    if not shape[1] == sum(int(count) for count, _ in image["normratios"]) == len(image["shift"]):
        raise ValueError(f"its input has {shape[1]} channels, and other numbers of scales or shifts")
    return Baseline(
        document["tool"],
        document["model"],
        document["target"],
        Preprocess(
            mean=tuple(told["mean"]),
            scale=tuple(told["scale"]),
            channels=told["channels"],
            resize=told["resize"],
            pad=told["pad"],
        ),
        Tolerances(**document["tolerances"]),
        Coverage(**document["coverage"]),
        tuple(document["arithmetic"].items()),
        InputRecord(
            image["bits"],
            _runs(image["normratios"]),
            tuple(image["shift"]),
            unpacked_picture(image["levels"], image["cells"], shape),
        ),
        tuple(_layer_record(each) for each in document["layers"]),
        tuple(Box(each["category"], each["score"], tuple(each["corners"])) for each in document["boxes"]),
    )


def _layer_record(layer: dict[str, Any]) -> LayerRecord:
    shape = tuple(int(side) for side in layer["shape"])
    size = math.prod(shape)
    kept = Fingerprint(
        shape,
        layer["digest"],
        layer["least"],
        layer["largest"],
        layer["squares"],
        unpacked(layer["totals"]),
        unpacked(layer["sample"]),
    )
    sampled = SAMPLED if layer.get("output") is None else HEAD_SAMPLED
    channels = shape[1] if len(shape) > 1 else 1
    if (len(kept.totals), len(kept.sample)) != (channels, min(size, sampled)):
        raise ValueError(f"{layer['anchor']} has {len(kept.totals)} sums and {len(kept.sample)} samples")
    counts = Counts(size, layer["saturated"], layer["overflowed"], layer["accumulator"])
    runs = _runs(layer["normratios"])
    return LayerRecord(
        layer["anchor"], layer["op"], layer.get("output"), layer["bits"], runs, layer["numbers"], kept, counts
    )


def _runs(pairs: list[list[float]]) -> Runs:
    runs = tuple((int(count), float(value)) for count, value in pairs)
    if any(count < 1 for count, _ in runs) or sum(count for count, _ in runs) > _MOST_CHANNELS:
        raise ValueError("a scale has no channels, or too many")
    return runs
