"""The API's facts: classes, fields, messages, enums, error codes and alert priorities, read from tables/*.tsv.

The tables hold what the public XenAPI datamodel (API 2.23) says; behaviour lives elsewhere. Source: the datamodel of
xapi-project/xen-api, release 26.17.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

TABLES = Path(__file__).parent / "tables"
ROLES = ("read-only", "vm-operator", "vm-admin", "vm-power-admin", "pool-operator", "pool-admin")
NO_DEFAULT = object()


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a class; `access` is W (read-write), C (set at create) or R (kept by the server).

    `accessors` are letters of the generated messages: g get_, s set_, a add_to_, r remove_from_, A add_, R remove_.
    """

    name: str
    type: str
    access: str
    default: Any
    state: str
    accessors: str
    set_role: str

    @property
    def required(self) -> bool:
        """Whether a record passed to `create` must name this field."""
        return self.default is NO_DEFAULT and self.access != "R"


@dataclass(frozen=True, slots=True)
class Param:
    """A parameter of a message; `default` is NO_DEFAULT when it may not be left out."""

    name: str
    type: str
    default: Any = NO_DEFAULT


@dataclass(frozen=True, slots=True)
class Message:
    """A call `class.name`; `implicit` marks the generated accessors."""

    class_name: str
    name: str
    params: tuple[Param, ...]
    result: str = "void"
    role: str = "read-only"
    is_async: bool = False
    needs_session: bool = True
    field: Field | None = None
    accessor: str = ""

    @property
    def wire_name(self) -> str:
        """The method name as it travels."""
        return f"{self.class_name}.{self.name}"


@dataclass(frozen=True, slots=True)
class ApiClass:
    """A class with its fields in datamodel order and all its messages."""

    name: str
    stored: bool
    has_events: bool
    fields: dict[str, Field]
    messages: dict[str, Message]


def _rows(name: str) -> list[list[str]]:
    lines = (TABLES / name).read_text(encoding="utf-8").splitlines()[1:]
    return [line.split("\t") for line in lines]


@cache
def classes() -> dict[str, ApiClass]:
    """Every class the lab knows, by its wire name."""
    found = {
        name: ApiClass(name, stored == "db", events == "events", {}, {}) for name, stored, events, _state in _rows("classes.tsv")
    }
    for class_name, name, type_, access, default, state, _since, accessors, role in _rows("fields.tsv"):
        value = NO_DEFAULT if default == "-" else json.loads(default)
        field = Field(name, type_, access, value, state, accessors, role)
        found[class_name].fields[name] = field
        for message in _accessors(class_name, field):
            found[class_name].messages[message.name] = message
    for row in _rows("messages.tsv"):
        message = _message(row)
        found[message.class_name].messages[message.name] = message
    for api_class in found.values():
        _add_queries(api_class)
    return found


def _accessors(class_name: str, field: Field) -> list[Message]:
    itself = Param("self", f"ref {class_name}")
    inner = field.type[4:-1] if field.type.startswith(("map<", "set<")) else ""
    key, _, value = inner.partition(",")
    shapes = {
        "g": ("get_", (itself,)),
        "s": ("set_", (itself, Param("value", field.type))),
        "a": ("add_to_", (itself, Param("key", key), Param("value", value))),
        "r": ("remove_from_", (itself, Param("key", key))),
        "A": ("add_", (itself, Param("value", inner))),
        "R": ("remove_", (itself, Param("value", inner))),
    }
    made = []
    for letter, (prefix, params) in shapes.items():
        if letter in field.accessors:
            result = field.type if letter == "g" else "void"
            role = "read-only" if letter == "g" else field.set_role
            made.append(Message(class_name, prefix + field.name, params, result, role, field=field, accessor=letter))
    return made


def _message(row: list[str]) -> Message:
    class_name, name, flags, role, result, params = row
    return Message(
        class_name,
        name,
        () if params == "-" else tuple(_param(text) for text in params.split("; ")),
        result,
        "pool-admin" if role == "-" else role,
        is_async="a" in flags,
        needs_session="s" in flags,
    )


def _param(text: str) -> Param:
    name, _, rest = text.partition(" ")
    type_, has_default, default = rest.partition("=")
    return Param(name, type_, json.loads(default) if has_default else NO_DEFAULT)


def _add_queries(api_class: ApiClass) -> None:
    """get_all_records_where exists for every stored class although the public datamodel lists it for one."""
    if "get_all_records" in api_class.messages:
        where = Message(
            api_class.name,
            "get_all_records_where",
            (Param("expr", "string"),),
            f"map<ref {api_class.name},record {api_class.name}>",
        )
        api_class.messages.setdefault(where.name, where)


@cache
def enums() -> dict[str, tuple[str, ...]]:
    """Values of every enum by its name."""
    return {name: tuple(values.split(" ")) for name, values in _rows("enums.tsv")}


@cache
def error_params() -> dict[str, tuple[str, ...]]:
    """Parameter names of every documented error code."""
    return {code: () if params == "-" else tuple(params.split("; ")) for code, params in _rows("errors.tsv")}


@cache
def alert_priorities() -> dict[str, int]:
    """Priority (1 is the most urgent) of every message name."""
    return {name: int(priority) for name, priority in _rows("alerts.tsv")}


def role_allows(role: str, needed: str) -> bool:
    """Whether an account of `role` may make a call whose weakest role is `needed`."""
    return ROLES.index(role) >= ROLES.index(needed)
