"""Write docs/images/report.png: report.html of `icraft-adapt demo`, as Chromium shows it.

python docs/build_screenshot.py
"""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

from icraft_adapt.tests.page.chromium import Page, find_chromium

FILE = Path(__file__).parent / "images" / "report.png"
SIZE = (1200, 1320)


def main() -> None:
    """Run the demo in a temporary folder and photograph its page, a layer of the network in focus."""
    program = find_chromium()
    if program is None:
        sys.exit("no Chromium on this machine")
    command = Path(sysconfig.get_path("scripts"), "icraft-adapt")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        out = Path(folder, "demo.icraft")
        subprocess.run([str(command), "demo", "--out", str(out)], check=True, stdout=subprocess.DEVNULL)
        with Page(program, Path(folder, "profile")) as page:
            page.resize(*SIZE)
            page.open(out / "report.html")
            page.run("document.querySelector('[aria-label^=\"s8.conv13:\"]').focus({preventScroll: true})")
            FILE.write_bytes(page.screenshot())


if __name__ == "__main__":
    main()
