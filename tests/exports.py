"""Exported networks, each made once a session: the exporters are deterministic, and the workers share a folder."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Unpack

from icraft_adapt.models import export
from icraft_adapt.models.export import Spelling
from icraft_adapt.models.yolox import OutputForm, YoloxConfig

FOLDER = "ICRAFT_ADAPT_TEST_EXPORTS"  # the environment variable that names it; without one nothing is shared


@lru_cache(maxsize=64)
def exported(
    config: YoloxConfig,
    form: OutputForm = OutputForm(),  # noqa: B008  (frozen)
    seed: int = 0,
    **spelling: Unpack[Spelling],
) -> bytes:
    """What `models.export.exported` gives."""
    asked = repr((config, form, seed, sorted(spelling.items())))
    return once(asked, lambda: export.exported(config, form, seed, **spelling))


def once(asked: str, make: Callable[[], bytes]) -> bytes:
    """What `make` gives for what is `asked`, made once a session."""
    if FOLDER not in os.environ:
        return make()
    file = Path(os.environ[FOLDER], sha256(asked.encode()).hexdigest())
    if not file.exists():
        draft = file.with_suffix(f".{os.getpid()}")
        draft.write_bytes(make())
        draft.replace(file)
    return file.read_bytes()
