"""session.*, task.*, message.* and event.*: the calls around the objects, not about them."""

from __future__ import annotations

import datetime
from typing import Any

from lab.xapi_sim.context import Context, api_call
from lab.xapi_sim.events import collect, parse_subscription, parse_token
from lab.xapi_sim.failure import XapiFailure
from lab.xapi_sim.store import copy_record


@api_call("session.login_with_password")
def login(context: Context, uname: str, pwd: str, _version: str, originator: str) -> str:
    """Open a session on the coordinator."""
    return context.pool.sessions.login(uname, pwd, originator, context.host)


@api_call("session.logout", "session.local_logout")
def logout(context: Context) -> None:
    """Close the session of the call."""
    context.pool.sessions.close(context.session)


@api_call("task.create")
def task_create(context: Context, label: str, description: str) -> str:
    """A task for a disk transfer, owned by whoever made it."""
    return context.pool.tasks.create(label, description, context.host)


@api_call("task.destroy")
def task_destroy(context: Context, self: str) -> None:
    """Remove a task record."""
    context.store.destroy("task", self)


@api_call("task.cancel")
def task_cancel(context: Context, task: str) -> None:
    """Ask for the end of a task."""
    context.pool.tasks.cancel(task)


@api_call("message.create")
def message_create(context: Context, name: str, priority: int, cls: str, obj_uuid: str, body: str) -> str:
    """Post an alert about an existing object.

    Raises:
        XapiFailure: UUID_INVALID.
    """
    class_name = {"Host": "host", "Pool": "pool"}.get(cls, cls)
    if class_name in ("VM", "host", "SR", "pool", "VDI", "Certificate"):
        context.store.by_uuid(class_name, obj_uuid)
    return context.pool.alerts.post(name, cls, obj_uuid, body, priority)


@api_call("message.get_since")
def message_get_since(context: Context, since: datetime.datetime) -> dict[str, Any]:
    """Messages at or after a time."""
    return {ref: copy_record(row.record) for ref, row in context.store.rows("message") if row.record["timestamp"] >= since}


@api_call("message.get")
def message_get(context: Context, cls: str, obj_uuid: str, since: datetime.datetime) -> dict[str, Any]:
    """Messages about one object, at or after a time."""
    return {
        ref: record
        for ref, record in message_get_since(context, since).items()
        if record["cls"] == cls and record["obj_uuid"] == obj_uuid
    }


@api_call("message.destroy")
def message_destroy(context: Context, self: str) -> None:
    """Remove one message."""
    context.store.destroy("message", self)


@api_call("message.destroy_many")
def message_destroy_many(context: Context, messages: list[str]) -> None:
    """Remove several messages; the first unknown one stops it."""
    for ref in messages:
        context.store.destroy("message", ref)


@api_call("event.from")
def event_from(context: Context, classes: list[str], token: str, timeout: float) -> dict[str, Any]:
    """Changes since a token; blocks until there is one or the timeout is over."""
    subscription = parse_subscription(classes)
    since = parse_token(token)
    batch = collect(context.store, subscription, since)
    if not batch["events"]:
        context.store.changed.wait_for(lambda: context.pool.clock.stopped or _has_news(context, subscription, since), timeout)
        batch = collect(context.store, subscription, since)
    return batch


def _has_news(context: Context, subscription: Any, since: int) -> bool:
    if not context.pool.sessions.is_open(context.session):
        raise XapiFailure("SESSION_INVALID", context.session)
    return bool(collect(context.store, subscription, since)["events"])


@api_call("event.get_current_id")
def event_current_id(context: Context) -> int:
    """The generation of the newest change."""
    return context.store.generation
