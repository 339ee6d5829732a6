"""The registry of job kinds: which function does the work of a kind, and on which queue it runs.

Apps register in their `jobs` module, which the backbone imports at start. What a handler does belongs to its app.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from project.backbone.jobs.models import Queue

HandlerFunction = Callable[..., "dict[str, Any] | None"]


@dataclass(frozen=True, slots=True)
class Handler:
    """One kind of job. `function(job: JobContext, **params)` may be called again and then goes on from `job.checkpoint`."""

    kind: str
    queue: Queue
    title: str
    function: HandlerFunction


_handlers: dict[str, Handler] = {}


class UnknownKind(Exception):
    """No app registered this kind of job. Check the spelling, and that the app is in INSTALLED_APPS."""


def handler(kind: str, *, queue: str = "default", title: str = "") -> Callable[[HandlerFunction], HandlerFunction]:
    """Register the decorated function for `kind`. A kind belongs to one function of one module."""

    def register(function: HandlerFunction) -> HandlerFunction:
        known = _handlers.get(kind)
        if known is not None and known.function.__qualname__ != function.__qualname__:
            raise ValueError(f"job kind {kind} is already handled by {known.function.__qualname__}")
        _handlers[kind] = Handler(kind=kind, queue=Queue(queue), title=title or kind, function=function)
        return function

    return register


def handler_of(kind: str) -> Handler:
    """The handler of a kind. Raises: UnknownKind."""
    try:
        return _handlers[kind]
    except KeyError:
        raise UnknownKind(f"no handler for job kind {kind!r}") from None


def kinds() -> list[Handler]:
    """Every registered kind, by name."""
    return sorted(_handlers.values(), key=lambda h: h.kind)
