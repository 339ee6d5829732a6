"""Who calls, where, and as what: the context every call gets, and the registry the calls sign up in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lab.xapi_sim import tables

if TYPE_CHECKING:
    from lab.xapi_sim.pool import Pool
    from lab.xapi_sim.store import Store


@dataclass(frozen=True, slots=True)
class Context:
    """One call: the pool, the host that received it, the session ("" before login) and the task it runs under."""

    pool: Pool
    host: str
    session: str = ""
    task: str = ""

    @property
    def store(self) -> Store:
        """The pool's database."""
        return self.pool.store


Call = Callable[..., Any]
CALLS: dict[str, Call] = {}


def api_call(*names: str) -> Callable[[Call], Call]:
    """Sign a function up for the API messages `Class.message`; a name the datamodel lacks is a mistake at import."""

    def sign_up(call: Call) -> Call:
        for name in names:
            class_name, _, message = name.partition(".")
            if message not in tables.classes()[class_name].messages:
                raise KeyError(f"the API has no message {name}")
            CALLS[name] = call
        return call

    return sign_up
