"""The command line.

Ctrl-C is answered from here on: what comes before `main` is the import of click, which takes longer than all else.
"""

from __future__ import annotations

import os
import sys
from types import TracebackType

_usual = sys.excepthook


def _answer(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if not issubclass(kind, KeyboardInterrupt):
        _usual(kind, error, trace)
        return
    os.write(2, b"icraft-adapt: interrupted\n")
    os._exit(130)


sys.excepthook = _answer
