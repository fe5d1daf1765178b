"""Whole commands, measured: wall time and peak memory, medians over interleaved rounds."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Measured:
    """Medians over the rounds: wall seconds, and the peak resident set of the largest process in MiB."""

    seconds: float
    mebibytes: float


def measure(
    commands: Mapping[str, Sequence[str]], rounds: int, before: Callable[[], None] = lambda: None
) -> dict[str, Measured]:
    """Run every command once a round, in turn, so that a noisy machine disturbs all of them alike.

    `before` runs ahead of each command and is not measured. Raises CalledProcessError for a command that fails.
    """
    seen: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            before()
            seen[name].append(_run(command))
    return {
        name: Measured(median(seconds for seconds, _ in runs), median(peak for _, peak in runs))
        for name, runs in seen.items()
    }


def _run(command: Sequence[str]) -> tuple[float, float]:
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return seconds, usage.ru_maxrss / 1024


def table(measured: Mapping[str, Measured], peer: str) -> str:
    """A Markdown table; ratios against `peer`, measured in the same rounds."""
    base = measured[peer]
    lines = [f"| command | s | ratio to {peer} | MiB | ratio to {peer} |", "|---|---|---|---|---|"]
    for name, each in measured.items():
        time_ratio, memory_ratio = each.seconds / base.seconds, each.mebibytes / base.mebibytes
        lines.append(f"| {name} | {each.seconds:.2f} | {time_ratio:.2f} | {each.mebibytes:.0f} | {memory_ratio:.2f} |")
    return "\n".join(lines)
