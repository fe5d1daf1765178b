"""Small networks on disk, pictures, and the main job as the command line does it, without the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from icraft_adapt.adapter.outcome import Outcome
from icraft_adapt.adapter.pipeline import adapt
from icraft_adapt.adapter.request import Request
from icraft_adapt.models.yolox import OutputForm, YoloxConfig
from icraft_adapt.tests.exports import exported

SMALL = YoloxConfig("s", classes=3, width=0.125)
NANO = YoloxConfig(classes=3, width=0.125)  # depthwise, and half as many operators again
V1, BUYI = "icraft-v1.1", "icraft-v3-buyi"


def network_file(
    folder: Path,
    config: YoloxConfig = SMALL,
    form: OutputForm = OutputForm(),  # noqa: B008  (frozen)
    **spelling: Any,  # noqa: ANN401
) -> Path:
    """The exported network as net.onnx in this folder; 64x96 unless the spelling says otherwise."""
    file = folder / "net.onnx"
    file.write_bytes(exported(config, form, **spelling))
    return file


def pictures_folder(folder: Path, count: int = 8) -> Path:
    """A new folder of noise pictures 64x96: on these the networks of models/ find boxes of score .3 and more."""
    made = folder / "pictures"
    made.mkdir()
    for index in range(count):
        cv2.imwrite(str(made / f"{index}.png"), noise(index))
    return made


def noise(seed: int) -> NDArray[np.uint8]:
    """uint8 [64, 96, 3]."""
    return np.random.default_rng(seed).integers(0, 256, (64, 96, 3), np.uint8)


def adapted(file: Path, **options: Any) -> Outcome:  # noqa: ANN401
    """The main job with these options of the request; without page and program unless they are asked for."""
    return adapt(Request(file, out=file.parent / "out", **{"html": False, "postproc": False} | options))


def written(outcome: Outcome, folder: Path) -> Path:
    """The artefacts on disk, as the command line would write them."""
    for artifact in outcome.artifacts:
        path = folder / artifact.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(artifact.data)
    return folder
