"""The real command line on a pipeline that does what the model file says."""

from __future__ import annotations

import os
import sys
import time
import types
from collections.abc import Callable

from icraft_adapt.adapter.artifact import Artifact
from icraft_adapt.adapter.evaluation_types import EvaluationRequest, EvaluationResult
from icraft_adapt.adapter.progress import Progress
from icraft_adapt.adapter.recover_types import LayerError, Milestone, Recovery, RecoveryRequest
from icraft_adapt.adapter.report.types import (
    ActivationFit,
    Declined,
    Head,
    HeadError,
    InputInfo,
    ModelInfo,
    Placement,
    Refused,
    Report,
    Rewrite,
    TargetInfo,
    Verification,
)
from icraft_adapt.adapter.request import Request
from icraft_adapt.cli.main import main
from icraft_adapt.errors import AdaptError, Exit

BLOB = b"x" * 300_000


def report(target: str, refused: tuple[Refused, ...]) -> Report:
    fits = tuple(ActivationFit(f"backbone[{i}]", "silu", "pwl4", (0.1, 0.5), 0.01 * i) for i in range(1, 4))
    heads = tuple(Head(s, (416 // s, 416 // s), 80, f"obj_s{s}", f"reg_s{s}", f"cls_s{s}") for s in (8, 16, 32))
    errors = tuple(HeadError(f"head[s{s}]", "obj", 0.1, 0.02, 0.01) for s in (8, 16, 32))
    return Report(
        ModelInfo("net", "0" * 64, 11, (InputInfo("images", (1, 3, 416, 416)),), "pytorch 2.1"),
        TargetInfo(target, ("the cut rounds down",)),
        (Rewrite("focus_to_conv", "exact", "stem.focus", ("Slice_0[/x]",), 1e-7, 2e-7),),
        (Declined("pad_into_conv", "Pad_7", "the padding is not zero"),),
        Placement(120, 0, refused),
        fits,
        heads,
        verify=Verification("noise", 0.1, 0.02, errors),
    )


def outcome(
    request: Request,
    code: Exit = Exit.FINE,
    refused: tuple[Refused, ...] = (),
    failures: tuple[str, ...] = (),
) -> types.SimpleNamespace:
    blobs = tuple(Artifact(f"golden/{i}.npz", BLOB) for i in range(4))
    stamp = str(os.getpid()).encode()
    artifacts = (Artifact("adapted.onnx", stamp), *blobs, Artifact("manifest.json", stamp))
    return types.SimpleNamespace(
        report=report(request.target, refused),
        artifacts=() if request.dry_run else artifacts,
        verdict="every certificate holds" if code is Exit.FINE else "not adapted: the reasons stand above",
        warnings=("a warning",),
        exit_code=code,
        failures=failures,
        durations={"load": 0.25},
    )


def adapt(request: Request, progress: Progress) -> types.SimpleNamespace:
    progress.stage("load")
    os.write(1, b"native chatter\n")
    os.write(2, b"[libprotobuf ERROR] native chatter\n")
    print("library chatter")
    print("library chatter", file=sys.stderr)
    progress.stage("verify", 3)
    progress.advance()
    match request.model.read_text().split():
        case ["signal", number]:
            os.kill(os.getpid(), int(number))
        case ["bug"]:
            raise KeyError("lost\nit")
        case ["memory"]:
            raise MemoryError
        case ["disk"]:
            raise OSError(28, os.strerror(28), "cache.bin")
        case ["user"]:
            raise AdaptError("a dynamic axis", where="images", hint="--input-shape 1x3x416x416")
        case ["refused"]:
            return outcome(request, Exit.UNSUPPORTED, (Refused("/nms", "NonMaxSuppression", "no such operator"),))
        case ["failed"]:
            return outcome(request, Exit.FAILED, failures=("focus_to_conv at stem.focus: 0.3 > 1e-5",))
        case ["sleep"]:
            request.model.with_suffix(".pid").write_text(f"{os.getpid()}\n")
            time.sleep(30)
    return outcome(request)


def evaluate(request: EvaluationRequest, progress: Progress) -> EvaluationResult:
    print("loading annotations into memory...")
    return EvaluationResult("original", 0.357, 0.5, None, 64, {"ap": (0.3, 0.4), "ap50": (0.4, 0.6)}, ("bad.jpg",))


def recover(request: RecoveryRequest, progress: Progress) -> Recovery:
    progress.stage("learning", 100)
    interrupted = request.model.read_text() == "until stopped"
    if interrupted:
        request.model.with_suffix(".pid").write_text(f"{os.getpid()}\n")
        try:
            time.sleep(30)
        except KeyboardInterrupt:
            time.sleep(1.5)  # longer than other commands get
    milestones = (Milestone("rewritten", 0, 0.0), Milestone("closed form", 0, 0.5), Milestone("end to end", 7, 0.625))
    blobs = (Artifact("recovered.onnx", BLOB), Artifact("recovery.json", request.activation.encode()))
    warnings = ("a.png of b is among those in c, too",)
    layers = (LayerError("y", 0.1, 0.01),)
    failures = ("it agrees to 62.5%",) if request.min_agreement == 0.99 else ()
    ap = None if request.labels is None else (0.5, 0.25)
    return Recovery(
        request.activation, 0.625, ap, milestones, layers, (100, 150), 112, 16, warnings, failures, interrupted, blobs
    )


def install(name: str, **functions: Callable[..., object]) -> None:
    import icraft_adapt.adapter as package

    module = types.ModuleType(f"icraft_adapt.adapter.{name}")
    module.__dict__.update(functions)
    sys.modules[module.__name__] = module
    setattr(package, name, module)


if __name__ == "__main__":
    install("pipeline", adapt=adapt)
    install("evaluation", evaluate=evaluate)
    install("recover", recover=recover)
    sys.exit(main(sys.argv[1:]))
