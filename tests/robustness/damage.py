"""Any field of any protobuf message, changed.

The walk knows protobuf's descriptors and nothing of ONNX, so that no field is forgotten; the raw weights are the one
thing it leaves alone (their length it does change).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from numpy.random import Generator

Element = TypeVar("Element")

INTEGERS = (0, 1, -1, 2, 3, 7, 64, 4096, 1 << 20, (1 << 31) - 1, -(1 << 31), (1 << 63) - 1, -(1 << 63))
FLOATS = (0.0, -0.0, 1.0, -1.0, 1e-45, 3.4e38, float("inf"), float("-inf"), float("nan"))
TEXTS = ("", " ", "x", "images", "output", "../x", "a\nb", "-x", "名前", "</script>", "\x1b[2J", "n" * 5000)
_RANGES = {
    FieldDescriptor.CPPTYPE_INT32: (-(1 << 31), (1 << 31) - 1),
    FieldDescriptor.CPPTYPE_INT64: (-(1 << 63), (1 << 63) - 1),
    FieldDescriptor.CPPTYPE_UINT64: (0, (1 << 64) - 1),
}
_FLOATS = (FieldDescriptor.CPPTYPE_FLOAT, FieldDescriptor.CPPTYPE_DOUBLE)


def pick(choices: Sequence[Element], random: Generator) -> Element:
    """One of the choices."""
    return choices[int(random.integers(len(choices)))]


def copied(value: Any) -> Any:  # noqa: ANN401  (an element of a repeated field)
    """The value, or a message of its own with the same content."""
    if not isinstance(value, Message):
        return value
    copy = type(value)()
    copy.CopyFrom(value)
    return copy


def messages(message: Message) -> Iterator[Message]:
    """The message and all that it holds."""
    yield message
    for field, value in message.ListFields():
        if field.cpp_type == FieldDescriptor.CPPTYPE_MESSAGE:
            for inner in value if field.is_repeated else [value]:
                yield from messages(inner)


def change_field(whole: Message, random: Generator) -> str:
    """Change one field of one message; every kind of message is as likely as any other. In words, what was done."""
    kinds: defaultdict[str, list[Message]] = defaultdict(list)
    for message in messages(whole):
        kinds[message.DESCRIPTOR.name].append(message)
    alike = kinds[pick(sorted(kinds), random)]
    message = pick(alike, random)
    present = [field for field, _ in message.ListFields()]
    field = pick(present if present and random.random() < 0.8 else list(message.DESCRIPTOR.fields), random)
    change = _change_list if field.is_repeated else _change_value
    what = change(message, field, pick(alike, random), random)
    return f"{message.DESCRIPTOR.name} {getattr(message, 'name', '')[:40]!r}.{field.name}: {what}"


def _change_value(message: Message, field: FieldDescriptor, other: Message, random: Generator) -> str:
    """Clear a single field, or give it what another message of its kind has there, or a value that nobody expects."""
    if random.random() < 0.2:
        message.ClearField(field.name)
        return "cleared"
    if field.cpp_type == FieldDescriptor.CPPTYPE_MESSAGE:
        getattr(message, field.name).CopyFrom(getattr(other, field.name))
        return "another's"
    value = _value(getattr(message, field.name), getattr(other, field.name), field, random)
    setattr(message, field.name, value)
    return repr(value)[:80]


def _change_list(message: Message, field: FieldDescriptor, other: Message, random: Generator) -> str:
    """Drop, repeat, swap, shuffle, borrow or change elements of a repeated field."""
    values, theirs = list(getattr(message, field.name)), list(getattr(other, field.name))
    first, second = sorted(int(place) for place in random.integers(max(len(values), 1), size=2))
    changes = ["emptied", "borrowed"]
    changes += ["dropped", "repeated", "swapped", "shuffled", "changed", "changed"] if values else []
    match change := pick(changes, random):
        case "emptied":
            values = []
        case "borrowed":
            values += theirs
        case "dropped":
            del values[first]
        case "repeated":
            values.insert(second, values[first])
        case "swapped":
            values[first], values[second] = values[second], values[first]
        case "shuffled":
            values = [values[place] for place in random.permutation(len(values))]
        case _ if field.cpp_type == FieldDescriptor.CPPTYPE_MESSAGE:
            values[first] = type(values[first])()
        case _:
            values[first] = _value(values[first], pick(theirs or values, random), field, random)
    values = [copied(value) for value in values]
    message.ClearField(field.name)
    getattr(message, field.name).extend(values)
    return f"{change} at {first}, {second}: {len(values)} now"


def _value(old: Any, other: Any, field: FieldDescriptor, random: Generator) -> Any:  # noqa: ANN401  (a field's)
    """A value of the field's type: another message's, one near the old one, or an outlandish one."""
    if random.random() < 0.3:
        return other
    if isinstance(old, bytes):
        return pick([b"", old[:-1], old[: len(old) // 2], old + b"\0", old + old, b"\xff\xfe"], random)
    if isinstance(old, str):
        return pick([*TEXTS, old + "'", old.upper()], random)
    if field.cpp_type in _FLOATS:
        return float(pick([*FLOATS, float(old) * 2, -float(old)], random))
    if field.cpp_type == FieldDescriptor.CPPTYPE_ENUM:
        return pick(sorted(field.enum_type.values_by_number), random)
    low, high = _RANGES.get(field.cpp_type, (0, 1))
    return min(max(pick([*INTEGERS, old + 1, old - 1, old * 2, -old], random), low), high)
