"""icraft/mix_precision.csv: the width of every operator, for the compiler's mix_precision; and such a file read back.

Columns as the compiler wants them: op_id, type, dtype (INT8, INT16). No public source says how op_id counts. Here it
counts the operators of adapted.onnx in the file's order from 1: a fused activation has a number of its own, and one
that is spelled in several nodes has one.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from pathlib import Path

from ...errors import AdaptError, Exit
from ...golden.network import Curve, FloatLayer, Linear, Network
from ...golden.program import Program, Reshape
from ..artifact import Artifact

FILE = "mix_precision.csv"
NUMBERS = "op_id counts the operators of adapted.onnx in its order from 1, an activation for itself"

_COLUMNS = ("op_id", "type", "dtype")
_FURTHER = ("value_range_in_bits", "per", "saturation")
_BITS = {"INT8": 8, "INT16": 16}
_TYPES = {
    "BatchNormalization": "batchnorm",
    "Gemm": "matmul",
    "GlobalAveragePool": "averagepool",
    "LeakyRelu": "relu",
    "leaky": "relu",
    "Mul": "multiply",
    "Resize": "upsample",
}


def mix_precision_csv(network: Network, program: Program) -> Artifact:
    """The file for the adapted network in these integers."""
    made = io.StringIO()
    writer = csv.writer(made, lineterminator="\n")
    writer.writerow(_COLUMNS)
    formats = program.formats()
    for number, (kind, layer) in enumerate(_operators(network), 1):
        writer.writerow([number, kind, f"INT{formats[layer.name].bits}"])
    return Artifact(f"icraft/{FILE}", made.getvalue().encode())


def read_mix_precision(file: Path, network: Network) -> dict[str, int]:
    """Bits by layer; an operator that the file leaves out is not among them.

    Raises AdaptError: exit 2 for a file that is none or was made for another network, exit 3 for what a single
    operator cannot be given here.
    """
    operators = dict(enumerate(_operators(network), 1))
    found: dict[str, int] = {}
    for line, row in _rows(file):
        where = f"{file}:{line}"
        number = int(row["op_id"]) if row["op_id"].isdecimal() else 0
        if number not in operators:
            what = f"op_id {row['op_id']}: the adapted network has the operators 1 to {len(operators)}"
            raise AdaptError(what, where=where)
        kind, layer = operators[number]
        if row["type"].lower() != kind:
            hint = "the file must have been made for this network, target and calibration"
            raise AdaptError(f"op_id {number} is of type {kind} here, not {row['type']}", where=where, hint=hint)
        bits = _BITS.get(row["dtype"].upper())
        if bits is None:
            what = f"dtype {row['dtype']} is not simulated"
            raise AdaptError(what, where=where, hint=f"known: {', '.join(_BITS)}", code=Exit.UNSUPPORTED)
        if found.setdefault(layer.name, bits) != bits:
            what = f"op_id {number} is fused with the operator before it, and their widths differ"
            raise AdaptError(what, where=where)
    return found


def _operators(network: Network) -> Iterator[tuple[str, FloatLayer]]:
    """The type of each operator, as the compiler may call it, and the layer that computes it."""
    for layer in network.layers:
        operator = layer.operator
        if isinstance(operator, Reshape) and layer.source in ("Gemm", "MatMul"):
            continue  # the ways into a fully connected layer and out of it
        source = operator.name if isinstance(operator, Curve) else layer.source
        yield _TYPES.get(source, source.lower()), layer
        if isinstance(operator, Linear) and operator.slope != 1:
            yield "relu", layer


def _rows(file: Path) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Each line with its number, every known column as text."""
    try:
        lines = file.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise AdaptError("cannot be read as a text", where=str(file)) from error
    reader = csv.DictReader(lines, skipinitialspace=True)
    missing = [name for name in _COLUMNS if name not in (reader.fieldnames or ())]
    if missing:
        raise AdaptError(f"lacks the column {missing[0]}", where=str(file), hint=f"columns: {','.join(_COLUMNS)}")
    for row in reader:
        known = {name: (row.get(name) or "").strip() for name in (*_COLUMNS, *_FURTHER)}
        for name in _FURTHER:
            if known[name]:
                what = f"a {name} of its own is not simulated"
                where = f"{file}:{reader.line_num}"
                raise AdaptError(what, where=where, hint="leave the column out", code=Exit.UNSUPPORTED)
        yield reader.line_num, known
