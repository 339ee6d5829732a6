"""A pool reached through whichever of its hosts answers: the coordinator may be the one that is away."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from estate.connection import Connection
from estate.errors import EdgeError, Retry
from estate.tls import host_and_port
from estate.xapi.session import XapiSession
from estate.xapi.transport import join_address, split_address

T = TypeVar("T")


def asked_of_any(connection: Connection, members: tuple[str, ...], ask: Callable[[XapiSession], T], *, patience_s: float) -> T:
    """What `ask` gives in a session with the pool behind `connection`, else through the first of its `members` that answers.

    `members` are addresses; each request waits `patience_s` at most.

    Raises:
        EdgeError: no host of the pool answered; the error is that of the first one asked.
    """
    first: EdgeError | None = None
    port = host_and_port(connection.url)[1]
    for address in ("", *members):
        url = f"https://{join_address(split_address(address, port)[0], port)}" if address else connection.url
        through = Connection(url=url, username=connection.username, password=connection.password, pins=connection.pins,
                             name=connection.name, endpoint_id=connection.endpoint_id)  # fmt: skip
        try:
            with XapiSession(through, timeout_s=patience_s) as session:
                return ask(session)
        except Retry as error:  # this host does not answer; what asks a person would be refused by every host
            first = first or error
    assert first is not None
    raise first
