"""Acting while the lab's pool is at work: waiting until it is, and letting something happen then."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from django.db import connections

from tests.builders.path_looks import Looks


def at_work(looks: Looks, operation: str) -> bool:
    """Whether the pool is at work on this operation, on any VM or SR."""
    store = looks.lab.whole.pool.pool.store  # type: ignore[union-attr]
    with store.lock:
        rows = [*store.rows("VM"), *store.rows("SR")]
        return any(operation in row.record["current_operations"].values() for _, row in rows)


def until(condition: Callable[[], object], what: str) -> None:
    """Wait for a condition, a minute at most."""
    end_s = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end_s, f"waited in vain for {what}"
        time.sleep(0.02)


def during(looks: Looks, operation: str, act: Callable[[], object]) -> threading.Thread:
    """Lets something happen once the pool is at work on the operation."""

    def acting() -> None:
        until(lambda: at_work(looks, operation), operation)
        act()
        connections.close_all()

    thread = threading.Thread(target=acting)
    thread.start()
    return thread
