"""Real networks in integers: the generated C scores as numpy does, and the hardware filter changes nothing above it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from icraft_adapt.adapter.output_folder import OutputFolder, read_folder
from icraft_adapt.data.images import find_images
from icraft_adapt.golden.program import Program
from icraft_adapt.postproc.c.library import compiler
from icraft_adapt.postproc.decode.engines import CompiledDecoder
from icraft_adapt.tests.assets_e2e.conftest import Folder
from icraft_adapt.tests.assets_e2e.shipped import compare, decoder_of, differing_records, heads_of, integers, pictures

pytestmark = pytest.mark.skipif(compiler() is None, reason="no C compiler")

CASES = [("yolox_nano_416", 8), ("person_yolox_nano_192", 16)]
PICTURES = 6
Quantised = Callable[[str, int], tuple[OutputFolder, Program]]


@pytest.fixture(scope="module")
def quantised(folder: Folder, assets: Path) -> Quantised:
    """`quantised(model, bits)` is an output folder and its network in integers."""

    @cache
    def made(model: str, bits: int) -> tuple[OutputFolder, Program]:
        found = read_folder(folder(model, "icraft-v1.1"))
        return found, integers(found, find_images(assets / "images" / "train")[:3], bits)

    return made


@pytest.mark.parametrize(("model", "bits"), CASES)
def test_ap_of_the_generated_c_is_that_of_numpy(quantised: Quantised, assets: Path, model: str, bits: int) -> None:
    made, program = quantised(model, bits)
    found = compare(made, program, assets, PICTURES)
    assert found.engine == "the generated C"
    assert found.numpy > 0.03
    assert abs(found.numpy - found.shipped) <= 0.0005
    assert found.boxes[0] == found.boxes[1] > 30


@pytest.mark.parametrize(("model", "bits"), CASES)
def test_records_give_the_boxes_of_the_maps_above_the_filter(
    quantised: Quantised, assets: Path, model: str, bits: int
) -> None:
    made, program = quantised(model, bits)
    decoder = decoder_of(made, program)
    assert isinstance(decoder, CompiledDecoder)
    values = decoder.values
    formats = program.formats()
    for grid, limit in zip(values.levels, values.quantised.filter_codes(), strict=True):
        logit = np.log(0.1 / 0.9) / float(formats[f"obj_s{grid.stride}"].normratios[0])
        assert limit == int(logit)  # toward zero
    files = pictures(assets, made.reading.classes)[:PICTURES]
    assert differing_records(made, program, files) == 0
    boxes = 0
    for maps, _ in heads_of(made, program, files):
        through = decoder.filtered(maps, 0.15, 0.65)  # where the filter's rounding takes nothing away
        np.testing.assert_array_equal(decoder.codes(maps, 0.15, 0.65).boxes, through.boxes)
        boxes += len(decoder.filtered(maps, 0.1, 0.65))
    assert boxes > 5
