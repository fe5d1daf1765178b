"""Compare every build of the fast engine with the oracle on many random programs: `[CASES] [FIRST SEED]`."""

from __future__ import annotations

import sys
from functools import partial

from icraft_adapt.golden.engine.fast import FastEngine
from icraft_adapt.golden.engine.native import levels
from icraft_adapt.tests.golden.agreement import layer_difference, program_difference
from icraft_adapt.tests.golden.random_programs import MAKERS

if __name__ == "__main__":
    cases, first = map(int, (sys.argv[1:] + ["2000", "1000"][len(sys.argv) - 1 :])[:2])
    makes = [partial(FastEngine, native=False), *(partial(FastEngine, native=each, threads=2) for each in levels())]
    found = []
    for case in range(cases):
        seed, kind = first + case // len(MAKERS), list(MAKERS)[case % len(MAKERS)]
        found += [f"{make.keywords}: {layer_difference(seed, kind, make)}" for make in makes]
        if case % 5 == 0:
            found += [f"{make.keywords}: {program_difference(first + case, make)}" for make in makes]
    differing = [line for line in found if not line.endswith(": ")]
    print("\n".join([*differing, f"{len(found)} comparisons, {len(differing)} differ"]))
    sys.exit(bool(differing))
