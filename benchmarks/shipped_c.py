"""AP of a simulated network over labelled pictures: its heads decoded by numpy, and by the C that ships.

    python benchmarks/shipped_c.py ASSETS FOLDER...

FOLDER is what the main job wrote with --calib; ASSETS holds images/val and labels/val. Exit code 1 where the two differ
by more than .0005, or where the filter's records give other boxes than the maps above its threshold.
"""

from __future__ import annotations

import sys
from pathlib import Path

from icraft_adapt.adapter.output_folder import read_folder
from icraft_adapt.golden.storage import read_program
from icraft_adapt.tests.assets_e2e.shipped import compare, differing_records, pictures

MOST = 0.0005


def main(assets: Path, folders: list[Path]) -> int:
    """Print the table as Markdown."""
    worst = 0.0
    differing = 0
    print("| network | pictures | AP, numpy | AP, generated C | boxes | pictures whose records differ |")
    print("|---|---|---|---|---|---|")
    for path in folders:
        folder = read_folder(path)
        program = read_program((path / "golden" / "program.npz").read_bytes())
        files = pictures(assets, folder.reading.classes)
        found = compare(folder, program, assets, len(files))
        wrong = differing_records(folder, program, files)
        worst, differing = max(worst, abs(found.numpy - found.shipped)), differing + wrong
        name = folder.manifest.model.name
        boxes = f"{found.boxes[0]:,} / {found.boxes[1]:,}"
        print(f"| {name} | {len(files)} | {found.numpy:.5f} | {found.shipped:.5f} | {boxes} | {wrong} |", flush=True)
    return int(worst > MOST or differing > 0)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]]))
