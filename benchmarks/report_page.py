"""report.html of calibrated runs: its size, and how long Chromium takes to load it from a file.

    python benchmarks/report_page.py ASSETS

ASSETS holds models/yolox_nano_416.onnx, models/person_yolox_nano_192.onnx and images/train. `load` is from the start of
the navigation to the end of the page's load event, scripts included, the median of nine; `first paint` likewise.
"""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from statistics import median

from icraft_adapt.tests.page.chromium import Page, find_chromium

PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
ROUNDS = 9


def main(assets: Path) -> None:
    """Print the table as Markdown."""
    program = find_chromium()
    if program is None:
        sys.exit("no Chromium on this machine")
    command = str(Path(sysconfig.get_path("scripts"), "icraft-adapt"))
    nano, person = (str(assets / "models" / f"{name}.onnx") for name in ("yolox_nano_416", "person_yolox_nano_192"))
    images = ("--calib", str(assets / "images" / "train"))
    runs: dict[str, tuple[str, ...]] = {
        "bundled network, demo": ("demo",),
        "yolox_nano_416, no images": (nano,),
        "yolox_nano_416, 128 images": (nano, *images),
        "yolox_nano_416 for icraft-v3-buyi, 128 images": (nano, *images, "--target", "icraft-v3-buyi"),
        "person_yolox_nano_192, 128 images": (person, *images),
    }
    print("| run | MB | load, ms | first paint, ms |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        for number, (name, arguments) in enumerate(runs.items()):
            out = Path(folder, f"{number}.icraft")
            subprocess.run([command, *arguments, "--out", str(out)], check=True, stdout=subprocess.DEVNULL)
            file = out / "report.html"
            with Page(program, Path(folder, f"profile{number}")) as page:
                times = [(page.open(file), _painted(page)) for _ in range(ROUNDS)]
            loads, paints = zip(*times, strict=True)
            print(
                f"| {name} | {file.stat().st_size / 1e6:.2f} | {median(loads):.0f} | {median(paints):.0f} |", flush=True
            )


def _painted(page: Page) -> float:
    while not (painted := page.run(PAINT)):
        page.run("new Promise(done => setTimeout(done, 10))")
    return float(painted)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "../shared/assets"))
