"""The main job on a YOLOX-s of 640 x 640 (random weights), beside the simplifiers on the same file.

    python benchmarks/main_job.py [--rounds 9]

`floor` is what no tool of this kind can do without: Python, the imports, two ONNX Runtime sessions and two runs.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

from processes import measure, table

EXPORT = """
import sys
from pathlib import Path
from icraft_adapt.models.export import export
from icraft_adapt.models.yolox import OutputForm, YoloxConfig, build
export(build(YoloxConfig("s"), OutputForm(), 0, size=(640, 640)), Path(sys.argv[1]), shape=(1, 3, 640, 640))
"""

FLOOR = """
import sys, numpy, onnx, onnxruntime
data = open(sys.argv[1], "rb").read()
onnx.ModelProto.FromString(data)
options = onnxruntime.SessionOptions()
options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
image = numpy.zeros((1, 3, 640, 640), numpy.float32)
for _ in range(2):
    onnxruntime.InferenceSession(data, options).run(None, {"images": image})
"""


def main() -> None:
    """Print the two tables as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    scripts = Path(sysconfig.get_path("scripts"))
    with tempfile.TemporaryDirectory() as folder:
        model, out = Path(folder, "yolox_s.onnx"), Path(folder, "out")
        # In a process of its own: a child's peak memory begins with that of the process that starts it.
        subprocess.run([sys.executable, "-c", EXPORT, str(model)], check=True)
        print(f"YOLOX-s, 640 x 640, {model.stat().st_size / 2**20:.0f} MiB; medians of {rounds} interleaved rounds\n")
        adapt = [str(scripts / "icraft-adapt"), str(model), "--out", str(out)]
        commands = {
            "onnxslim": [str(scripts / "onnxslim"), str(model), str(Path(folder, "slim.onnx"))],
            "icraft-adapt, icraft-v1.1 (activations approximated)": adapt,
            "icraft-adapt, icraft-v3-buyi (activations kept)": [*adapt, "--target", "icraft-v3-buyi"],
            "floor": [sys.executable, "-c", FLOOR, str(model)],
            "onnxsim": [str(scripts / "onnxsim"), str(model), str(Path(folder, "sim.onnx"))],
        }
        print(table(measure(commands, rounds, lambda: shutil.rmtree(out, ignore_errors=True)), "onnxslim"))
    start = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "icraft-adapt --help": [str(scripts / "icraft-adapt"), "--help"],
    }
    print("\n" + table(measure(start, rounds), "python -c pass"))


if __name__ == "__main__":
    main()
