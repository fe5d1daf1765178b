"""setup.cfg lists the package's folders one by one: no folder is forgotten, none is left over."""

from __future__ import annotations

from collections.abc import Iterable
from configparser import ConfigParser

from icraft_adapt.tests.house.sources import PACKAGE, ROOT, Source, package_sources, parsed


def packages(sources: Iterable[Source]) -> set[str]:
    """The dotted name of each folder that holds Python files."""
    return {".".join((PACKAGE, *source.path.parts[:-1])) for source in sources}


def test_setup_cfg_lists_every_folder_once() -> None:
    config = ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    listed = config["options"]["packages"].split()
    assert listed == sorted(packages(package_sources()))


def test_every_folder_is_a_package() -> None:
    marked = [source for source in package_sources() if source.path.name == "__init__.py"]
    assert packages(marked) == packages(package_sources())


def test_a_nested_folder_is_a_package_of_its_own() -> None:
    sources = [parsed(path, "") for path in ("errors.py", "models/a.py", "models/exporters/b.py")]
    assert packages(sources) == {PACKAGE, f"{PACKAGE}.models", f"{PACKAGE}.models.exporters"}
