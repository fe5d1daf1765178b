"""Small YOLOX networks as files, the raw material of mutants."""

from __future__ import annotations

from pathlib import Path

from icraft_adapt import models
from icraft_adapt.models.export import Spelling
from icraft_adapt.models.yolox import OutputForm, YoloxConfig
from icraft_adapt.tests.exports import exported

NANO = YoloxConfig(classes=3, width=0.125)
PLAIN = YoloxConfig("s", classes=1, width=0.125, activation="leaky")
DEMO = Path(models.__file__).parent / "demo" / "demo_person.onnx"

SILU = YoloxConfig("s", classes=3, width=0.125)

FEW: dict[str, tuple[YoloxConfig, OutputForm, Spelling]] = {
    "flat": (PLAIN, OutputForm(), {"shape": (1, 3, 64, 32)}),
    "scatter": (NANO, OutputForm(True, "scatter"), {"shape": (1, 3, 32, 64)}),
    "concat": (PLAIN, OutputForm(False, "concat"), {"shape": (1, 3, 64, 64), "opset": 17}),
    "maps": (SILU, OutputForm(True, None, "maps"), {"shape": (1, 3, 32, 64), "dtype": "float16"}),
}
MORE: dict[str, tuple[YoloxConfig, OutputForm, Spelling]] = {
    "dynamo": (SILU, OutputForm(True, "concat"), {"shape": (1, 3, 64, 32), "exporter": "dynamo"}),
    "slim": (NANO, OutputForm(True, "scatter"), {"shape": (1, 3, 64, 64), "simplify": "onnxslim"}),
    "norm": (PLAIN, OutputForm(), {"shape": (1, 3, 32, 96), "keep_batchnorm": True}),
    "raw": (SILU, OutputForm(False, None, "raw"), {"shape": (1, 3, 64, 64)}),
    "smallest": (SILU, OutputForm(), {"shape": (1, 3, 32, 32)}),
}


def write_bases(folder: Path, *, more: bool) -> None:
    """The networks as NAME.onnx in the folder; with `more` those whose export takes long, too."""
    for name, (config, form, spelling) in (FEW | MORE if more else FEW).items():
        (folder / f"{name}.onnx").write_bytes(exported(config, form, **spelling))
    (folder / "demo.onnx").write_bytes(DEMO.read_bytes())
