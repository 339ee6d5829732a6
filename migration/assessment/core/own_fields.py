"""Fields that a project's own rules may ask: paths like `vcpus`, `disks[].capacity_bytes` or `custom_values.Backup`.

Paths are held against the fields of the facts, so that a rule which asks for nothing is refused when it is written.
"""

from __future__ import annotations

import types
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

from msgspec import Struct
from msgspec.structs import fields

from estate.facts.unknown import Unknown

PATH_LENGTH_MAX = 120


class FieldRefused(ValueError):
    """The path leads to nothing that a rule can ask; the message says where it ends and what there is."""


@dataclass(frozen=True, slots=True)
class Step:
    """One member of the path; `each`: of every element of its list; `key`: the value under this name among its pairs."""

    name: str
    each: bool = False
    key: str | None = None


@dataclass(frozen=True, slots=True)
class FieldPath:
    """A path that exists. `leaf` is the type at its end; `is_list`: the end is a whole list, of `leaf` elements."""

    text: str
    steps: tuple[Step, ...]
    leaf: type
    is_list: bool


def field_path(text: str, facts: type) -> FieldPath:
    """The path inside these facts (a dataclass). Raises FieldRefused."""
    if not text or len(text) > PATH_LENGTH_MAX:
        raise FieldRefused(f"a path has 1 to {PATH_LENGTH_MAX} characters")
    steps: list[Step] = []
    owner, rest = facts, text
    while True:
        name, dot, rest = rest.partition(".")
        each = name.endswith("[]")
        name = name.removesuffix("[]")
        kind, is_list = _member(owner, name, each, text)
        if kind is tuple:
            steps.append(Step(name, key=_key(text, rest)))
            return FieldPath(text, tuple(steps), str, is_list=False)
        steps.append(Step(name, each))
        if not dot:
            return _ended(text, steps, kind, is_list)
        if is_list or not _has_members(kind):
            raise FieldRefused(f"{text}: {name} has no members" + (f"; write {name}[] for each of them" if is_list else ""))
        owner = kind


def _ended(text: str, steps: list[Step], kind: type, is_list: bool) -> FieldPath:
    if _has_members(kind) and not is_list:
        raise FieldRefused(f"{text}: name one of its members: {_names(kind)}")
    return FieldPath(text, tuple(steps), kind, is_list)


def _key(text: str, key: str) -> str:
    if not key:
        raise FieldRefused(f"{text}: name the key, as in {text}.Backup")
    return key


def _member(owner: type, name: str, each: bool, text: str) -> tuple[type, bool]:
    """The type of a member and whether a whole list is meant; `tuple` for (name, value) pairs."""
    hints = _hints(owner)
    if name not in hints:
        raise FieldRefused(f"{text}: there is no {name!r}; there are {_names(owner)}")
    kind = _known_type(hints[name])
    if get_origin(kind) is dict and not each:
        return tuple, False
    if get_origin(kind) is not tuple:
        if each:
            raise FieldRefused(f"{text}: {name} is no list")
        return kind, False
    element = get_args(kind)[0]
    if get_origin(element) is tuple:
        if each or get_args(element) != (str, str):
            raise FieldRefused(f"{text}: {name} cannot be asked")
        return tuple, False
    return element, not each


def _has_members(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Struct)


@cache
def _hints(owner: type) -> dict[str, Any]:
    hints = get_type_hints(owner)
    return {each.name: hints[each.name] for each in fields(owner)}


def _known_type(hint: Any) -> Any:
    """What a field is once it was read and is there."""
    if get_origin(hint) not in (Union, types.UnionType):
        return hint
    return next(each for each in get_args(hint) if each not in (Unknown, type(None)))


def _names(owner: type) -> str:
    return ", ".join(sorted(_hints(owner)))


def values_at(facts: Any, path: FieldPath) -> Iterator[tuple[str, Any]]:
    """(path with numbers, value) of everything the path leads to; an unread list on the way is one unread value."""
    yield from _walk(facts, path.steps, "")


def _walk(owner: Any, steps: tuple[Step, ...], above: str) -> Iterator[tuple[str, Any]]:
    step, rest = steps[0], steps[1:]
    where = f"{above}{step.name}"
    value = getattr(owner, step.name)
    if step.key is not None:
        yield f"{where}.{step.key}", value if isinstance(value, Unknown) else dict(value).get(step.key)
    elif isinstance(value, Unknown) or not (rest or step.each):
        yield where, value
    else:
        for number, each in enumerate(value if step.each else (value,)):
            inside = f"{where}[{number}]" if step.each else where
            if rest:
                yield from _walk(each, rest, f"{inside}.")
            else:
                yield inside, each


@dataclass(frozen=True, slots=True)
class Askable:
    """One path that a rule can ask. `kind` is `text`, `number`, `truth` or `time`; `choices` are an enum's.

    `keyed`: write the name of an attribute behind the dot, as in `custom_values.Backup`.
    """

    path: str
    kind: str
    unit: str = ""
    is_list: bool = False
    keyed: bool = False
    choices: tuple[str, ...] = ()


UNITS = {"bytes": "bytes", "s": "seconds", "mib": "MiB", "mhz": "MHz", "kbps": "kbit/s", "mbit": "Mbit/s"}
_NESTED_MOST = 3


def askable_fields(facts: type) -> Iterator[Askable]:
    """Every path inside these facts, in the order of their fields."""
    yield from _askable(facts, "", 0)


def _askable(owner: type, above: str, depth: int) -> Iterator[Askable]:
    for name, hint in _hints(owner).items():
        kind, where = _known_type(hint), f"{above}{name}"
        is_list = get_origin(kind) is tuple
        element = get_args(kind)[0] if is_list else kind
        if get_origin(kind) is dict or (is_list and get_args(element) == (str, str)):
            yield Askable(f"{where}.", "text", keyed=True)
        elif _has_members(element):
            if depth < _NESTED_MOST:
                yield from _askable(element, f"{where}{'[]' * is_list}.", depth + 1)
        elif isinstance(element, type):
            yield _leaf(where, element, is_list)


def _leaf(where: str, kind: type, is_list: bool) -> Askable:
    choices = tuple(str(each.value) for each in kind) if issubclass(kind, Enum) else ()
    name = "text" if is_text(kind) else {bool: "truth", datetime: "time"}.get(kind, "number")
    unit = UNITS.get(where.rpartition("_")[2], "") if name == "number" else ""
    return Askable(where, name, unit, is_list, choices=choices)


def is_text(kind: type) -> bool:
    """Whether values of this type are compared as text."""
    return kind is str or issubclass(kind, Enum)
