"""A bounded list of the requests the lab has answered, without bodies, headers or query strings.

Callers pass only what may be read by anybody: a method name, a path. What could carry a session or a password does
not belong here.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import asdict, dataclass

KEPT = 20_000


@dataclass(frozen=True, slots=True)
class Seen:
    """One request: running number, epoch seconds, peer address, which server, HTTP method or call kind, and what."""

    n: int
    t: float
    peer: str
    server: str
    method: str
    what: str


class RequestLog:
    """Thread-safe; the oldest entries fall out after `KEPT`."""

    def __init__(self) -> None:
        self._seen: deque[Seen] = deque(maxlen=KEPT)
        self._lock = threading.Lock()
        self._count = 0

    def record(self, server: str, peer: str, method: str, what: str) -> None:
        """Note one request; `what` is a path without its query or an API method name."""
        with self._lock:
            self._count += 1
            self._seen.append(Seen(self._count, time.time(), peer, server, method, what))

    def since(self, n: int) -> list[dict[str, object]]:
        """The entries after number `n`, oldest first, as dictionaries."""
        with self._lock:
            return [asdict(entry) for entry in self._seen if entry.n > n]
