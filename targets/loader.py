"""Load a target by name or from a YAML file: every *.yaml beside this module is a target."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnx
import yaml

from ..errors import AdaptError
from .activations import ACTIVATIONS
from .limits import LIMITS
from .parameters import read_parameter, state_parameters
from .typed import Readers, did_you_mean, mapping, read
from .types import Bound, Limit, Parameter, Target

FOLDER = Path(__file__).parent
_YAML = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml's, where PyYAML was built with it


def target_names() -> tuple[str, ...]:
    """The targets that ship with this package, sorted."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.yaml")))


def load_target(name_or_path: str) -> Target:
    """The target of this name, or the one that a YAML file describes.

    Raises AdaptError (exit 2): no such target, an unreadable file, an unknown key, operator, limit or
    activation (with the closest known one), a value of the wrong type (with its YAML path).
    """
    if name_or_path in target_names():
        return _load(FOLDER / f"{name_or_path}.yaml")
    path = Path(name_or_path)
    if path.suffix in (".yaml", ".yml") or path.is_file():
        return _load(path)
    raise AdaptError(f"unknown target {name_or_path}", hint=did_you_mean(name_or_path, target_names()))


def _load(path: Path) -> Target:
    document = _read_yaml(path)
    where = path.name
    if "name" in document:
        raise AdaptError("unknown key name", where=where, hint="a target is named by its file")
    state_parameters(document, where)
    readers: Readers = {tuple[Limit, ...]: _read_limits, Parameter: read_parameter}
    target = read(Target, {"name": path.stem, **document}, where, readers)
    _check_operators(target, where)
    _check_activations(target, where)
    return target


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        return mapping(yaml.load(path.read_text(encoding="utf-8"), _YAML), path.name)
    except OSError as error:
        raise AdaptError(f"cannot be read: {error.strerror}", where=str(path)) from error
    except UnicodeDecodeError as error:
        raise AdaptError("not UTF-8 text", where=str(path)) from error
    except yaml.YAMLError as error:
        raise AdaptError(f"not YAML: {' '.join(str(error).split())}", where=str(path)) from error


def _read_limits(value: object, where: str) -> tuple[Limit, ...]:
    return tuple(_read_limit(name, bound, where) for name, bound in mapping(value, where).items())


def _read_limit(name: str, bound: object, where: str) -> Limit:
    if name not in LIMITS:
        raise AdaptError(f"unknown limit {name}", where=where, hint=did_you_mean(name, LIMITS))
    check = LIMITS[name]
    value: Bound = read(check.bound_type, bound, f"{where}.{name}", {})
    if value is False:
        raise AdaptError("a limit that does not hold is left out", where=f"{where}.{name}")
    shown = ", ".join(value) if isinstance(value, tuple) else value
    return Limit(name, value, check.sentence.format(bound=shown), check.numbers)


def _check_operators(target: Target, where: str) -> None:
    known = {schema.name for schema in onnx.defs.get_all_schemas()}
    for key, operators in (("npu", sorted(target.npu)), ("cpu", sorted(target.cpu))):
        for op in operators:
            if op not in known:
                raise AdaptError(f"unknown operator {op}", where=f"{where}.{key}", hint=did_you_mean(op, known))


def _check_activations(target: Target, where: str) -> None:
    """Activations are known by name and made of operators that the NPU has."""
    here = f"{where}.activations"
    for name in sorted(target.activations):
        if name not in ACTIVATIONS:
            raise AdaptError(f"unknown activation {name}", where=here, hint=did_you_mean(name, ACTIVATIONS))
        missing = [op for op in ACTIVATIONS[name] if op not in target.npu]
        if missing:
            raise AdaptError(f"{name} needs {missing[0]}, which npu lacks", where=here)
