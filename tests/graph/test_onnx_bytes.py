"""The bytes of a network: protobuf's own, and an end in words where they end."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import ModelProto, TensorProto, numpy_helper

from icraft_adapt.errors import AdaptError, Exit
from icraft_adapt.graph import onnx_bytes as module
from icraft_adapt.graph.onnx_bytes import onnx_bytes
from icraft_adapt.graph.read import read_proto

from .networks import network


def full() -> ModelProto:
    """A model with fields before and behind its graph and its initialisers, and initialisers of many lengths."""
    proto = network()
    proto.producer_name, proto.doc_string, proto.graph.doc_string = "p", "d" * 200, "about"
    proto.metadata_props.add(key="k", value="v")
    proto.graph.value_info.add(name="c")
    for size in (0, 1, 31, 32, 5000, 1 << 20):
        proto.graph.initializer.append(numpy_helper.from_array(np.zeros(size, np.float32), f"w{size}"))
    return proto


@pytest.mark.parametrize("proto", [full(), network(), ModelProto()])
def test_they_are_those_of_protobuf(proto: ModelProto) -> None:
    proto.graph.SetInParent()
    assert onnx_bytes(proto) == proto.SerializeToString(deterministic=True)


def test_more_than_a_file_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", 1 << 20)
    with pytest.raises(AdaptError, match=r"would have 0\.0 GiB, and an ONNX file ends at 2 GiB") as caught:
        onnx_bytes(full())
    assert caught.value.code == Exit.UNSUPPORTED


@pytest.mark.parametrize(("kind", "values"), [(TensorProto.FLOAT, 1 << 29), (TensorProto.FLOAT16, 1 << 29)])
def test_weights_that_will_not_fit_are_not_even_read(tmp_path: Path, kind: int, values: int) -> None:
    proto = network()
    giant = proto.graph.initializer.add(name="giant", data_type=kind, dims=[values])
    giant.data_location = TensorProto.EXTERNAL
    giant.external_data.add(key="location", value="net.data")
    (tmp_path / "net.onnx").write_bytes(proto.SerializeToString())
    with open(tmp_path / "net.data", "wb") as data:
        data.truncate(4 * values)  # a hole: no disk is used
    with pytest.raises(AdaptError, match=r"net\.onnx: the adapted network would have 2\.0 GiB") as caught:
        read_proto(tmp_path / "net.onnx")
    assert caught.value.code == Exit.UNSUPPORTED


def test_file_that_is_no_model_for_its_size_alone(tmp_path: Path) -> None:
    with open(tmp_path / "net.onnx", "wb") as file:
        file.truncate(1 << 31)
    with pytest.raises(AdaptError, match="2 GiB or more, which no ONNX file has") as caught:
        read_proto(tmp_path / "net.onnx")
    assert caught.value.code == Exit.BAD_INPUT
