"""Dynamo is slow: what it captures of a network is shared by all workers of a session."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache, partial

import pytest

from icraft_adapt.models import matrix
from icraft_adapt.tests.exports import once


@pytest.fixture(scope="session", autouse=True)
def _captured_once() -> Iterator[None]:
    captured = matrix._captured.__wrapped__
    shared = lru_cache(maxsize=2)(lambda asked: once(f"captured {asked}", partial(captured, asked)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(matrix, "_captured", shared)
        yield
