"""An output folder, read back: what later commands need of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from onnx import ModelProto

from ..errors import AdaptError
from ..graph.load import file_digest
from ..graph.reading import Level, Reading
from .emit.manifest_json import Manifest, read_manifest
from .emit.report_schema import validate_report


@dataclass(frozen=True, slots=True)
class OutputFolder:
    """`reading` names the adapted model's outputs; `adapted` is that model. `layers` pairs each layer of the integer
    simulation, the tensor that it computes, with its anchor; empty where nothing was simulated.
    """

    path: Path
    manifest: Manifest
    reading: Reading
    adapted: ModelProto
    layers: tuple[tuple[str, str], ...] = ()

    def file(self, name: str) -> bytes | None:
        """A file of the folder as the main job wrote it; None where it wrote none of this name.

        Raises AdaptError (exit 2) where it is gone or was changed since.
        """
        written = {each.path: each.sha256 for each in self.manifest.artifacts}
        return _unchanged(self.path, name, written[name]) if name in written else None

    def original(self, given: Path | None) -> Path | None:
        """Where the original ONNX lies: as given, else as the manifest says; None where it is gone or another file.

        Raises AdaptError for a given file that is not the one the folder was made from.
        """
        file = given or self.path / self.manifest.model.path
        if file.is_file() and file_digest(file) == self.manifest.model.sha256:
            return file
        if given is not None:
            what = f"not the {self.manifest.model.name} that the folder was made from"
            raise AdaptError(what, where=str(given), hint="its SHA-256 is not the manifest's")
        return None


def read_folder(path: Path) -> OutputFolder:
    """Read a folder that the main job wrote. Raises AdaptError (exit 2) where it is none or was changed since."""
    manifest = read_manifest(_read(path, "manifest.json"), str(path / "manifest.json"))
    where = str(path / "report.json")
    try:
        report = json.loads(_read(path, "report.json"))
    except ValueError as error:
        raise AdaptError("not a report of this tool", where=where, hint="run the main job again") from error
    validate_report(report, where)
    if not report.get("heads") or "reading" not in report:
        raise AdaptError("a report without heads", where=where, hint="run the main job again")
    written = {each.path: each.sha256 for each in manifest.artifacts}
    adapted = _unchanged(path, "adapted.onnx", written.get("adapted.onnx"))
    layers = tuple((each["tensor"], each["anchor"]) for each in report.get("layers", ()))
    return OutputFolder(path, manifest, reading_of(report), ModelProto.FromString(adapted), layers)


def _read(folder: Path, name: str) -> bytes:
    try:
        return (folder / name).read_bytes()
    except OSError as error:
        hint = "give a folder that the main job wrote"
        raise AdaptError(f"{name} cannot be read: {error.strerror}", where=str(folder), hint=hint) from error


def _unchanged(folder: Path, name: str, checksum: str | None) -> bytes:
    data = _read(folder, name)
    if sha256(data).hexdigest() != checksum:
        what = "not the file that the main job wrote: its SHA-256 is not the manifest's"
        raise AdaptError(what, where=str(folder / name), hint="run the main job again")
    return data


def reading_of(report: dict[str, Any]) -> Reading:
    """The reading of the adapted model's own outputs, from the report."""
    told, heads = report["reading"], report["heads"]
    levels = tuple(
        Level(
            head["stride"],
            (head["grid"][0], head["grid"][1]),
            head["obj"],
            head["reg"],
            head["cls"],
            tuple((name.rpartition("_s")[0], name) for name in head.get("extra", ())),
        )
        for head in heads
    )
    return Reading(
        told["family"],
        levels,
        heads[0]["classes"],
        told["sigmoid_inside"],
        told["decoded_inside"],
        told["proof_max_abs"],
    )
