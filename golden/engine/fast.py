"""The fast engine: equal to the oracle in every bit and every count, in compiled code where there is some."""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Collection, Hashable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from ...errors import AdaptError, Exit
from ..fixed import Codes
from ..program import Program
from .gemm import GemmEngine
from .layout import Extent
from .native import Level, kernels, levels
from .plan import Plan
from .protocol import Counts, Engine, Result
from .steps import Steps

MOST_THREADS = 16
MOST_PLANS = 2  # of different maps to keep; each has its own memory


class FastEngine:
    """See `Engine`. May be called from several threads, which take turns.

    `native` None takes the compiled kernels if there are any, False does without, True wants them, a level wants that
    instruction set; `threads` None is one for each processor, at most 16. Neither changes a result.
    Raises AdaptError (exit 3) for kernels that are not there.
    """

    def __init__(self, program: Program, threads: int | None = None, native: bool | Level | None = None) -> None:
        self._engine: Engine
        level = native if isinstance(native, str) else next(reversed(levels()), None)
        library = None if level is None or native is False else kernels(level)
        if library is not None:
            self._engine = NativeEngine(program, library, threads or min(_processors(), MOST_THREADS))
        elif native in (None, False):
            self._engine = GemmEngine(program)
        else:
            raise AdaptError(
                "the compiled kernels are not there",
                where="all" if native is True else str(native),
                hint="install with a C compiler at hand; the processor must have the instruction set",
                code=Exit.UNSUPPORTED,
            )

    def run(self, codes: Codes, keep: Collection[str] | None = None) -> Result:
        """All layers; raises ValueError for codes beyond the input's width."""
        return self._engine.run(codes, keep)

    def run_layer(self, name: str, inputs: Mapping[str, Codes]) -> tuple[Codes, Counts]:
        """One layer alone."""
        return self._engine.run_layer(name, inputs)


class NativeEngine:
    """See `FastEngine`: plans for kernels.c, and the threads that walk them."""

    def __init__(self, program: Program, library: ctypes.CDLL, threads: int) -> None:
        self._program = program
        self._library = library
        self._threads = threads
        self._helpers = ThreadPoolExecutor(max(threads - 1, 1), "icraft-adapt-engine")
        self._layers = {layer.name: layer for layer in program.layers}
        self._largest = {name: program.code_max(each.bits) for name, each in program.formats().items()}
        self._remembered: dict[Hashable, Any] = {}
        self._plans: dict[tuple[str, ...], Plan] = {}
        self._lock = threading.Lock()

    def run(self, codes: Codes, keep: Collection[str] | None = None) -> Result:
        """All layers, by a plan for the maps to keep."""
        image = self._program.input
        wanted = tuple(self._program.outputs if keep is None else keep)
        with self._lock:
            plan = self._plans.pop(wanted, None)
            if plan is None:
                given = {image.name: Extent(image.shape, self._largest[image.name])}
                plan = Plan(self._program.layers, given, wanted, self._steps())
            self._plans[wanted] = plan
            while len(self._plans) > MOST_PLANS:
                del self._plans[next(iter(self._plans))]
            return plan.run({image.name: codes}, self._library, self._helpers, self._threads)

    def run_layer(self, name: str, inputs: Mapping[str, Codes]) -> tuple[Codes, Counts]:
        """One layer, by a plan of its own."""
        layer = self._layers[name]
        given = {each: Extent(np.shape(inputs[each]), self._largest[each]) for each in layer.inputs}
        with self._lock:
            plan = Plan([layer], given, [name], self._steps())
            result = plan.run(inputs, self._library, self._helpers, self._threads)
        return result.maps[name], result.counts[name]

    def _steps(self) -> Steps:
        return Steps(self._program.arithmetic, bool(self._library.has_quads()), self._remembered)


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
