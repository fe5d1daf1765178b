"""Runs of the main job that several tests of the page look at."""

from __future__ import annotations

import pytest

from icraft_adapt.adapter.page.story import Story
from icraft_adapt.tests.page.stories import HOSTILE, hostile_model, story_of, streets


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Story:
    """Calibrated on eight pictures with people, under hostile names, in a folder of its own."""
    folder = tmp_path_factory.mktemp("hostile")
    names = tuple(f"{number}<i>网&.png" for number in range(8))
    assert HOSTILE not in names
    return story_of(hostile_model(folder), calibration=streets(folder, names), hinges=2)


@pytest.fixture(scope="session")
def plain() -> Story:
    """Without images: one fit for all layers, compared on noise."""
    return story_of(golden=False)


@pytest.fixture(scope="session")
def kept() -> Story:
    """For a chip that runs the activation."""
    return story_of(target="icraft-v3-buyi", golden=False)
