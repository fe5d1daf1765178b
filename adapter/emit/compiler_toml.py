"""icraft/<name>.toml: the vendor compiler's configuration, one section a stage.

Each stage reads what the one before wrote. Paths are relative to the folder of the toml, where the compiler
is to be run; forward_dir is the one line that the user edits.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import tomli_w

from ...data.preprocess import Preprocess
from ...errors import AdaptError, Exit
from ...targets.types import Target
from ..artifact import Artifact
from ..report.types import Head
from ..request import Request
from . import calibration_list, customop_toml, mix_precision_csv

Section: TypeAlias = dict[str, object]
FOLDER = "imodel/"


def compiler_toml(
    request: Request,
    target: Target,
    heads: Sequence[Head],
    *,
    name: str,
    shape: tuple[int, ...],
    mixed: bool = False,
) -> Artifact:
    """The configuration of network `name` with input `shape` (NCHW); `mixed`: mix_precision.csv is there.

    Raises AdaptError where the target lacks the number format (exit 3) or the name cannot be used (exit 2).
    """
    file = f"{name}.toml"
    if file == customop_toml.FILE or not name.isprintable() or "\\" in name:
        raise AdaptError("the compiler cannot use this model name", where=name, hint="rename the file")
    facts = target.toml
    refusal = customop_toml.filter_refuses(target, heads)
    passes = [facts.image_pass] if shape[1] in (1, 3) else []  # a picture is grey or has three channels
    passes += [] if refusal else [facts.filter_pass]
    sections: dict[str, Section] = {
        "parse": _parse(request.preprocess, target, name, shape),
        "optimize": {"target": facts.target, **_reads(name, "parsed"), "jr_path": FOLDER},
        "quantize": {"target": facts.target, **_reads(name, "optimized"), "jr_path": FOLDER}
        | _quantize(request, target, mixed),
        "adapt": {"target": facts.target, **_reads(name, "quantized"), "jr_path": FOLDER}
        | ({"pass_on": ",".join(passes), "custom_config": customop_toml.FILE} if passes else {}),
        "generate": {**_reads(name, "adapted"), "jr_path": FOLDER, "log_path": "logs/"},
        "run": {**_reads(name, facts.suffix), "log_time": True},
    }
    notes = _notes(request, shape, refusal, mixed)
    blocks = [_comment(notes.get(key, ())) + tomli_w.dumps({key: made}) for key, made in sections.items()]
    return Artifact(f"icraft/{file}", "\n".join(blocks).encode())


def _reads(name: str, stage: str) -> Section:
    return {"json": f"{FOLDER}{name}_{stage}.json", "raw": f"{FOLDER}{name}_{stage}.raw"}


def _parse(preprocess: Preprocess, target: Target, name: str, shape: tuple[int, ...]) -> Section:
    channels = shape[1]
    order = list(range(channels))
    mean, scale = [0.0] * channels, [1.0] * channels
    if channels in (1, 3):
        mean, scale = list(preprocess.mean[:channels]), list(preprocess.scale[:channels])
        order = order if preprocess.channels == target.toml.channels else order[::-1]
    return {
        "net_name": name,
        "framework": target.toml.framework,
        "network": "../adapted.onnx",
        "inputs": [1, *shape[2:], channels],
        "inputs_layout": "NHWC",
        "pre_method": "resize" if channels in (1, 3) else "nop",
        "pre_mean": mean,
        "pre_scale": scale,
        "channel_swap": order,
        "jr_path": FOLDER,
        "target": target.toml.target,
    }


def _quantize(request: Request, target: Target, mixed: bool) -> Section:
    bits = 16 if request.bits == "16" else 8
    if f"int{bits}" not in target.formats:
        known = ", ".join(target.formats)
        raise AdaptError(f"{target.name} has no int{bits}", hint=f"its formats: {known}", code=Exit.UNSUPPORTED)
    # BUYI's width is `bits`; a chip with float formats names its format in `qdtype`.
    floats = any(not each.startswith("int") for each in target.formats)
    width: Section = {"qdtype": f"int{bits}"} if floats else {"bits": bits}
    bins: Section = {"bin_num": target.arithmetic.calibration.bins} if target.arithmetic else {}
    return {
        **width,
        "saturation": "kld" if request.saturation == "aware" else request.saturation,
        "per": request.per,
        "forward_dir": "images",
        "forward_list": calibration_list.FILE,
        **bins,
        **({"mix_precision": mix_precision_csv.FILE} if mixed else {}),
    }


def _notes(request: Request, shape: tuple[int, ...], refusal: str | None, mixed: bool) -> dict[str, tuple[str, ...]]:
    """The comment lines above each section."""
    size = "x".join(map(str, shape[:1:-1]))
    quantize = ["EDIT forward_dir: the folder of the images that forward_list names."]
    if request.preprocess.resize == "letterbox" and shape[1] in (1, 3):
        quantize.append(f"The compiler stretches them to {size}. To calibrate as the network was trained, letterbox")
        quantize.append('them to that size first and set pre_method = "nop" above.')
    if mixed:
        quantize.append(f"ASSUMED: {mix_precision_csv.NUMBERS}. Compare the types with those of your own log.")
    if request.saturation == "aware":
        quantize.append("The compiler has no aware saturation: kld stands in for it.")
    return {
        "parse": ("Paths are relative to this folder: run the compiler here.",),
        "quantize": tuple(quantize),
        "adapt": (f"Without the threshold filter: {refusal}.",) if refusal else (),
        "run": ("The input is given on the command line: --input IMAGE.",),
    }


def _comment(lines: Sequence[str]) -> str:
    return "".join(f"# {line}\n" for line in lines)
