"""Ground truth in both formats, and every way in which a label file is wrong."""

from __future__ import annotations

import copy
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from icraft_adapt.data.images import find_images, read_image
from icraft_adapt.data.labels import load_labels
from icraft_adapt.errors import AdaptError, Exit

ASSETS = Path(os.environ.get("ICRAFT_ADAPT_ASSETS", Path(__file__).parents[2] / ".." / "shared" / "assets"))
needs_assets = pytest.mark.skipif(not ASSETS.is_dir(), reason="ICRAFT_ADAPT_ASSETS is absent")

ONE = [(Path("images/猫 1.jpg"), (100, 200))]
TWO = [*ONE, (Path("images/b.png"), (50, 50))]

COCO: dict[str, Any] = {
    "images": [
        {"id": 7, "file_name": "猫 1.jpg"},
        {"id": 3, "file_name": "val2017/b.png"},
        {"id": 5, "file_name": "other.jpg"},
    ],
    "categories": [{"id": 90, "name": "z"}, {"id": 1, "name": "a"}, {"id": 13, "name": "m"}],
    "annotations": [
        {"id": 1, "image_id": 7, "category_id": 13, "bbox": [10, 20, 30, 40], "iscrowd": 0},
        {"id": 2, "image_id": 7, "category_id": 90, "bbox": [0, 0, 5.5, 6], "iscrowd": 1},
        {"id": 3, "image_id": 5, "category_id": 1, "bbox": [0, 0, 1, 1]},
    ],
}


def write_coco(folder: Path, document: object) -> Path:
    file = folder / "instances_val.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    return file


def test_yolo_fractions_become_pixel_corners(tmp_path: Path) -> None:
    (tmp_path / "猫 1.txt").write_text("3 0.5 0.5 0.2 0.4\r\n\n0 0.25 0.1 0.5 0.2", encoding="utf-8")
    truth = load_labels(tmp_path, "yolo", TWO)
    assert list(truth) == ["猫 1.jpg", "b.png"]
    np.testing.assert_allclose(truth["猫 1.jpg"].boxes, [[80, 30, 120, 70], [0, 0, 100, 20]])
    assert truth["猫 1.jpg"].classes.tolist() == [3, 0]
    assert not truth["猫 1.jpg"].crowd.any()
    assert truth["b.png"].boxes.shape == (0, 4)  # no file: nothing in the picture


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("0 0.5 0.5 0.2", "4 values, expected 5"),
        ("0 0.5 0.5 0.2 0.2 0.9", "6 values, expected 5"),
        ("cat 0.5 0.5 0.2 0.2", "not numbers"),
        ("0.5 0.5 0.5 0.2 0.2", "not numbers"),
        ("0 0.5 x 0.2 0.2", "not numbers"),
        ("-1 0.5 0.5 0.2 0.2", "class -1 cannot be"),
        ("0 120 80 20 30", "coordinates outside 0..1"),
        ("0 0.5 nan 0.2 0.2", "coordinates outside 0..1"),
        ("0 0.5 0.5 -0.0005 0.2", "coordinates outside 0..1"),
    ],
)
def test_a_malformed_yolo_line_is_named(tmp_path: Path, line: str, message: str) -> None:
    file = tmp_path / "猫 1.txt"
    file.write_text(f"0 0.5 0.5 0.2 0.2\n\n{line}\n", encoding="utf-8")
    with pytest.raises(AdaptError, match=message) as caught:
        load_labels(tmp_path, "yolo", ONE)
    assert caught.value.where == f"{file}, line 3"
    assert caught.value.code == Exit.BAD_INPUT


