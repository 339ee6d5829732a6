"""The registry of job kinds: which function does the work of a kind, and on which queue it runs.

Apps register in their `jobs` module, which the backbone imports at start. What a handler does belongs to its app.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from project.backbone.accounts.policy import Actor
from project.backbone.jobs.models import Job, Queue

HandlerFunction = Callable[..., "dict[str, Any] | None"]
FailureFunction = Callable[[Job, "dict[str, Any]", Actor], None]


@dataclass(frozen=True, slots=True)
class Handler:
    """One kind of job. `function(job: JobContext, **params)` may be called again and then goes on from `job.checkpoint`.

    Parameters arrive as JSON values: ids are texts.
    """

    kind: str
    queue: Queue
    title: str
    function: HandlerFunction
    asked_anew_while_running: bool = False
    """Its `unique` key joins only requests that wait to be run: one that runs already may have read what was true before."""
    on_failed: FailureFunction | None = None
    """Called in the transaction that ends the job as failed or cancelled, with its error, so that its subject fails with it."""
    repeat_instead: str = ""
    """What to ask for instead of running an ended job again; empty for kinds that may be run again."""
    every: timedelta | None = None
    """The installation asks for it by itself, this long after it did so before; such a job takes no parameters."""


_handlers: dict[str, Handler] = {}


class UnknownKind(Exception):
    """No app registered this kind of job. Check the spelling, and that the app is in INSTALLED_APPS."""


def handler(
    kind: str,
    *,
    queue: str = "default",
    title: str = "",
    asked_anew_while_running: bool = False,
    on_failed: FailureFunction | None = None,
    repeat_instead: str = "",
    every: timedelta | None = None,
) -> Callable[[HandlerFunction], HandlerFunction]:
    """Register the decorated function for `kind`. A kind belongs to one function of one module.

    With `asked_anew_while_running` the handler must stand two runs side by side: a request that comes while one runs leads to
    one more. `on_failed(job, error, actor)` is called when the job has failed for good or was cancelled; it must not raise.
    A kind with `repeat_instead` is never run again once it ended: what allowed it then may no longer hold.
    """

    def register(function: HandlerFunction) -> HandlerFunction:
        known = _handlers.get(kind)
        if known is not None and known.function.__qualname__ != function.__qualname__:
            raise ValueError(f"job kind {kind} is already handled by {known.function.__qualname__}")
        _handlers[kind] = Handler(
            kind=kind,
            queue=Queue(queue),
            title=title or kind,
            function=function,
            asked_anew_while_running=asked_anew_while_running,
            on_failed=on_failed,
            repeat_instead=repeat_instead,
            every=every,
        )
        return function

    return register


def handler_of(kind: str) -> Handler:
    """The handler of a kind. Raises: UnknownKind."""
    try:
        return _handlers[kind]
    except KeyError:
        raise UnknownKind(f"no handler for job kind {kind!r}") from None


def asked_anew_while_running(kind: str) -> bool:
    """Whether a running job of this kind gives its unique key up; False for a kind nobody registered."""
    known = _handlers.get(kind)
    return known is not None and known.asked_anew_while_running


def repeat_instead(kind: str) -> str:
    """What to ask for instead of running an ended job of this kind again; empty where it may be run again, or nobody knows it."""
    known = _handlers.get(kind)
    return known.repeat_instead if known is not None else ""


def tell_failure(job: Job, error: dict[str, Any], actor: Actor) -> None:
    """Let the app of a failed job fail what the job worked on; part of the caller's transaction."""
    known = _handlers.get(job.kind)
    if known is not None and known.on_failed is not None:
        known.on_failed(job, error, actor)


def tell_stop(job: Job, actor: Actor) -> None:
    """Let the app of a cancelled job know, as for a failure: what it worked on would wait for ever; part of the transaction."""
    error = {
        "code": "job_cancelled",
        "message": f"The job {job.kind} for {job.subject or 'this'} was cancelled before it was done.",
        "next_step": "Start the step again, or cancel the whole.",
    }
    tell_failure(job, error, actor)


def kinds() -> list[Handler]:
    """Every registered kind, by name."""
    return sorted(_handlers.values(), key=lambda h: h.kind)
