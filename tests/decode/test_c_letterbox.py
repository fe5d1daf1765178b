"""Where the generated C places a picture in the input, against the placement of the images themselves."""

from __future__ import annotations

import numpy as np
import pytest

from icraft_adapt.data.letterbox import letterbox
from icraft_adapt.data.preprocess import Preprocess
from icraft_adapt.postproc.c.library import compiler
from icraft_adapt.postproc.decode.c_decoder import CDecoder, DecodeError
from icraft_adapt.postproc.decode.c_structures import Status
from icraft_adapt.tests.decode.decoder_cases import model

pytestmark = pytest.mark.skipif(compiler() is None, reason="no C compiler")


@pytest.fixture(scope="module")
def decoder() -> CDecoder:
    return CDecoder(model(classes=3, bits=8))


@pytest.mark.parametrize("size", [(1920, 1080), (96, 64), (17, 900), (1, 1), (4000, 3)])
def test_the_letterbox_of_the_c_is_that_of_the_images(decoder: CDecoder, size: tuple[int, int]) -> None:
    image = np.zeros((size[1], size[0], 3), np.uint8)
    _, placement = letterbox(image, decoder.values.input_hw, Preprocess())
    assert decoder.fit(size) == (float(np.float32(placement.ratio_x)), float(np.float32(placement.ratio_y)))


def test_a_stretched_picture_has_two_ratios() -> None:
    stretched = CDecoder(model(name="stretched", resize="stretch", integer=None))
    _, placement = letterbox(np.zeros((50, 30, 3), np.uint8), (64, 96), Preprocess(resize="stretch"))
    assert stretched.fit((30, 50)) == (float(np.float32(placement.ratio_x)), float(np.float32(placement.ratio_y)))
    with pytest.raises(DecodeError) as refused:
        stretched.fit((0, 50))
    assert refused.value.status is Status.BAD_OPTION
