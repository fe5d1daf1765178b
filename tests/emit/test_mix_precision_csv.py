"""The width of every operator, out and in again."""

from __future__ import annotations

from pathlib import Path

import pytest

from icraft_adapt.adapter.emit.mix_precision_csv import mix_precision_csv, read_mix_precision
from icraft_adapt.errors import AdaptError, Exit
from icraft_adapt.golden.network import Network
from icraft_adapt.golden.quantise import quantise
from icraft_adapt.golden.samples import Samples
from icraft_adapt.golden.settings import Settings
from icraft_adapt.tests.golden.test_quantise import arithmetic, images, prepared, residual_network

WIDE = {"y1": 16, "out": 16}
ROWS = """op_id,type,dtype
1,conv,INT8
2,relu,INT8
3,conv,INT16
4,relu,INT16
5,add,INT8
6,concat,INT8
7,conv,INT8
8,silu,INT8
9,conv,INT16
"""


@pytest.fixture(scope="module")
def made() -> tuple[Network, Samples]:
    return prepared(residual_network(), images(2))


def written(made: tuple[Network, Samples], settings: Settings) -> str:
    """The file for the residual network under these settings."""
    program = quantise(*made, arithmetic(), settings)
    artifact = mix_precision_csv(made[0], program)
    assert artifact.path == "icraft/mix_precision.csv"
    return artifact.data.decode()


def test_every_operator_has_a_row_and_a_fused_activation_its_own(made: tuple[Network, Samples]) -> None:
    assert written(made, Settings(mixed=WIDE)) == ROWS
    assert "INT8" not in written(made, Settings(bits=16))


def test_what_was_written_is_read_again(made: tuple[Network, Samples], tmp_path: Path) -> None:
    file = tmp_path / "mix.csv"
    file.write_text(ROWS)
    mixed = read_mix_precision(file, made[0])
    assert {name for name, bits in mixed.items() if bits == 16} == set(WIDE)
    assert written(made, Settings(mixed=mixed)) == ROWS


def test_columns_may_stand_in_any_order_and_be_empty(made: tuple[Network, Samples], tmp_path: Path) -> None:
    file = tmp_path / "mix.csv"
    file.write_text("type, op_id, dtype, per\nConv, 9, int16, \n")
    assert read_mix_precision(file, made[0]) == {"out": 16}


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("op_id,dtype\n1,INT8\n", Exit.BAD_INPUT, "lacks the column type"),
        ("", Exit.BAD_INPUT, "lacks the column op_id"),
        ("op_id,type,dtype\n10,conv,INT8\n", Exit.BAD_INPUT, "the operators 1 to 9"),
        ("op_id,type,dtype\nx,conv,INT8\n", Exit.BAD_INPUT, "op_id x"),
        ("op_id,type,dtype\n5,conv,INT8\n", Exit.BAD_INPUT, "op_id 5 is of type add here, not conv"),
        ("op_id,type,dtype\n1,conv,INT8\n2,relu,INT16\n", Exit.BAD_INPUT, "their widths differ"),
        ("op_id,type,dtype\n1,conv,FP32\n", Exit.UNSUPPORTED, "dtype FP32"),
        ("op_id,type,dtype,per\n1,conv,INT8,tensor;tensor\n", Exit.UNSUPPORTED, "a per of its own"),
    ],
)
def test_what_does_not_fit_is_refused(
    made: tuple[Network, Samples], tmp_path: Path, text: str, code: Exit, message: str
) -> None:
    file = tmp_path / "mix.csv"
    file.write_text(text)
    with pytest.raises(AdaptError, match=message) as caught:
        read_mix_precision(file, made[0])
    assert caught.value.code == code


def test_a_file_that_is_no_text_is_refused(made: tuple[Network, Samples], tmp_path: Path) -> None:
    file = tmp_path / "mix.csv"
    for content in (b"\xff\xfe\x00", None):
        if content is None:
            file.unlink()
        else:
            file.write_bytes(content)
        with pytest.raises(AdaptError, match="cannot be read"):
            read_mix_precision(file, made[0])
