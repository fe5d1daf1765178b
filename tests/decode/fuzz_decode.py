"""Fuzz the generated decoder with libFuzzer, under the address and undefined-behaviour sanitizers.

    python tests/decode/fuzz_decode.py SECONDS

Needs clang. Two programs run one after the other, for 8-bit and for 16-bit codes, half of the time each.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from icraft_adapt.postproc.decode.sources import yolox_component
from icraft_adapt.tests.decode.decoder_cases import model

HARNESS = Path(__file__).parent / "fuzz_decode.c"
SANITIZERS = "address,undefined,float-divide-by-zero,float-cast-overflow"


def build(folder: Path, bits: int, command: Sequence[str]) -> Path:
    """Write the decoder of a small model of this width into the folder and compile it with the harness."""
    for name, text in yolox_component(model(classes=5, bits=bits, name="fuzz", max_candidates=48)).files:
        (folder / name).write_text(text, encoding="utf-8")
    units = ["fuzz_post.c", "fuzz_tables.c", str(HARNESS)]
    flags = ["-std=c99", "-g", "-O1", "-ffp-contract=off", "-fno-sanitize-recover=all", "-I."]
    subprocess.run([*command, *flags, "-o", "fuzz", *units, "-lm"], cwd=folder, check=True)
    return folder / "fuzz"


def main() -> None:
    """Fuzz for as many seconds as the command line says."""
    seconds = int(sys.argv[1])
    clang = shutil.which("clang")
    if clang is None:
        sys.exit("clang is not installed")
    for bits in (8, 16):
        with tempfile.TemporaryDirectory(prefix="icraft-adapt-") as name:
            program = build(Path(name), bits, [clang, f"-fsanitize=fuzzer,{SANITIZERS}"])
            options = [f"-max_total_time={seconds // 2}", "-max_len=4096", "-print_final_stats=1"]
            print(f"{bits}-bit codes", flush=True)
            subprocess.run([str(program), *options], cwd=name, check=True)


if __name__ == "__main__":
    main()
