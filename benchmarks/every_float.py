"""Proof by exhaustion: the generated C's sigmoid and exp at every float32, against the double precision of libm.

    python benchmarks/every_float.py

Prints the largest error in units in the last place, and where sigmoid falls although its argument grows (nowhere).
Takes minutes.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from icraft_adapt.postproc.c.library import compiler
from icraft_adapt.postproc.c.project import library
from icraft_adapt.postproc.decode.sources import yolox_component
from icraft_adapt.postproc.decode.values import DecodeValues, Grid

DRIVER = """
#include <stdio.h>
#include "every_post.c"

static double ulps(float got, double want)
{
    const float nearest = (float)want;
    const uint32_t next = float_bits(nearest) + 1u;

    return fabs((double)got - want) / ((double)float_of(next) - (double)nearest);
}

static double clamped(double x, double low, double high)
{
    return (x < low) ? low : ((x > high) ? high : x);
}

int main(void)
{
    double worst_score = 0.0;
    double worst_side = 0.0;
    unsigned long falls = 0u;
    unsigned long count = 0u;
    float last = 0.0f;
    int64_t step;

    /* from -FLT_MAX to FLT_MAX in order: the bits of negative floats run backwards */
    for (step = -0x7f7fffffL; step <= 0x7f7fffffL; ++step) {
        const uint32_t bits = (step < 0) ? ((uint32_t)(-step) | 0x80000000u) : (uint32_t)step;
        const double x = (double)float_of(bits);
        const double bounded = clamped(x, LOWEST, -LOWEST);
        const float score = sigmoid(x);
        const double score_error = ulps(score, 1.0 / (1.0 + exp(-bounded)));
        const double side_error = ulps(side(x), exp(clamped(x, LOWEST, HIGHEST_SIDE)));

        worst_score = (score_error > worst_score) ? score_error : worst_score;
        worst_side = (side_error > worst_side) ? side_error : worst_side;
        falls += (score < last) ? 1u : 0u;
        last = score;
        ++count;
    }
    printf("| floats | sigmoid, worst ulp | exp, worst ulp | sigmoid falls |\\n|---|---|---|---|\\n");
    printf("| %lu | %.6f | %.6f | %lu |\\n", count, worst_score, worst_side, falls);
    return (falls == 0u && worst_score < 0.501 && worst_side < 0.501) ? 0 : 1;
}
"""


def main() -> None:
    """Compile the driver with the generated file inside it, and run it."""
    program = compiler()
    if program is None:
        raise SystemExit("no C compiler")
    values = DecodeValues("every", (Grid(8, (8, 8)),), 1, (64, 64), 0.3, 0.5)
    with tempfile.TemporaryDirectory(prefix="icraft-adapt-") as name:
        for file, text in library(yolox_component(values)).items():
            (Path(name) / file).write_text(text, encoding="utf-8")
        (Path(name) / "driver.c").write_text(DRIVER, encoding="utf-8")
        command = [program, "-std=c99", "-O2", "-ffp-contract=off", "-o", "driver", "driver.c", "every_tables.c", "-lm"]
        subprocess.run(command, cwd=name, check=True)
        raise SystemExit(subprocess.run([Path(name) / "driver"], check=False).returncode)


if __name__ == "__main__":
    main()
