"""Finding one port that is free on several loopback addresses at once.

The hosts of a pool all listen on the same port, each on its own address of 127.0.0.0/8. The sockets are handed over
bound and listening, so nobody can take the port between the search and the start. Nothing here ever binds elsewhere.
"""

from __future__ import annotations

import contextlib
import ipaddress
import socket
from dataclasses import dataclass

BACKLOG = 128
ATTEMPTS = 64
LOOPBACK = ipaddress.ip_network("127.0.0.0/8")


class NoCommonPort(OSError):
    """No port could be bound on all the addresses."""


@dataclass(frozen=True, slots=True)
class Listeners:
    """`port` and, per address, a TCP socket that already listens on it. The receiver closes them."""

    port: int
    sockets: dict[str, socket.socket]


def require_loopback(address: str) -> str:
    """Return `address` when it lies in 127.0.0.0/8.

    Raises:
        ValueError: the address would be reachable from outside this machine.
    """
    if ipaddress.ip_address(address) not in LOOPBACK:
        raise ValueError(f"the lab binds to 127.0.0.0/8 only, not to {address}")
    return address


def listen_on_common_port(addresses: list[str], port: int = 0) -> Listeners:
    """Listen on one port of every address; `port` 0 lets the system choose.

    Raises:
        NoCommonPort: the wanted port is taken on one of the addresses, or no attempt found a common one.
        ValueError: an address is not loopback.
    """
    wanted = [require_loopback(address) for address in dict.fromkeys(addresses)]
    failure: OSError | None = None
    for _ in range(1 if port else ATTEMPTS):
        try:
            return _try_once(wanted, port)
        except OSError as error:
            failure = error
    raise NoCommonPort(f"no port could be bound on all of {', '.join(wanted)} (wanted {port or 'any'})") from failure


def _try_once(addresses: list[str], port: int) -> Listeners:
    with contextlib.ExitStack() as undo:
        sockets: dict[str, socket.socket] = {}
        for address in addresses:
            sock = undo.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((address, port))
            sock.listen(BACKLOG)
            port = sock.getsockname()[1]
            sockets[address] = sock
        undo.pop_all()
    return Listeners(port, sockets)
