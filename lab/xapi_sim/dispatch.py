"""From a method name and wire parameters to a result: lookup, session, role, types, handles, sync or Async.

No behaviour of any class lives here; calls_*.py and generic.py hold that. One lock around each call makes every call
atomic; a call that has to wait gives the lock up through the store's condition.
"""

from __future__ import annotations

import threading
import traceback
from collections.abc import Sequence
from functools import partial
from typing import Any

from lab.xapi_sim import tables, wire_xml
from lab.xapi_sim.context import CALLS, Call, Context
from lab.xapi_sim.failure import NULL, XapiFailure, handle_invalid, internal
from lab.xapi_sim.generic import generic_call
from lab.xapi_sim.pool import Pool
from lab.xapi_sim.values import coerce

ON_ANY_HOST = ("session.slave_local_login_with_password",)


class Dispatcher:
    """Runs API calls against one pool. `call` may be used from many threads."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def call(self, host: str, method: str, params: Sequence[Any]) -> Any:
        """Run `method` as received by `host`.

        Raises:
            XapiFailure: any documented refusal.
        """
        is_async = method.startswith("Async.")
        message = _find(method.removeprefix("Async."), method, is_async)
        with self._pool.store.lock:
            self._refuse_on_members(host, message)
            session, rest = self._session(message, list(params))
            arguments = _arguments(message, rest)
            self._check_handles(message, arguments)
            run = partial(_implementation(message))
            if is_async:
                return self._start_task(Context(self._pool, host, session), message, run, arguments)
            return run(Context(self._pool, host, session), *arguments)

    def _refuse_on_members(self, host: str, message: tables.Message) -> None:
        if host != self._pool.coordinator and message.wire_name not in ON_ANY_HOST:
            address = self._pool.store.get("host", self._pool.coordinator, "address")
            raise XapiFailure("HOST_IS_SLAVE", address)

    def _session(self, message: tables.Message, params: list[Any]) -> tuple[str, list[Any]]:
        if not message.needs_session:
            return "", params
        session = params.pop(0) if params and isinstance(params[0], str) else ""
        if self._pool.faults.take("session_expire"):
            self._pool.sessions.close(session)
        role = self._pool.sessions.use(session)
        if not tables.role_allows(role, message.role):
            raise XapiFailure("RBAC_PERMISSION_DENIED", message.wire_name, f"No permission in user session (role {role})")
        return session, params

    def _check_handles(self, message: tables.Message, arguments: list[Any]) -> None:
        for param, value in zip(message.params, arguments, strict=True):
            class_name = param.type.removeprefix("ref ")
            api_class = tables.classes().get(class_name)
            if not param.type.startswith("ref ") or api_class is None:
                continue
            may_be_null = value == NULL and message.name.startswith("set_") and param.name == "value"
            if not may_be_null and not self._pool.store.has(class_name, value):
                raise handle_invalid(class_name, value)

    def _start_task(self, context: Context, message: tables.Message, run: Call, arguments: list[Any]) -> str:
        task = self._pool.tasks.create(f"Async.{message.wire_name}", host=context.host)
        self._pool.tasks.adopt(task)
        under_task = Context(context.pool, context.host, context.session, task)
        work = partial(self._finish_task, under_task, run, arguments)
        threading.Thread(target=work, name=f"task-{message.wire_name}", daemon=True).start()
        return task

    def _finish_task(self, context: Context, run: Call, arguments: list[Any]) -> None:
        try:
            with self._pool.store.lock:
                result = run(context, *arguments)
        except XapiFailure as failure:
            self._pool.tasks.fail(context.task, failure.description)
        except Exception as error:  # noqa: BLE001 the rim of the task's thread: a task must not stay pending for ever
            self._pool.tasks.fail(context.task, internal(type(error).__name__).description)
            traceback.print_exc()
        else:
            self._pool.tasks.succeed(context.task, "" if result is None else wire_xml.encode_value(result))


def _find(name: str, method: str, is_async: bool) -> tables.Message:
    class_name, _, message_name = name.partition(".")
    api_class = tables.classes().get(class_name)
    message = api_class.messages.get(message_name) if api_class else None
    if message is None or (is_async and not message.is_async):
        raise XapiFailure("MESSAGE_METHOD_UNKNOWN", method)
    return message


def _arguments(message: tables.Message, values: list[Any]) -> list[Any]:
    needed = sum(param.default is tables.NO_DEFAULT for param in message.params)
    if not needed <= len(values) <= len(message.params):
        raise XapiFailure("MESSAGE_PARAMETER_COUNT_MISMATCH", message.wire_name, str(len(message.params)), str(len(values)))
    given = [coerce(param.type, value, param.name) for param, value in zip(message.params, values, strict=False)]
    return given + [param.default for param in message.params[len(values) :]]


def _implementation(message: tables.Message) -> Call:
    call = CALLS.get(message.wire_name) or generic_call(message)
    if call is None:
        raise XapiFailure("NOT_IMPLEMENTED", message.wire_name)
    return call
