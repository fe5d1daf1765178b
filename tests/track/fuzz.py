"""Fuzz the generated tracker with libFuzzer, AddressSanitizer and UBSan (needs clang); a release check.

python tests/track/fuzz.py [--seconds 600] [--corpus FOLDER]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from icraft_adapt.postproc.track.sources import ByteTrackValues, byte_track_component

TARGET = Path(__file__).with_name("fuzz_track.c").resolve()
FLAGS = "-std=c99 -O1 -g -fsanitize=fuzzer,address,undefined,float-cast-overflow,float-divide-by-zero"


def main() -> int:
    """The fuzzer's exit code: 0 if nothing was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--corpus", type=Path, help="inputs of earlier runs, and where new ones go")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, text in byte_track_component("byte", ByteTrackValues(max_boxes=24, max_tracks=32)).files:
            (folder / file).write_text(text)
        stop = "-fno-sanitize-recover=all"
        build = ["clang", *FLAGS.split(), stop, "-I.", "byte_track.c", str(TARGET), "-o", "fuzz", "-lm"]
        subprocess.run(build, cwd=folder, check=True)
        corpus = (given.corpus or folder / "corpus").resolve()
        corpus.mkdir(parents=True, exist_ok=True)
        limits = [f"-max_total_time={given.seconds}", "-max_len=4096", f"-artifact_prefix={Path.cwd()}/"]
        return subprocess.run([str(folder / "fuzz"), *limits, str(corpus)], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
