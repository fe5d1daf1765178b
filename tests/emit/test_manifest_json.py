"""manifest.json: written, read back, and refused where it is none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from icraft_adapt.adapter.emit.manifest_json import Original, manifest_json, manifest_of, read_manifest
from icraft_adapt.adapter.report.types import ArtifactInfo
from icraft_adapt.adapter.request import Request
from icraft_adapt.data.preprocess import Preprocess
from icraft_adapt.errors import AdaptError, Exit
from icraft_adapt.version import __version__

ORIGINAL = Original("net", "ab" * 32, "../net.onnx")
FILES = (ArtifactInfo("adapted.onnx", "cd" * 32),)
REQUEST = Request(
    Path("/somewhere/net.onnx"),
    input_shape=(1, 3, 608, 1088),
    preprocess=Preprocess((123.675, 116.28, 103.53), (58.395, 57.12, 57.375), "rgb"),
    threshold=0.25,
)


def test_it_comes_back() -> None:
    for request in (REQUEST, Request(Path("net.onnx"))):
        manifest = manifest_of(request, ORIGINAL, "icraft-v1.1", FILES)
        artifact = manifest_json(manifest)
        assert artifact.path == "manifest.json"
        assert read_manifest(artifact.data, "manifest.json") == manifest
        assert manifest.tool == __version__


def test_no_absolute_path_gets_in() -> None:
    assert b"somewhere" not in manifest_json(manifest_of(REQUEST, ORIGINAL, "icraft-v1.1", FILES)).data
    with pytest.raises(ValueError, match="absolute path"):
        manifest_of(REQUEST, Original("net", "ab" * 32, "/net.onnx"), "icraft-v1.1", FILES)
    with pytest.raises(ValueError, match="absolute path"):
        manifest_of(REQUEST, ORIGINAL, "/mine.yaml", FILES)


def changed(**values: object) -> bytes:
    made = json.loads(manifest_json(manifest_of(REQUEST, ORIGINAL, "icraft-v1.1", FILES)).data)
    return json.dumps(made | values).encode()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        b"[]",
        b"{}",
        changed(schema="icraft-adapt/manifest/2"),
        changed(model={"name": "net"}),
        changed(preprocess={"blur": 1}),
        changed(artifacts=3),
    ],
)
def test_what_is_no_manifest(data: bytes) -> None:
    with pytest.raises(AdaptError, match="not a manifest") as caught:
        read_manifest(data, "out/manifest.json")
    assert caught.value.code is Exit.BAD_INPUT
    assert caught.value.where == "out/manifest.json"
