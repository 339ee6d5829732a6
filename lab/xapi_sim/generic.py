"""The generated messages: getters, setters, add_to_/remove_from_, the queries every class has, plain create and destroy."""

from __future__ import annotations

from typing import Any

from lab.xapi_sim import tables
from lab.xapi_sim.construct import constructor_values
from lab.xapi_sim.context import Call, Context
from lab.xapi_sim.failure import XapiFailure
from lab.xapi_sim.query import compile_filter
from lab.xapi_sim.store import copy_record

# Classes whose create and destroy do no more than keep a record.
PLAIN = ("VM_group", "VM_appliance", "network")
SETTERS = {"set_": "s", "add_to_": "a", "remove_from_": "r", "add_": "A", "remove_": "R"}


def generic_call(message: tables.Message) -> Call | None:
    """The function for a message whose meaning follows from its name, or None."""
    class_name, accessor = message.class_name, message.accessor
    if message.name in _QUERIES:
        query = _QUERIES[message.name]
        return lambda context, *params: query(context, class_name, *params)
    if class_name in PLAIN and message.name in _LIFE:
        act = _LIFE[message.name]
        return lambda context, *params: act(context, class_name, *params)
    field = message.field
    if field is None:
        field, accessor = _plain_setter(message)
    if field is None:
        return None
    act, name = _ACTS[accessor], field.name
    return lambda context, self, *params: act(context, class_name, self, name, *params)


def _plain_setter(message: tables.Message) -> tuple[tables.Field | None, str]:
    """Hand-written setters (VM.set_order ...) that do no more than their name says."""
    fields = tables.classes()[message.class_name].fields
    if not message.params or message.params[0].type != f"ref {message.class_name}":
        return None, ""
    for prefix, letter in SETTERS.items():
        field = fields.get(message.name.removeprefix(prefix))
        expected = {"a": 3}.get(letter, 2)
        if message.name.startswith(prefix) and field is not None and len(message.params) == expected:
            return field, letter
    return None, ""


def _get(context: Context, class_name: str, self: str, name: str) -> Any:
    return context.store.get(class_name, self, name)


def _set(context: Context, class_name: str, self: str, name: str, value: Any) -> None:
    context.store.set(class_name, self, **{name: value})


def _add_to(context: Context, class_name: str, self: str, name: str, key: str, value: Any) -> None:
    if key in context.store.get(class_name, self, name):
        uuid = context.store.get(class_name, self, "uuid")
        raise XapiFailure("MAP_DUPLICATE_KEY", class_name, name, uuid, key)
    context.store.put_key(class_name, self, name, key, value)


def _remove_from(context: Context, class_name: str, self: str, name: str, key: str) -> None:
    context.store.drop_key(class_name, self, name, key)


def _add(context: Context, class_name: str, self: str, name: str, value: Any) -> None:
    values = context.store.get(class_name, self, name)
    if value not in values:
        context.store.set(class_name, self, **{name: [*values, value]})


def _remove(context: Context, class_name: str, self: str, name: str, value: Any) -> None:
    values = context.store.get(class_name, self, name)
    context.store.set(class_name, self, **{name: [each for each in values if each != value]})


_ACTS: dict[str, Call] = {"g": _get, "s": _set, "a": _add_to, "r": _remove_from, "A": _add, "R": _remove}


def _get_record(context: Context, class_name: str, self: str) -> dict[str, Any]:
    return context.store.snapshot(class_name, self)


def _get_by_uuid(context: Context, class_name: str, uuid: str) -> str:
    return context.store.by_uuid(class_name, uuid)


def _get_by_name_label(context: Context, class_name: str, label: str) -> list[str]:
    return context.store.where(class_name, name_label=label)


def _get_all(context: Context, class_name: str) -> list[str]:
    return context.store.refs(class_name)


def _get_all_records(context: Context, class_name: str) -> dict[str, Any]:
    return {ref: copy_record(row.record) for ref, row in context.store.rows(class_name)}


def _get_all_records_where(context: Context, class_name: str, expr: str) -> dict[str, Any]:
    wanted = compile_filter(expr)
    return {ref: copy_record(row.record) for ref, row in context.store.rows(class_name) if wanted(row.record)}


_QUERIES: dict[str, Call] = {
    "get_record": _get_record,
    "get_by_uuid": _get_by_uuid,
    "get_by_name_label": _get_by_name_label,
    "get_all": _get_all,
    "get_all_records": _get_all_records,
    "get_all_records_where": _get_all_records_where,
}


def _create(context: Context, class_name: str, args: dict[str, Any]) -> str:
    return context.store.create(class_name, **constructor_values(class_name, args))


def _destroy(context: Context, class_name: str, self: str) -> None:
    if class_name == "network" and context.store.get("network", self, "VIFs"):
        raise XapiFailure("NETWORK_CONTAINS_VIF", *context.store.get("network", self, "VIFs"))
    if class_name == "network" and context.store.get("network", self, "PIFs"):
        raise XapiFailure("NETWORK_CONTAINS_PIF", *context.store.get("network", self, "PIFs"))
    context.store.destroy(class_name, self)


_LIFE: dict[str, Call] = {"create": _create, "destroy": _destroy}
