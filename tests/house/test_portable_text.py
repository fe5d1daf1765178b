"""No file of the repository names one machine's paths or a package registry."""

from __future__ import annotations

import re
import subprocess

import pytest

from icraft_adapt.tests.house.sources import ROOT

PATH = re.compile(r"(?<![\w.~-])/(?:work|root|tmp|home/\w+)/")
REGISTRY = re.compile(r"\b(?:pypi|pythonhosted|download\.pytorch)\.org\b|--(?:extra-)?index-url\b")


def machine_words(text: str) -> list[str]:
    """The paths and registries that the text names."""
    return [found[0] for pattern in (PATH, REGISTRY) for found in pattern.finditer(text)]


def test_no_file_is_about_one_machine() -> None:
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    files = [ROOT / name for name in sorted(set(listed.decode().split("\0"))) if name]
    found = []
    for file in filter(lambda file: file.is_file() and not file.is_symlink(), files):
        words = machine_words(file.read_bytes().decode("utf-8", "replace"))
        found += [f"{file.relative_to(ROOT)}: {word}" for word in words]
    assert not found


@pytest.mark.parametrize("folder", ["work", "root", "tmp", "home/me"])
def test_finds_a_path(folder: str) -> None:
    assert machine_words(f'open("/{folder}/model.onnx")') == [f"/{folder}/"]
    assert machine_words(f"docs/{folder}/a ../{folder}/b {folder}/c") == []


@pytest.mark.parametrize("words", [("--index", "-url x"), ("https://pypi", ".org/simple")])
def test_finds_a_registry(words: tuple[str, str]) -> None:
    assert len(machine_words("".join(words))) == 1
