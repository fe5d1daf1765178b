"""All benchmarks, one after the other; docs/benchmarks.md holds what they printed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
SCRIPTS = (
    "main_job.py",
    "accuracy.py",
    "mixture.py",
    "recover.py",
    "integers.py",
    "simulator.py",
    "calibration.py",
    "report_page.py",
    "decode.py",
    "tracker.py",
)


def main() -> None:
    """Run each script; the ones that need the assets are given their folder."""
    for script in SCRIPTS:
        print(f"\n## {script}\n", flush=True)
        subprocess.run([sys.executable, str(HERE / script)], check=True)


if __name__ == "__main__":
    main()