def test_wrong_yolo_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(AdaptError, match="holds no label for any"):
        load_labels(tmp_path, "yolo", TWO)
    with pytest.raises(AdaptError, match="no such file"):
        load_labels(tmp_path / "missing", "yolo", ONE)
    (tmp_path / "猫 1.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(AdaptError, match="not UTF-8") as caught:
        load_labels(tmp_path, "yolo", ONE)
    assert caught.value.where.endswith("猫 1.txt")
    with pytest.raises(AdaptError, match="is not a folder"):
        load_labels(tmp_path / "猫 1.txt", "yolo", ONE)


@pytest.mark.parametrize("name_the_file", [True, False])
def test_coco_categories_become_contiguous_and_crowds_stay(tmp_path: Path, name_the_file: bool) -> None:
    file = write_coco(tmp_path, COCO)
    truth = load_labels(file if name_the_file else tmp_path, "coco", TWO)
    assert list(truth) == ["猫 1.jpg", "b.png"]
    np.testing.assert_array_equal(truth["猫 1.jpg"].boxes, [[10, 20, 40, 60], [0, 0, 5.5, 6]])
    assert truth["猫 1.jpg"].classes.tolist() == [1, 2]  # ids 1, 13, 90
    assert truth["猫 1.jpg"].crowd.tolist() == [False, True]
    assert len(truth["b.png"]) == 0


def without(part: str, key: str) -> dict[str, Any]:
    document = copy.deepcopy(COCO)
    del document[part][0][key]
    return document


def altered(part: str, key: str, value: object) -> dict[str, Any]:
    document = copy.deepcopy(COCO)
    document[part][0][key] = value
    return document


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "no list 'images'"),
        ({"images": [], "annotations": []}, "no list 'categories'"),
        (COCO | {"annotations": [3]}, "no list 'annotations'"),
        (without("annotations", "bbox"), "no 'bbox'"),
        (without("annotations", "image_id"), "no 'image_id'"),
        (without("categories", "id"), "no 'id'"),
        (without("images", "file_name"), "no 'file_name'"),
        (altered("annotations", "bbox", [1, 2, 3]), "not four numbers"),
        (altered("annotations", "bbox", [1, 2, 3, float("nan")]), "not four numbers"),
        (altered("annotations", "category_id", 2), "category 2 is not among"),
        (altered("annotations", "image_id", "7"), "not an integer: '7'"),
        (altered("images", "file_name", "c.jpg"), "1 images are not listed here, the first is 猫 1.jpg"),
        (altered("images", "file_name", "train/b.png"), "1 images are not listed"),
        (COCO | {"images": [*COCO["images"], {"id": 9, "file_name": "b.png"}]}, "two images of the same"),
    ],
)
def test_a_malformed_coco_file_is_named(tmp_path: Path, document: object, message: str) -> None:
    file = write_coco(tmp_path, document)
    with pytest.raises(AdaptError, match=message) as caught:
        load_labels(tmp_path, "coco", TWO)
    assert caught.value.where.startswith(str(file))
    assert caught.value.code == Exit.BAD_INPUT


def test_coco_files_that_are_no_json_missing_or_many(tmp_path: Path) -> None:
    with pytest.raises(AdaptError, match="holds no JSON"):
        load_labels(tmp_path, "coco", TWO)
    (tmp_path / "x.json").write_text('{"images": [\n1,]}')
    with pytest.raises(AdaptError, match=r"not JSON: .* line 2"):
        load_labels(tmp_path, "coco", TWO)
    (tmp_path / "y.json").write_text("{}")
    with pytest.raises(AdaptError, match="holds 2 JSON files"):
        load_labels(tmp_path, "coco", TWO)
    write_coco(tmp_path, COCO)  # instances*.json goes before the rest
    assert len(load_labels(tmp_path, "coco", TWO)) == 2


@needs_assets
def test_the_validation_labels_lie_inside_their_images() -> None:
    images = [(path, read_image(path).shape[:2]) for path in find_images(ASSETS / "images" / "val")]
    sized = [(path, (height, width)) for path, (height, width) in images]
    truth = load_labels(ASSETS / "labels" / "val", "yolo", sized)
    assert len(truth) == 64
    assert sum(len(one) for one in truth.values()) > 300
    for path, (height, width) in sized:
        one = truth[path.name]
        assert ((one.boxes >= -1) & (one.boxes <= np.array([width, height] * 2) + 1)).all()
        assert ((one.classes >= 0) & (one.classes < 80)).all()
