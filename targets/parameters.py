"""Parameters: values that no public source states. Each is put at the YAML path that is its name."""

from __future__ import annotations

from typing import Any

from ..errors import AdaptError
from .typed import did_you_mean, items, mapping
from .types import Parameter


def state_parameters(document: dict[str, Any], where: str) -> None:
    """Set in `document` what its `parameters` list states. Raises AdaptError where a value stands already."""
    for index, entry in enumerate(items(document.get("parameters", []), f"{where}.parameters")):
        here = f"{where}.parameters[{index}]"
        stated = mapping(entry, here)
        if set(stated) != {"name", "value", "assumption"}:
            raise AdaptError("a parameter has a name, a value and an assumption", where=here)
        _set(document, str(stated["name"]), stated["value"], here)


def read_parameter(value: object, where: str) -> Parameter:
    """The parameter as the reports show it."""
    stated = mapping(value, where)
    return Parameter(str(stated["name"]), _shown(stated["value"]), str(stated["assumption"]))


def _set(document: dict[str, Any], path: str, value: object, where: str) -> None:
    *parents, last = path.split(".")
    place = document
    for parent in parents:
        keys = {str(key): key for key in place}  # widths are integers in YAML
        if parent not in keys or not isinstance(place[keys[parent]], dict):
            raise AdaptError(f"{path} has no place: no mapping {parent}", where=where, hint=did_you_mean(parent, keys))
        place = place[keys[parent]]
    if last in place:
        raise AdaptError(f"{path} is stated twice", where=where)
    place[last] = value


def _shown(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)
