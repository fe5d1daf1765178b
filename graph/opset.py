"""The model in another opset, by onnx's own version converter, which is shown the graph without its weights."""

from __future__ import annotations

from onnx import ModelProto, version_converter

from ..errors import AdaptError, Exit
from .normalise import constants_to_initialisers
from .opset_check import differing_nodes
from .shapes import infer_shapes, skeleton
from .versions import opset_of, since


def convert_opset(proto: ModelProto, opset: int, ir_version: int) -> ModelProto:
    """The same network in this opset of the default domain and this ir_version. Raises AdaptError (3) if it cannot be.

    Where the converter gives up, a graph whose operators are the same in both opsets is restamped. The converter is
    not believed: each kind of operator that it touched is run in both opsets.
    """
    converted = ModelProto()
    converted.CopyFrom(proto)
    converted.ir_version = ir_version
    if opset_of(proto) != opset:
        bones = _converted_bones(proto, opset)
        notes = {node.output[0]: node for node in proto.graph.node}
        del converted.graph.node[:], converted.opset_import[:]
        converted.graph.node.extend(bones.graph.node)
        converted.opset_import.extend(bones.opset_import)
        for node in converted.graph.node:
            note = notes.get(node.output[0])
            if note is not None:
                del node.metadata_props[:]
                node.metadata_props.extend(note.metadata_props)
                if note.doc_string:
                    node.doc_string = note.doc_string
        present = {tensor.name for tensor in proto.graph.initializer} | {v.name for v in bones.graph.input}
        converted.graph.initializer.extend(t for t in bones.graph.initializer if t.name not in present)
        constants_to_initialisers(converted)  # the converter writes operands as Constant nodes
    infer_shapes(converted, check=True)
    differing = differing_nodes(proto, converted)
    if differing:
        raise AdaptError(
            f"opset {opset} computes {', '.join(map(repr, differing[:3]))} otherwise than opset {opset_of(proto)}",
            hint=f"export with opset {opset}",
            code=Exit.UNSUPPORTED,
        )
    return converted


def _converted_bones(proto: ModelProto, opset: int) -> ModelProto:
    bones = skeleton(proto)
    del bones.graph.value_info[:]
    try:
        converted: ModelProto = version_converter.convert_version(bones, opset)
    except (RuntimeError, ValueError) as error:
        source = opset_of(proto)
        standard = {n.op_type for n in bones.graph.node if n.domain in ("", "ai.onnx")}
        changed = {op for op in standard if since(op, opset) != since(op, source)}
        if changed:
            raise AdaptError(
                f"{', '.join(sorted(changed))} cannot be brought from opset {source} to {opset}",
                hint=f"export with opset {opset}",
                code=Exit.UNSUPPORTED,
            ) from error
        converted = bones
        for entry in converted.opset_import:
            entry.version = opset if entry.domain in ("", "ai.onnx") else entry.version
    return converted
