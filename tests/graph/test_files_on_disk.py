"""What is no whole ONNX model: each file ends as one AdaptError of exit 2, whatever is wrong with it."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, numpy_helper

from icraft_adapt.errors import AdaptError, Exit
from icraft_adapt.graph.check import check
from icraft_adapt.graph.load import load_static
from icraft_adapt.graph.model import Model
from icraft_adapt.graph.read import read_proto

from .networks import CONV, network, stored

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"


def refused(path: Path, said: str, code: Exit = Exit.BAD_INPUT) -> AdaptError:
    with pytest.raises(AdaptError) as caught:
        load_static(path)
    assert said in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.code == code
    return caught.value


@pytest.mark.parametrize("data", [b"", b"hello, world\n", PNG, b"version https://git-lfs.github.com/spec/v1\n"])
def test_no_onnx_model(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(data)
    refused(path, "not an ONNX model")


def test_no_file_at_all(tmp_path: Path) -> None:
    refused(tmp_path, "is a folder, not an ONNX file")
    refused(tmp_path / "absent.onnx", "no such file (check the path)")
    file = tmp_path / "file"
    file.touch()
    refused(file / "net.onnx", "cannot be read: Not a directory")


def test_every_truncation_is_told(tmp_path: Path) -> None:
    data, path = network().SerializeToString(), tmp_path / "net.onnx"
    for size in range(len(data)):
        path.write_bytes(data[:size])
        refused(path, "ONNX model")
    path.write_bytes(data)
    load_static(path)


@pytest.mark.parametrize("seed", range(4))
def test_damaged_bytes_are_told_or_harmless(tmp_path: Path, seed: int) -> None:
    """A model with wrong bytes in it is refused, or all that is read of it can be read."""
    rng, path = random.Random(seed), tmp_path / "net.onnx"
    data = network().SerializeToString()
    for _ in range(250):
        damaged = bytearray(data)
        for _ in range(rng.choice([1, 1, 2, 4])):
            damaged[rng.randrange(len(data))] = rng.choice([rng.randrange(256), 0, 1, 255])
        path.write_bytes(damaged)
        try:
            model = Model.from_proto(load_static(path), "net")
        except AdaptError:
            continue
        check(model)
        assert all(tensor.shape is not None for tensor in model.tensors().values())
        model.to_proto()


def test_names_that_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    data = network().SerializeToString()
    assert data.count(b"Sigmoid") == 1
    path.write_bytes(data.replace(b"Sigmoid", b"Sigm\xffid"))
    refused(path, "a damaged ONNX model: a name is no UTF-8")


@pytest.mark.parametrize("raw", [True, False])
def test_values_that_do_not_fill_their_shape(tmp_path: Path, raw: bool) -> None:
    proto = network(body="y = Add(x, w)", outputs="float[1,3,8,8] y", w=np.ones((1, 3, 8, 8)))
    tensor = proto.graph.initializer[0]
    if not raw:
        tensor.ClearField("raw_data")
        tensor.float_data.extend([1.0] * 192)
    path = tmp_path / "net.onnx"
    path.write_bytes(proto.SerializeToString())
    load_static(path)
    if raw:
        tensor.raw_data = tensor.raw_data[:-4]
    else:
        tensor.float_data.append(1.0)
    path.write_bytes(proto.SerializeToString())
    assert "tensor 'w'" in str(refused(path, "its values do not fill its shape"))


def test_values_that_are_a_segment_of_others(tmp_path: Path) -> None:
    proto = network()
    proto.graph.initializer[0].segment.end = 3
    path = tmp_path / "net.onnx"
    path.write_bytes(proto.SerializeToString())
    refused(path, "its values do not fill its shape")


@pytest.mark.parametrize("kind", [TensorProto.INT4, TensorProto.UINT4, TensorProto.COMPLEX64, TensorProto.BFLOAT16])
@pytest.mark.parametrize("raw", [True, False])
def test_packed_and_paired_values_are_counted(tmp_path: Path, kind: int, raw: bool) -> None:
    proto = network()
    values = np.asarray([1, 2, 3]).astype(onnx.helper.tensor_dtype_to_np_dtype(kind))
    tensor = (
        numpy_helper.from_array(values, "unread")
        if raw
        else onnx.helper.make_tensor("unread", kind, [3], values.tolist())
    )
    proto.graph.initializer.append(tensor)
    path = tmp_path / "net.onnx"
    path.write_bytes(proto.SerializeToString())
    np.testing.assert_array_equal(stored(read_proto(path), "unread"), values)


def test_no_output(tmp_path: Path) -> None:
    proto = network()
    del proto.graph.output[:]
    path = tmp_path / "net.onnx"
    path.write_bytes(proto.SerializeToString())
    refused(path, "whose graph has no output")


def test_no_opset_of_the_default_domain(tmp_path: Path) -> None:
    proto = network()
    proto.opset_import[0].domain = "com.microsoft"
    path = tmp_path / "net.onnx"
    path.write_bytes(proto.SerializeToString())
    refused(path, "it names no opset")


def external(folder: Path, **entries: str) -> Path:
    """A model whose weights lie in weights.bin beside it; `entries` are said of them instead of the truth."""
    proto = network()
    (weight,) = (tensor for tensor in proto.graph.initializer if tensor.name == "w")
    (folder / "weights.bin").write_bytes(b"\0" * 16 + weight.raw_data)
    said = {"location": "weights.bin", "offset": "16", "length": str(len(weight.raw_data)), **entries}
    weight.ClearField("raw_data")
    weight.data_location = TensorProto.EXTERNAL
    for key, value in said.items():
        if value:
            weight.external_data.add(key=key, value=value)
    path = folder / "net.onnx"
    path.write_bytes(proto.SerializeToString())
    return path


@pytest.mark.parametrize("link", [False, True])
def test_external_data_are_brought_in(tmp_path: Path, link: bool) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    path = external(folder)
    if link:  # the data lie beside the model itself, not beside a link to it
        (tmp_path / "link.onnx").symlink_to(path)
        path = tmp_path / "link.onnx"
    proto = load_static(path)
    np.testing.assert_array_equal(stored(proto, "w"), CONV["w"])
    assert all(tensor.data_location == TensorProto.DEFAULT for tensor in proto.graph.initializer)


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ({"location": "other.bin"}, "'other.bin' is missing (copy it beside the model)"),
        ({"location": "../weights.bin"}, "'../weights.bin' leads outside the model's folder"),
        ({"location": "/dev/zero"}, "'/dev/zero' leads outside the model's folder"),
        ({"location": "sub/../../weights.bin"}, "leads outside the model's folder"),
        ({"location": ""}, "'' leads outside the model's folder"),
        ({"location": "a\0b"}, "is missing"),
        ({"location": "n" * 5000}, "is missing"),
        ({"location": "folder"}, "'folder' is missing"),
        ({"offset": "17"}, "'weights.bin' is shorter than the model says"),
        ({"length": "4096"}, "'weights.bin' is shorter than the model says"),
        ({"offset": "-1"}, "'weights.bin' is shorter than the model says"),
        ({"offset": "many"}, "offset or length is no number"),
        ({"offset": "32", "length": ""}, "its values do not fill its shape"),
        ({"length": "44"}, "its values do not fill its shape"),
    ],
)
def test_external_data_that_are_not_there(tmp_path: Path, entries: dict[str, str], said: str) -> None:
    folder = tmp_path / "model"
    (folder / "folder").mkdir(parents=True)
    (tmp_path / "weights.bin").write_bytes(b"\0" * 64)
    refused(external(folder, **entries), said)


def test_external_data_behind_a_link_that_leads_outside(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    path = external(folder)
    (folder / "weights.bin").rename(tmp_path / "weights.bin")
    (folder / "weights.bin").symlink_to("../weights.bin")
    refused(path, "'weights.bin' leads outside the model's folder")


def test_command_says_one_line_of_what_the_runtime_rejects(tmp_path: Path) -> None:
    """An index out of range among constants: valid by every check but the run itself."""
    proto = network("k = Gather(b, far) c = Add(x, k) y = Relu(c)", outputs="float[1,3,8,8] y", far=np.asarray([99]))
    (tmp_path / "net.onnx").write_bytes(proto.SerializeToString())
    call = [sys.executable, "-c", "import sys; from icraft_adapt.cli.main import main; sys.exit(main())", "net.onnx"]
    done = subprocess.run(call, capture_output=True, text=True, timeout=60, cwd=tmp_path, check=False)
    assert (done.returncode, done.stdout) == (Exit.BAD_INPUT, ""), done
    assert done.stderr.startswith("icraft-adapt: ONNX Runtime cannot run the model: ")
    assert done.stderr.count("\n") == 1
    assert [entry.name for entry in tmp_path.iterdir()] == ["net.onnx"]
