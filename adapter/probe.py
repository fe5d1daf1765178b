"""The input on which a network is compared with itself where the user gave no images."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..data.preprocess import Preprocess

_SEED = 2026


def probe_input(shape: tuple[int, ...], preprocess: Preprocess) -> NDArray[np.float32]:
    """Seeded noise over the input's real range, float32 of `shape` (NCHW): coarse and fine octaves added up, so that
    it has edges at every scale, as pictures have, while no two neighbouring pixels are alike, as proofs want.
    """
    random = np.random.default_rng(_SEED)
    _, channels, height, width = shape
    picture = random.random((channels, height, width), dtype=np.float32)
    for octave in range(1, 7):
        size = 2**octave
        blocks = random.random((channels, -(-height // size), -(-width // size)), dtype=np.float32)
        picture += np.repeat(np.repeat(blocks, size, axis=1), size, axis=2)[:, :height, :width]
    share = (picture - picture.min()) / max(float(np.ptp(picture)), 1e-12)
    low, high = (np.resize(np.array(bound), (channels, 1, 1)) for bound in preprocess.value_range)
    scaled: NDArray[np.float32] = (low + share * (high - low)).astype(np.float32)[None]
    return scaled
