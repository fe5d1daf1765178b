"""diff: boards that differ by one usual cause are seen through, in every layout; folders and dumps are compared."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from icraft_adapt.adapter.gate.causes import causes
from icraft_adapt.adapter.gate.diff import diff
from icraft_adapt.adapter.gate.difference import Difference
from icraft_adapt.adapter.gate.golden_folder import GoldenFolder
from icraft_adapt.adapter.gate.measure import run
from icraft_adapt.adapter.progress import Silent
from icraft_adapt.data.preprocess import Preprocess
from icraft_adapt.errors import AdaptError, Exit
from icraft_adapt.golden.engine.protocol import decode_map
from icraft_adapt.golden.fixed import Codes
from icraft_adapt.golden.layouts import stored
from icraft_adapt.golden.program import Program
from icraft_adapt.tests.gate.detector import detector, output_folder, renamed

MAPS = ("stem.focus", "s2.conv1.act", "s2.add1", "head[s8].obj", "head[s16].reg", "head[s32].cls")


def board(
    golden: GoldenFolder, folder: Path, program: Program, codes: Codes, layout: str = "NHWC", kind: str = "npy"
) -> Path:
    """What a board that computes this program would dump: integers as npy or raw binary, or float values."""
    folder.mkdir(exist_ok=True)
    maps, formats = run(program, codes).maps, program.formats()
    names = {anchor: name for name, anchor in golden.anchors.items()}
    for anchor in MAPS:
        values = maps[names[anchor]]
        if kind == "float":
            np.save(folder / f"{anchor}.npy", stored(decode_map(values, formats[names[anchor]].normratios), layout))
        elif kind == "npy":
            np.save(folder / f"{anchor}.npy", stored(values.astype(np.int8), layout))
        else:
            (folder / f"{anchor}.bin").write_bytes(stored(values.astype(np.int8), layout).tobytes())
            told = {"dtype": "int8", "shape": list(stored(values, layout).shape), "layout": layout}
            (folder / f"{anchor}.json").write_text(json.dumps(told))
    return folder


def compared(a: Path, b: Path) -> Difference:
    return diff(a, b, Silent())


@pytest.mark.parametrize("kind", ["npy", "float", "raw"])
@pytest.mark.parametrize("layout", ["NCHW", "NHWC", "NCHWc32", "NCHWc8"])
def test_a_board_that_agrees(place: Path, golden: GoldenFolder, tmp_path: Path, layout: str, kind: str) -> None:
    dump = board(golden, tmp_path / "board", golden.program, golden.codes, layout, kind)
    for pair in ((place / "net.icraft", dump), (dump, place / "net.icraft")):
        found = compared(*pair)
        assert found.exit_code == Exit.FINE, found.lines
        assert found.lines[0] == "equal: all 6 maps are the simulation's, code by code"
        assert layout in found.lines[1]


CAUSES = (
    "the picture comes as RGB, not as BGR",
    "the pixels are divided by 255",
    "the picture's NCHW bytes are read as NHWC",
    "the picture's NHWC bytes are read as NCHW",
    "the shift of the image is missing",
    "the cuts round to the nearest, halves up, not as assumed (floor)",
    "the cuts round to the nearest, halves away from zero, not as assumed (floor)",
    "LeakyReLU's slope is a power of two (0.1 as 1/8)",
)


@pytest.mark.parametrize("words", CAUSES)
def test_a_usual_cause_is_found(place: Path, golden: GoldenFolder, tmp_path: Path, words: str) -> None:
    (cause,) = (each for each in causes(golden) if each.words == words)
    found = compared(place / "net.icraft", board(golden, tmp_path / "board", cause.program, cause.codes))
    assert found.exit_code == Exit.FAILED
    (line,) = (line for line in found.lines if line.startswith("cause: "))
    assert words in line, found.lines
    assert line.endswith("simulated so, every map is the dump's")
    first = "s2.conv1.act" if "slope" in words else "stem.focus"
    assert f"the first is {first}: " in found.lines[0]


def test_mean_and_scale(golden: GoldenFolder, tmp_path: Path) -> None:
    told = Preprocess((100.0, 110.0, 120.0), (40.0, 50.0, 60.0), "rgb")
    folder = output_folder(tmp_path, detector(change=_for_small_input), preprocess=told)
    from icraft_adapt.adapter.gate.golden_folder import read_golden

    ours = read_golden(folder)
    found = {each.words: each for each in causes(ours)}
    assert {f"{what} applied" for what in ("mean and scale are not", "the mean is not", "the scale is not")} <= set(
        found
    )
    assert "the picture comes as BGR, not as RGB" in found
    for words in ("mean and scale are applied twice", "the mean is not applied"):
        cause = found[words]
        lines = compared(folder, board(ours, tmp_path / words, cause.program, cause.codes)).lines
        assert any(line.startswith("cause: ") and words in line and "every map" in line for line in lines), lines


def _for_small_input(stored_weights: dict[str, np.ndarray]) -> None:  # type: ignore[type-arg]
    stored_weights["w0"] = stored_weights["w0"] * 50


def test_registers_that_wrap(place: Path, golden: GoldenFolder) -> None:
    assert "registers wrap, not saturate, beyond their ends" in {each.words for each in causes(golden)}


def test_sides_swapped_in_the_dump(place: Path, golden: GoldenFolder, tmp_path: Path) -> None:
    dump = board(golden, tmp_path / "board", golden.program, golden.codes, "NCHW")
    for file in dump.iterdir():
        np.save(file, np.load(file).transpose(0, 1, 3, 2))
    found = compared(place / "net.icraft", dump)
    assert found.exit_code == Exit.FAILED
    assert found.lines[0] == "cause: H and W are swapped in the dump, in 6 of 6 maps"


def test_another_normratio_is_said(place: Path, golden: GoldenFolder, tmp_path: Path) -> None:
    dump = board(golden, tmp_path / "board", golden.program, golden.codes, "NCHW")
    head = dump / "head[s16].reg.npy"
    np.save(head, np.rint(np.load(head) * 0.5).astype(np.int8))
    found = compared(place / "net.icraft", dump)
    assert "head[s16].reg" in found.lines[0]
    assert "makes them alike: another normratio" in found.lines[0]


def test_an_unusual_cause_is_not_made_up(place: Path, golden: GoldenFolder, tmp_path: Path) -> None:
    dump = board(golden, tmp_path / "board", golden.program, golden.codes)
    last = dump / "head[s32].cls.npy"
    np.save(last, np.load(last) + np.int8(1))
    found = compared(place / "net.icraft", dump)
    assert found.lines[0].startswith(
        "1 of 6 maps differ; the first is head[s32].cls: 100.00% of the codes differ, by 1"
    )
    assert any(line.startswith("cause: none of the") for line in found.lines)


def test_the_input_can_be_dumped_too(place: Path, golden: GoldenFolder, tmp_path: Path) -> None:
    np.savez(
        tmp_path / "board.npz", images=golden.codes[:, ::-1], reg_s8=run(golden.program, golden.codes).maps["reg_s8"]
    )
    found = compared(place / "net.icraft", tmp_path / "board.npz")
    assert found.lines[0].startswith("1 of 2 maps differ; the first is input: ")


def test_foreign_maps(place: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "conv99.npy", np.zeros((1, 2, 3, 4)))
    with pytest.raises(AdaptError, match="none of its 1 maps is one of the network's") as raised:
        compared(place / "net.icraft", tmp_path / "conv99.npy")
    assert raised.value.code == Exit.UNSUPPORTED


def test_a_map_of_another_shape(place: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "obj_s8.npy", np.zeros((1, 2, 3, 4)))
    with pytest.raises(AdaptError, match=r"a map of shape 1x2x3x4 cannot be the 1x1x8x12 of head\[s8\]\.obj") as raised:
        compared(place / "net.icraft", tmp_path / "obj_s8.npy")
    assert raised.value.code == Exit.BAD_INPUT


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"a.bin": b"1234"}, "raw numbers without a description"),
        ({"a.bin": b"1234", "a.json": b"["}, "no JSON"),
        ({"a.bin": b"1234", "a.json": b'{"dtype": "int8"}'}, "'shape' is a required property"),
        ({"a.bin": b"1234", "a.json": b'{"dtype": "int8", "shape": [5]}'}, "has 4 bytes, not those of 5 of int8"),
        ({"a.npy": b"no array"}, "no array of numbers"),
        ({"a.npz": b"PK no zip"}, "no array of numbers"),
    ],
)
def test_files_that_are_no_dumps(place: Path, tmp_path: Path, files: dict[str, bytes], message: str) -> None:
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    with pytest.raises(AdaptError, match=message) as raised:
        compared(place / "net.icraft", tmp_path / next(iter(files)))
    assert raised.value.code == Exit.BAD_INPUT


def test_values_that_are_not_finite(place: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "obj_s8.npy", np.full((1, 1, 8, 12), np.nan))
    with pytest.raises(AdaptError, match="not finite"):
        compared(place / "net.icraft", tmp_path / "obj_s8.npy")


def test_neither_a_folder_nor_a_dump(place: Path, tmp_path: Path) -> None:
    with pytest.raises(AdaptError, match="neither an output folder nor a dump") as raised:
        compared(place / "net.icraft", tmp_path)
    assert raised.value.code == Exit.BAD_INPUT


def test_two_dumps(golden: GoldenFolder, tmp_path: Path) -> None:
    first = board(golden, tmp_path / "a", golden.program, golden.codes, "NCHW")
    second = board(golden, tmp_path / "b", golden.program, golden.codes, "NHWC")
    assert compared(first, second).lines == ("equal: all 6 maps",)
    head = second / "s2.add1.npy"
    changed = np.load(head)
    changed[0, 3, 4, 5] += 2
    np.save(head, changed)
    (second / "stem.focus.npy").unlink()
    found = compared(first, second)
    assert found.exit_code == Exit.FAILED
    assert found.lines[0].startswith("2 differences; the first is s2.add1: 0.01% of the numbers differ, by 2 at most")
    assert found.lines[1] == "  in one of them only: stem.focus"


def test_two_dumps_of_nothing_in_common(tmp_path: Path) -> None:
    for name in ("a", "b"):
        np.save(tmp_path / f"{name}.npy", np.zeros(3))
    with pytest.raises(AdaptError, match="no map in common") as raised:
        compared(tmp_path / "a.npy", tmp_path / "b.npy")
    assert raised.value.code == Exit.UNSUPPORTED


def test_a_folder_and_itself(place: Path) -> None:
    found = compared(place / "net.icraft", place / "net.icraft")
    assert found.exit_code == Exit.FINE
    assert found.lines[0].startswith("equal: ")


def test_two_exports_of_one_network_are_equal(place: Path, tmp_path: Path) -> None:
    found = compared(place / "net.icraft", output_folder(tmp_path, renamed(detector())))
    assert found.exit_code == Exit.FINE, found.lines
    assert "note: the original models are two files, or two exports of one network" in found.lines


def test_two_folders(place: Path, tmp_path: Path) -> None:
    other = output_folder(tmp_path, detector(), target="icraft-v3-buyi", saturation="null", per="tensor")
    found = compared(place / "net.icraft", other)
    text = "\n".join(found.lines)
    assert found.exit_code == Exit.FAILED
    assert "options.saturation: aware -> null" in text
    assert "target: icraft-v1.1 -> icraft-v3-buyi" in text
    assert "assumptions only in A" in text
    assert "weights, biases, multipliers or cuts: " in text
    assert "options.per: channel -> tensor" in text
    assert "layers compute other codes; the first is s2.conv1.act" in text
    assert "head[s8].obj: cosine 0.99" in text
    assert "boxes: " in text


def test_folders_of_two_networks(place: Path, tmp_path: Path) -> None:
    other = output_folder(tmp_path, detector(classes=5), bits="16")
    text = "\n".join(compared(place / "net.icraft", other).lines)
    assert "heads[0].classes: 3 -> 5" in text
    assert "options.bits: 8 -> 16" in text
    assert "widths: 16 of 16" in text
    assert "note: the original models are two files" in text


def test_only_one_was_simulated(place: Path, tmp_path: Path) -> None:
    other = output_folder(tmp_path, detector(), golden=False)
    found = compared(place / "net.icraft", other)
    assert "integers: only A was simulated" in found.lines
