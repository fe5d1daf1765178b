"""Pictures are found and read whatever their names; broken ones are named, quietly."""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from icraft_adapt.data.images import find_images, read_image, usable_images, write_image
from icraft_adapt.errors import AdaptError, Exit

ASSETS = Path(os.environ.get("ICRAFT_ADAPT_ASSETS", Path(__file__).parents[2] / ".." / "shared" / "assets"))
needs_assets = pytest.mark.skipif(not ASSETS.is_dir(), reason="ICRAFT_ADAPT_ASSETS is absent")

ODD_NAMES = ["猫 と 犬.png", "a b  c.PNG", "line\nbreak.png", "-rf.png", "quo'te\".png", "%s{x}.png"]


def encoded(suffix: str, seed: int = 0) -> bytes:
    picture = np.random.default_rng(seed).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    return bytes(cv2.imencode(suffix, picture)[1])


def huge_png() -> bytes:
    """A header that promises 100000 x 100000 pixels."""
    data = bytearray(encoded(".png"))
    data[16:24] = struct.pack(">II", 100_000, 100_000)
    data[29:33] = struct.pack(">I", zlib.crc32(bytes(data[12:29])))
    return bytes(data)


BROKEN = {
    "empty.jpg": b"",
    "text.jpg": b"this is no picture\n" * 50,
    "half.jpg": encoded(".jpg")[:800],
    "half.png": encoded(".png")[:2000],
    "half.bmp": encoded(".bmp")[:2000],
    "half.webp": encoded(".webp")[:300],
    "huge.png": huge_png(),
}


def test_pictures_come_sorted_by_name_and_nothing_else_does(tmp_path: Path) -> None:
    for name in ["b.JPG", "a.jpeg", "c.WebP", "d.bmp", "e.png", "notes.txt", "a.jpg.part"]:
        (tmp_path / name).touch()
    (tmp_path / "folder.png").mkdir()
    assert [path.name for path in find_images(tmp_path)] == ["a.jpeg", "b.JPG", "c.WebP", "d.bmp", "e.png"]


def test_a_folder_without_pictures_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "file.jpg").touch()
    empty = tmp_path / "empty"
    empty.mkdir()
    for folder, message in [
        (tmp_path / "missing", "no such folder"),
        (tmp_path / "file.jpg", "is not a folder"),
        (empty, "no images here"),
    ]:
        with pytest.raises(AdaptError, match=message) as caught:
            find_images(folder)
        assert (caught.value.where, caught.value.code) == (str(folder), Exit.BAD_INPUT)


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_file_names_are_found_and_read(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(encoded(".png", seed=3))
    [path] = find_images(tmp_path)
    want = np.random.default_rng(3).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    np.testing.assert_array_equal(read_image(path), want)


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_written_picture_is_read_back(tmp_path: Path, name: str) -> None:
    want = np.random.default_rng(5).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    write_image(tmp_path / name, want)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    np.testing.assert_array_equal(read_image(tmp_path / name), want)


def test_no_file_is_left_where_the_suffix_is_no_pictures(tmp_path: Path) -> None:
    with pytest.raises(cv2.error):
        write_image(tmp_path / "picture.txt", np.zeros((4, 6, 3), np.uint8))
    assert not list(tmp_path.iterdir())


def test_grey_and_transparent_and_16_bit_pictures_become_bgr(tmp_path: Path) -> None:
    for picture in [
        np.full((4, 6), 7, np.uint8),
        np.full((4, 6, 4), 7, np.uint8),
        np.full((4, 6, 3), 7 * 256, np.uint16),
    ]:
        file = tmp_path / "picture.png"
        file.write_bytes(bytes(cv2.imencode(".png", picture)[1]))
        image = read_image(file)
        assert image.shape == (4, 6, 3)
        assert image.dtype == np.uint8
        assert (image == 7).all()


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_picture_is_named_and_nothing_reaches_stderr(
    tmp_path: Path, name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / name
    file.write_bytes(BROKEN[name])
    with pytest.raises(AdaptError) as caught:
        read_image(file)
    assert caught.value.where == str(file)
    os.write(2, b"still open")  # the descriptor is restored
    assert capfd.readouterr() == ("", "still open")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(AdaptError, match="No such file") as caught:
        read_image(tmp_path / "gone.jpg")
    assert caught.value.where.endswith("gone.jpg")


def test_broken_pictures_are_skipped_with_their_reason(tmp_path: Path) -> None:
    (tmp_path / "good 1.png").write_bytes(encoded(".png"))
    (tmp_path / "broken\n.jpg").write_bytes(b"")
    (tmp_path / "good 2.png").write_bytes(encoded(".png"))
    skipped: list[tuple[str, str]] = []
    used = usable_images(find_images(tmp_path), lambda path, reason: skipped.append((path.name, reason)))
    assert [(path.name, image.shape) for path, image in used] == [
        ("good 1.png", (40, 60, 3)),
        ("good 2.png", (40, 60, 3)),
    ]
    assert skipped == [("broken\n.jpg", "the file is empty")]


def test_only_broken_pictures_is_an_error(tmp_path: Path) -> None:
    for name in ["a.jpg", "b.jpg"]:
        (tmp_path / name).write_bytes(b"no")
    skipped: list[str] = []
    with pytest.raises(AdaptError, match="none of the 2 images"):
        list(usable_images(find_images(tmp_path), lambda path, _: skipped.append(path.name)))
    assert skipped == ["a.jpg", "b.jpg"]


def test_pictures_are_read_one_at_a_time(tmp_path: Path) -> None:
    for name in ["a.png", "b.png"]:
        (tmp_path / name).write_bytes(encoded(".png"))
    stream = usable_images(find_images(tmp_path), lambda path, reason: None)
    next(stream)
    (tmp_path / "b.png").write_bytes(encoded(".png", seed=9))
    want = np.random.default_rng(9).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    np.testing.assert_array_equal(next(stream)[1], want)


@needs_assets
def test_the_validation_images_all_load() -> None:
    paths = find_images(ASSETS / "images" / "val")
    skipped: list[Path] = []
    count = sum(image.ndim == 3 for _, image in usable_images(paths, lambda path, _: skipped.append(path)))
    assert (len(paths), count, skipped) == (64, 64, [])
