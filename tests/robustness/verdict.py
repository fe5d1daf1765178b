"""What an output folder promises, checked without the code that wrote it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray

EXACT_HEADS = 1e-4


def faults_of_folder(out: Path, mutant: Path) -> Iterator[str]:
    """What is wrong with the folder that was made of `mutant`, in words; nothing where it is whole and true."""
    manifest, report = (json.loads((out / name).read_bytes()) for name in ("manifest.json", "report.json"))
    sums = {each["path"]: each["sha256"] for each in manifest["artifacts"]}
    found = {str(file.relative_to(out)) for file in out.rglob("*") if file.is_file()}
    if found != {*sums, "manifest.json", "report.json"}:
        yield f"holds {sorted(found)}"
    for path, digest in sums.items():
        if hashlib.sha256((out / path).read_bytes()).hexdigest() != digest:
            yield f"{path} is not what the manifest says"
    if report["model"]["sha256"] != hashlib.sha256(mutant.read_bytes()).hexdigest():
        yield "the report is about another model"
    adapted = onnx.load(out / "adapted.onnx")
    try:
        onnx.checker.check_model(adapted, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        yield f"adapted.onnx: {error}"
    yield from _faults_of_heads(out, adapted, report)
    if all(fit["from"] == fit["to"] for fit in report["activations"]):
        yield from _faults_of_function(mutant, adapted, report)


def _faults_of_heads(out: Path, adapted: onnx.ModelProto, report: dict[str, Any]) -> Iterator[str]:
    """The golden heads again, and what the report says of them."""
    feeds, original, golden = (_arrays(out / "golden" / f"{name}.npz") for name in ("inputs", "original", "adapted"))
    names = [
        name for head in report["heads"] for name in (head["obj"], head["reg"], head["cls"], *head.get("extra", ()))
    ]
    heads = run(adapted, feeds)
    if list(heads) != names:
        yield f"the outputs are {list(heads)}, not {names}"
    kept = all(fit["from"] == fit["to"] for fit in report["activations"])
    for name, value in heads.items():
        if not np.allclose(value, golden[name], rtol=1e-3, atol=1e-3 * float(np.abs(value).max())):
            yield f"{name} is not the golden {name}"
        if kept and not _alike(golden[name], original[name], EXACT_HEADS):
            yield f"{name} is not the original's"


def _faults_of_function(mutant: Path, adapted: onnx.ModelProto, report: dict[str, Any]) -> Iterator[str]:
    """Nothing was approximated: the mutant's own output, and the same made of the adapted network's heads."""
    try:
        original = onnx.load(mutant)
        shape = report["model"]["inputs"][0]["shape"]
        image = np.random.default_rng(3).uniform(0, 255, shape).astype(np.float32)
        outputs = run(original, {report["model"]["inputs"][0]["name"]: image})
    except Exception as error:  # noqa: BLE001  (what the runtime takes only after the loader's repairs is not compared)
        return print(f"# not compared: {str(error)[:100]}")
    heads = run(adapted, {adapted.graph.input[0].name: image})
    if not all(np.isfinite(value).all() for value in (*outputs.values(), *heads.values())):
        return
    (flat,) = outputs.values() if len(outputs) == 1 else (None,)
    if flat is None or flat.ndim != 3:
        return
    expected = _flat(heads, report)
    if flat.shape != expected.shape:
        yield f"the output is {flat.shape}, of the heads {expected.shape}"
    elif not _alike(flat, expected, 1e-3):
        yield f"the output is off by {np.abs(flat - expected).max()}"


def _flat(heads: dict[str, NDArray[np.float32]], report: dict[str, Any]) -> NDArray[np.float64]:
    """YOLOX's [1, anchors, 5 + classes] of raw heads, with the sigmoid and the decode that the report tells."""
    rows = []
    for head in report["heads"]:
        raw = {role: heads[head[role]].astype(np.float64) for role in ("reg", "obj", "cls")}
        if report["reading"]["sigmoid_inside"]:
            raw |= {role: 1 / (1 + np.exp(-raw[role])) for role in ("obj", "cls")}
        if report["reading"]["decoded_inside"]:
            y, x = np.indices(head["grid"])
            raw["reg"][:, :2] = (raw["reg"][:, :2] + np.stack([x, y])) * head["stride"]
            raw["reg"][:, 2:] = np.exp(raw["reg"][:, 2:]) * head["stride"]
        level = np.concatenate([raw["reg"], raw["obj"], raw["cls"]], 1)
        rows.append(level.reshape(1, level.shape[1], -1))
    return np.concatenate(rows, 2).transpose(0, 2, 1)


def _alike(one: NDArray[Any], other: NDArray[Any], share: float) -> bool:
    spread = max(float(np.ptp(other)), float(np.abs(other).max()) * 1e-3)
    return one.shape == other.shape and bool(np.abs(one.astype(np.float64) - other).max() <= share * spread)


def run(model: onnx.ModelProto, feeds: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """One forward pass of ONNX Runtime, optimisations off."""
    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    names = [value.name for value in session.get_outputs()]
    kinds = {value.name: np.float16 if "float16" in value.type else np.float32 for value in session.get_inputs()}
    return dict(
        zip(names, session.run(None, {n: x.astype(kinds.get(n, x.dtype)) for n, x in feeds.items()}), strict=True)
    )


def _arrays(file: Path) -> dict[str, NDArray[Any]]:
    with np.load(file) as stored:
        return dict(stored)
