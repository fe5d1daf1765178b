"""A campaign of damaged models: each ends with exit 0 and a folder that holds, or with one line and nothing left.

    python tests/robustness/campaign.py --count 5000 --seed 7

The command line runs in this process and forks its worker, as ever; what a run costs beside that, starting Python and
loading the libraries, is paid once. A line is printed for each mutant that breaks a promise; the exit code is 1 then.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import os
import resource
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from icraft_adapt.adapter import pipeline
from icraft_adapt.cli import adapt, folder, summary
from icraft_adapt.cli.main import main
from icraft_adapt.tests.robustness.mutate import mutant
from icraft_adapt.tests.robustness.room import Room
from icraft_adapt.tests.robustness.verdict import faults_of_folder

LOADED = (pipeline, adapt, folder, summary)  # once here, not once a worker
TARGETS = ("icraft-v1.1", "icraft-v3-buyi")
WHOLE = 0.25  # of the mutants get all files, the others those without a page and a program
LONGEST = 60  # seconds
MEMORY = 8 << 30  # bytes of address space: a shape that lies must not take the machine down


@dataclass(frozen=True, slots=True)
class Trial:
    """One mutant: its seed and what was done to it, and how the command line took it."""

    seed: tuple[int, int]
    told: str
    code: int
    out: str
    err: str
    seconds: float
    faults: tuple[str, ...]

    def __str__(self) -> str:
        """A line for a person."""
        faults = "; ".join(self.faults) or "as promised"
        told = " ".join(self.told.split())
        return f"{self.seed} [{told}] exit {self.code} {self.seconds:.1f} s: {faults} | {self.err.strip()!r}"


def campaign(bases: list[Path], room: Room, seed: int, start: int, count: int) -> Iterator[Trial]:
    """Mutants number `start` to `start + count` of this seed, one after the other, in the room."""
    os.environ.update(room.environment)
    tempfile.tempdir = None
    os.chdir(room.cwd)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    signal.signal(signal.SIGALRM, signal.default_int_handler)  # as if the user lost patience
    for index in range(start, start + count):
        yield trial((seed, index), bases)


def trial(seed: tuple[int, int], bases: list[Path]) -> Trial:
    """Damage a network with this seed and adapt it here."""
    random = np.random.default_rng(seed)
    base = bases[random.integers(len(bases))]
    target = TARGETS[random.integers(len(TARGETS))]
    data, told = mutant(base.read_bytes(), random)
    less = [] if random.random() < WHOLE else ["--no-report", "--no-postproc"]
    model, out = Path("mutant.onnx"), Path("mutant.icraft")
    model.write_bytes(data)
    room = Room(Path.cwd().parent)
    before = room.listing()
    start = time.perf_counter()
    code, said, err = _call([str(model), "--target", target, *less])
    seconds = time.perf_counter() - start
    left = {path for path in room.listing() - before if not path.startswith(f"cwd/{out}")}
    faults = [*_faults_of_words(code, said, err, out.exists()), *(f"left {path}" for path in sorted(left))]
    if code == 0 and out.is_dir():
        faults += faults_of_folder(out, model)
    room.clear(before)
    return Trial(seed, f"{base.stem} {target}: {told}", code, said, err, seconds, tuple(faults))


def _call(arguments: list[str]) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of the command line, whose worker talks to descriptors 1 and 2."""
    with tempfile.TemporaryFile(dir="/dev/shm") as out, tempfile.TemporaryFile(dir="/dev/shm") as err:
        with _redirected(1, out.fileno()), _redirected(2, err.fileno()):
            signal.alarm(LONGEST)
            code = main(arguments)
            signal.alarm(0)
        said = []
        for stream in (out, err):
            stream.seek(0)
            said.append(stream.read().decode())
    return code, said[0], said[1]


@contextlib.contextmanager
def _redirected(descriptor: int, file: int) -> Iterator[None]:
    sys.stdout.flush()
    sys.stderr.flush()
    kept = os.dup(descriptor)
    os.dup2(file, descriptor)
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os.dup2(kept, descriptor)
        os.close(kept)


def _faults_of_words(code: int, out: str, err: str, written: bool) -> Iterator[str]:
    """What is wrong with the exit code and the messages."""
    if code not in (0, 1, 2, 3):
        yield f"exit {code}"
    if written != (code == 0):
        yield "a folder" if written else "no folder"
    if err.count("\n") != (code != 0) or not all(c.isprintable() for c in err.rstrip("\n")):
        yield f"{err.count(chr(10))} lines on stderr"
    if err and not err.startswith("icraft-adapt: "):
        yield "another's words on stderr"
    if (code == 2) and out:
        yield "words on stdout"
    if "Traceback" in out + err or "crashed" in err or "killed" in err:
        yield "a crash"


def _main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--start", type=int, default=0, help="number of the first mutant")
    parser.add_argument("--bases", type=Path, help="a folder of ONNX files; made where not given")
    parser.add_argument("--verbose", action="store_true", help="a line for every mutant")
    given = parser.parse_args()
    gc.freeze()  # the libraries' objects are no garbage, here and in each worker
    with tempfile.TemporaryDirectory() as scratch:
        room = Room.made(Path(scratch, "room"))
        if given.bases is None:
            from icraft_adapt.tests.robustness.bases import write_bases  # with torch

            write_bases(Path(scratch), more=True)
        bases = sorted(path.resolve() for path in (given.bases or Path(scratch)).glob("*.onnx"))
        codes: Counter[int] = Counter()
        broken = 0
        for each in campaign(bases, room, given.seed, given.start, given.count):
            codes[each.code] += 1
            broken += bool(each.faults)
            if each.faults or given.verbose:
                print(each, flush=True)
        os.chdir("/")
    print(
        f"{given.count} mutants of seed {given.seed}:"
        f" exit codes {dict(sorted(codes.items()))}, {broken} broke a promise"
    )
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(_main())
