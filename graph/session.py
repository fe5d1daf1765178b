"""ONNX Runtime as the reference: optimisations off, outputs by name, its failures as one clear line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, helper, numpy_helper

from ..errors import AdaptError
from .nodes import proto_attributes
from .shapes import is_small

_FATAL = 4
_OWN_PLACE = re.compile(r"^/\S+:\d+ [^()]*\([^()]*\)(?: const)?(?: \[with [^]]*\])? ")


class Session:
    """A model ready to run. `run` takes {input name: array} and gives {output name: array}.

    `weights` are initialisers kept outside the model. All large ones become inputs that are fed at each run: of
    whatever it parses, and of external initialisers, too, the runtime would hold copies of its own.
    """

    def __init__(self, model: ModelProto, weights: Iterable[TensorProto] = ()) -> None:
        options = ort.SessionOptions()
        options.log_severity_level = _FATAL
        options.execution_order = ort.ExecutionOrder.PRIORITY_BASED  # as listed, where there is a choice
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.enable_mem_pattern = False  # a pattern and an arena pay only from the second run on,
        options.enable_cpu_mem_arena = False  # and the arena keeps what a map no longer needs
        lean, self._lent = _lend([*model.graph.initializer, *weights], model)
        try:
            self._session = ort.InferenceSession(lean.SerializeToString(), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # the runtime's exceptions have no common base
            raise AdaptError(f"ONNX Runtime cannot load the model: {_gist(error)}", hint="export it again") from error
        self.inputs = [value.name for value in self._session.get_inputs() if value.name not in self._lent]
        self.outputs = [value.name for value in self._session.get_outputs()]

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """One forward pass. Raises AdaptError (exit 2) where the runtime fails."""
        try:
            results = self._session.run(None, {**self._lent, **feeds})
        except Exception as error:
            raise AdaptError(f"ONNX Runtime cannot run the model: {_gist(error)}", hint="export it again") from error
        return dict(zip(self.outputs, results, strict=True))


def _lend(weights: Iterable[TensorProto], model: ModelProto) -> tuple[ModelProto, dict[str, NDArray[Any]]]:
    """The model with its large initialisers for inputs, and those by name."""
    lean = ModelProto(ir_version=model.ir_version, opset_import=model.opset_import)
    lean.graph.name = model.graph.name or "graph"
    lean.graph.node.extend(model.graph.node)
    lean.graph.input.extend(model.graph.input)
    lean.graph.output.extend(model.graph.output)
    declared = {value.name for value in model.graph.input}
    lent: dict[str, NDArray[Any]] = {}
    for tensor in weights:
        if is_small(tensor) or not _is_plain(tensor):
            lean.graph.initializer.append(tensor)
            continue
        lent[tensor.name] = numpy_helper.to_array(tensor)
        if tensor.name not in declared:
            lean.graph.input.append(helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims))
    return lean, lent


def _is_plain(tensor: TensorProto) -> bool:
    """True for numbers of a type that numpy has itself: only those can be fed."""
    return helper.tensor_dtype_to_np_dtype(tensor.data_type).kind in "fiub"


def with_outputs(proto: ModelProto, names: Sequence[str]) -> ModelProto:
    """A copy of the model that also gives the named tensors."""
    tapped = ModelProto()
    tapped.CopyFrom(proto)
    present = {value.name for value in tapped.graph.output}
    types = {value.name: value for value in [*proto.graph.value_info, *proto.graph.input]}
    for name in names:
        if name not in present:
            known = types.get(name)
            tapped.graph.output.append(known or helper.make_empty_tensor_value_info(name))
            present.add(name)
    return tapped


def evaluate_node(
    op: str, domain: str, opset: int, attrs: Mapping[str, Any], inputs: Sequence[NDArray[Any]]
) -> NDArray[Any]:
    """The first output of one operator on constant inputs."""
    names = [f"x{i}" for i in range(len(inputs))]
    node = helper.make_node(op, names, ["y"], domain=domain, **proto_attributes(attrs))
    values = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(x.dtype), x.shape)
        for name, x in zip(names, inputs, strict=True)
    ]
    graph = helper.make_graph([node], "one", values, [helper.make_empty_tensor_value_info("y")])
    opsets = [helper.make_opsetid("", opset)]
    if domain not in ("", "ai.onnx"):
        opsets.append(helper.make_opsetid(domain, 1))
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    return np.asarray(Session(model).run(dict(zip(names, inputs, strict=True)))["y"])


@cache
def newest_opset() -> int:
    """The newest opset of the default domain that this ONNX Runtime loads."""
    from onnx.defs import onnx_opset_version

    for version in range(onnx_opset_version(), 1, -1):
        graph = helper.make_graph(
            [helper.make_node("Relu", ["x"], ["y"])],
            "probe",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", version)], ir_version=8)
        try:
            Session(model)
        except AdaptError:
            continue
        return version
    raise AdaptError("ONNX Runtime loads no opset at all", hint="reinstall onnxruntime")


def _gist(error: BaseException) -> str:
    """The runtime's sentence, without the place in its own source that stands before it."""
    text = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return _OWN_PLACE.sub("", text.split(" : ")[-1])[:300]
