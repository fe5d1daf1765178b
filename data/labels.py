"""Ground truth from disk: YOLO text files or a COCO instances JSON."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any, Literal

import numpy as np

from ..errors import AdaptError
from .detections import GroundTruth

LabelFormat = Literal["yolo", "coco"]
SizedImage = tuple[Path, tuple[int, int]]  # the file and its (height, width) in pixels

_SLACK = 1e-3  # writers of normalised coordinates round past the border by about this much
_FAR = 1e9  # no pixel and no class number is beyond it; NaN and infinity are


def load_labels(folder: Path, format: LabelFormat, images: Sequence[SizedImage]) -> dict[str, GroundTruth]:
    """The ground truth of each image, by its file name. AdaptError names the file, and the line or entry.

    "yolo": `folder` holds <stem>.txt, lines `class cx cy w h` as fractions of the image; no file: no boxes.
    "coco": `folder` is an instances JSON or holds one; images are matched by file name; category ids become
    0..n-1 in ascending order of id (COCO's 80 as YOLOX numbers them); iscrowd is kept.
    """
    if not os.path.exists(folder):
        raise AdaptError("no such file or folder", where=str(folder), hint="expected the labels of the images")
    if format == "coco":
        return _load_coco(folder, images)
    if not os.path.isdir(folder):
        raise AdaptError("is not a folder", where=str(folder), hint="YOLO labels are a folder of .txt files")
    files = {path.name: folder / f"{path.stem}.txt" for path, _ in images}
    if files and not any(file.is_file() for file in files.values()):
        raise AdaptError("holds no label for any of the images", where=str(folder), hint="expected <image>.txt")
    return {path.name: _read_yolo(files[path.name], size) for path, size in images}


def _read_yolo(file: Path, size: tuple[int, int]) -> GroundTruth:
    if not file.is_file():
        return GroundTruth.empty()
    lines = _read_text(file).split("\n")
    rows = [_yolo_row(line, f"{file}, line {n}") for n, line in enumerate(lines, 1) if line.strip()]
    table = np.array(rows, np.float64).reshape(-1, 5)
    centre, extent = table[:, 1:3], table[:, 3:5]
    height, width = size
    boxes = np.hstack([centre - extent / 2, centre + extent / 2]) * [width, height, width, height]
    return GroundTruth(boxes, table[:, 0].astype(np.int64), np.zeros(len(table), np.bool_))


def _yolo_row(line: str, where: str) -> tuple[float, ...]:
    """Class, cx, cy, w, h of one line."""
    words = line.split()
    if len(words) != 5:
        raise AdaptError(f"{len(words)} values, expected 5", where=where, hint="class cx cy w h")
    try:
        number, values = int(words[0]), [float(word) for word in words[1:]]
    except ValueError as error:
        hint = "class cx cy w h, the class an integer"
        raise AdaptError("not numbers", where=where, hint=hint) from error
    if not 0 <= number < _FAR:
        raise AdaptError(f"class {number} cannot be", where=where)
    if not all(-_SLACK <= value <= 1 + _SLACK for value in values) or min(values[2:]) < 0:
        hint = "cx cy w h are fractions of the image"
        raise AdaptError("coordinates outside 0..1", where=where, hint=hint)
    return (float(number), *values)


def _load_coco(folder: Path, images: Sequence[SizedImage]) -> dict[str, GroundTruth]:
    file = _instances_file(folder)
    document = _read_json(file)
    names = {path.name for path, _ in images}
    name_of = {
        _integer(entry, "id", file): name
        for entry in document["images"]
        if (name := PurePosixPath(str(_field(entry, "file_name", file))).name) in names
    }
    absent = sorted(names - set(name_of.values()))
    if absent:
        message = f"{len(absent)} images are not listed here, the first is {absent[0]}"
        raise AdaptError(message, where=str(file), hint="is this the JSON of these images?")
    if len(name_of) > len(names):
        raise AdaptError("lists two images of the same file name", where=str(file))
    ids = sorted({_integer(entry, "id", file) for entry in document["categories"]})
    class_of = {category: number for number, category in enumerate(ids)}
    rows: dict[str, list[tuple[list[float], int, bool]]] = {name: [] for name in names}
    for entry in document["annotations"]:
        image = _integer(entry, "image_id", file)
        if image in name_of:
            rows[name_of[image]].append(_coco_row(entry, class_of, file))
    return {path.name: _ground_truth(rows[path.name]) for path, _ in images}


def _ground_truth(rows: list[tuple[list[float], int, bool]]) -> GroundTruth:
    return GroundTruth(
        np.array([box for box, _, _ in rows], np.float64).reshape(-1, 4),
        np.array([number for _, number, _ in rows], np.int64),
        np.array([crowd for _, _, crowd in rows], np.bool_),
    )


def _coco_row(entry: dict[str, Any], class_of: dict[int, int], file: Path) -> tuple[list[float], int, bool]:
    """Box xyxy, class number and iscrowd of one annotation."""
    where = f"{file}, annotation {entry.get('id', '?')}"
    category = _integer(entry, "category_id", file)
    if category not in class_of:
        raise AdaptError(f"category {category} is not among the categories", where=where)
    box = _field(entry, "bbox", file)
    if not (isinstance(box, list) and len(box) == 4 and all(_is_size(value) for value in box)):
        raise AdaptError("bbox is not four numbers", where=where, hint="[x, y, width, height] in pixels")
    x, y, width, height = (float(value) for value in box)
    return [x, y, x + width, y + height], class_of[category], bool(entry.get("iscrowd", 0))


def _is_size(value: object) -> bool:
    return isinstance(value, int | float) and abs(value) < _FAR


def _instances_file(folder: Path) -> Path:
    if folder.is_file():
        return folder
    found = sorted(folder.glob("instances*.json")) or sorted(folder.glob("*.json"))
    if len(found) != 1:
        message = f"holds {len(found)} JSON files" if found else "holds no JSON file"
        raise AdaptError(message, where=str(folder), hint="name the instances JSON itself")
    return found[0]


def _read_json(file: Path) -> dict[str, list[dict[str, Any]]]:
    try:
        document = json.loads(_read_text(file))
    except json.JSONDecodeError as error:
        raise AdaptError(f"not JSON: {error.msg} in line {error.lineno}", where=str(file)) from error
    for part in ("images", "annotations", "categories"):
        entries = document.get(part) if isinstance(document, dict) else None
        if not (isinstance(entries, list) and all(isinstance(entry, dict) for entry in entries)):
            raise AdaptError(f"not a COCO instances file: no list {part!r}", where=str(file))
    parts: dict[str, list[dict[str, Any]]] = document
    return parts


def _field(entry: dict[str, Any], key: str, file: Path) -> object:
    if key not in entry:
        raise AdaptError(f"the entry with id {entry.get('id', '?')} has no {key!r}", where=str(file))
    return entry[key]


def _integer(entry: dict[str, Any], key: str, file: Path) -> int:
    value = _field(entry, key, file)
    if not isinstance(value, int):
        raise AdaptError(f"{key!r} is not an integer: {value!r}", where=str(file))
    return value


def _read_text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise AdaptError(f"cannot be read: {error.strerror}", where=str(file)) from error
    except UnicodeDecodeError as error:
        raise AdaptError("is not UTF-8 text", where=str(file)) from error
