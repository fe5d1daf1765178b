"""Operators' widths from a file: simulated, and handed on to the compiler."""

from __future__ import annotations

from pathlib import Path

import pytest

from icraft_adapt.errors import AdaptError, Exit
from icraft_adapt.golden.storage import read_program
from icraft_adapt.tests.adapter.networks import BUYI, adapted, network_file, pictures_folder


def test_widths_from_a_file_are_simulated_and_handed_on(tmp_path: Path) -> None:
    file, pictures, widths = network_file(tmp_path), pictures_folder(tmp_path), tmp_path / "widths.csv"
    widths.write_text("op_id,type,dtype\n1,conv,INT16\n2,conv,INT16\n")
    outcome = adapted(file, target=BUYI, calibration=pictures, mix_precision=widths, html=False)
    assert outcome.exit_code == Exit.FINE, outcome.verdict
    files = {artifact.path: artifact.data for artifact in outcome.artifacts}
    program = read_program(files["golden/program.npz"])
    assert [layer.format.bits for layer in program.layers][:3] == [16, 16, 8]
    rows = files["icraft/mix_precision.csv"].decode().splitlines()
    assert rows[:4] == ["op_id,type,dtype", "1,conv,INT16", "2,conv,INT16", "3,silu,INT8"]
    assert len(rows) == len(program.layers) + 1
    toml = files["icraft/net.toml"].decode()
    assert 'mix_precision = "mix_precision.csv"' in toml
    assert "# ASSUMED: op_id counts the operators" in toml


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        ({}, Exit.BAD_INPUT, "--mix-precision needs images"),
        ({"target": "icraft-v3-zhuge"}, Exit.UNSUPPORTED, "--mix-precision needs the integer simulation"),
        ({"bits": "auto"}, Exit.BAD_INPUT, "--bits auto and --mix-precision both choose widths"),
    ],
)
def test_a_file_of_widths_that_cannot_be_used_is_refused(
    tmp_path: Path, options: dict[str, str], code: Exit, words: str
) -> None:
    with pytest.raises(AdaptError, match=words) as caught:
        adapted(tmp_path / "net.onnx", mix_precision=tmp_path / "widths.csv", **options)
    assert caught.value.code == code
