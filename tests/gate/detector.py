"""A small YOLOX-like network in ONNX's text form, under names of any taste, and its output folder."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
from onnx import ModelProto

from icraft_adapt.adapter.pipeline import adapt
from icraft_adapt.adapter.request import Request
from icraft_adapt.tests.adapter.networks import written
from icraft_adapt.tests.postproc.head_network import STRIDES
from icraft_adapt.tests.rewrites.harness import network, weights

SIZE = (64, 96)
ROLES = ("reg", "obj", "cls")
PHASES = ((0, 0), (1, 0), (0, 1), (1, 1))


def detector(classes: int = 3, *, seed: int = 0, change: Callable[[dict[str, Any]], None] | None = None) -> ModelProto:
    """Focus in slices, two convolutions, a sum, LeakyReLUs, heads at three strides; `change` may edit the weights."""
    height, width = SIZE
    channels = {"reg": 4, "obj": 1, "cls": classes}
    stored: dict[str, Any] = {
        "w0": weights(8, 12, 3, 3, seed=seed) / 400,
        "b0": weights(8, seed=seed + 1) / 4,
        "w1": weights(8, 1, 3, 3, seed=seed + 2) / 2,
        "b1": weights(8, seed=seed + 3) / 4,
        "flat": np.array([1, 0, -1], np.int64),
        "ends": np.array([height, width], np.int64),
        "axes": np.array([2, 3], np.int64),
        "steps": np.array([2, 2], np.int64),
    }
    stored |= {f"start{i}": np.array(phase, np.int64) for i, phase in enumerate(PHASES)}
    for s in STRIDES:
        stored[f"wt{s}"] = weights(8, 8, s // 2, s // 2, seed=seed + s) / s
        for index, (role, count) in enumerate(channels.items()):
            stored[f"w{role}{s}"] = weights(count, 8, 1, 1, seed=seed + s + index + 1) / 2
            stored[f"b{role}{s}"] = weights(count, seed=seed + s + index + 9) + (role == "obj")
    if change is not None:
        change(stored)
    body = [f"p{i} = Slice(images, start{i}, ends, axes, steps)" for i in range(4)]
    body += [
        "focus = Concat<axis=1>(p0, p1, p2, p3)",
        "z0 = Conv<pads=[1,1,1,1]>(focus, w0, b0)",
        "y0 = LeakyRelu<alpha=0.1>(z0)",
        "z1 = Conv<pads=[1,1,1,1], group=8>(y0, w1, b1)",
        "y1 = LeakyRelu<alpha=0.1>(z1)",
        "sum = Add(y0, y1)",
    ]
    for s in STRIDES:
        body += [f"t{s} = Conv<strides=[{s // 2},{s // 2}]>(sum, wt{s})", f"a{s} = LeakyRelu<alpha=0.1>(t{s})"]
        body += [f"{role}{s} = Conv(a{s}, w{role}{s}, b{role}{s})" for role in ROLES]
        body += [f"p{role}{s} = Sigmoid({role}{s})" for role in ("obj", "cls")]
        body += [f"map{s} = Concat<axis=1>(reg{s}, pobj{s}, pcls{s})", f"rows{s} = Reshape(map{s}, flat)"]
    body += [f"all = Concat<axis=2>({', '.join(f'rows{s}' for s in STRIDES)})", "output = Transpose<perm=[0,2,1]>(all)"]
    return network(f"float[1,3,{height},{width}] images", "output", "\n".join(body), **stored)


def renamed(proto: ModelProto) -> ModelProto:
    """The same network as another exporter would write it: other names, nodes listed in another order."""
    made = ModelProto.FromString(proto.SerializeToString())
    graph = made.graph
    kept = {value.name for value in (*graph.input, *graph.output)}
    names = {name: f"onnx::T_{index}" for index, name in enumerate(_names(graph)) if name not in kept}
    for tensor in (*graph.initializer, *graph.value_info):
        tensor.name = names.get(tensor.name, tensor.name)
    for node in graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
        node.name = f"/model.{len(node.output[0])}/{node.op_type}_{node.output[0]}"
    first, second = graph.node[0], graph.node[1]  # two slices: either may come first
    swapped = [copy.deepcopy(node) for node in (second, first, *graph.node[2:])]
    del graph.node[:]
    graph.node.extend(swapped)
    onnx.checker.check_model(made)
    return made


def _names(graph: onnx.GraphProto) -> list[str]:
    return [*(tensor.name for tensor in graph.initializer), *(name for node in graph.node for name in node.output)]


def pictures(folder: Path, count: int = 8) -> Path:
    """A folder of soft noise pictures 64x96."""
    made = folder / "pictures"
    made.mkdir(exist_ok=True)
    for index in range(count):
        coarse = np.random.default_rng(index).integers(0, 256, (16, 24, 3), np.uint8)
        cv2.imwrite(str(made / f"{index}.png"), cv2.resize(coarse, SIZE[::-1], interpolation=cv2.INTER_CUBIC))
    return made


def output_folder(place: Path, proto: ModelProto, name: str = "net", **options: Any) -> Path:  # noqa: ANN401
    """The main job on this network and `pictures`; the folder `<name>.icraft`."""
    file, out = place / f"{name}.onnx", place / f"{name}.icraft"
    file.write_bytes(proto.SerializeToString())
    outcome = adapt(Request(file, out=out, calibration=pictures(place), html=False, **options))
    assert outcome.artifacts, outcome.verdict
    return written(outcome, out)
