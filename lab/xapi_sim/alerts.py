"""Alerts: `message` records posted by the pool itself or through message.create."""

from __future__ import annotations

from lab.xapi_sim import tables
from lab.xapi_sim.clock import LabClock
from lab.xapi_sim.store import Store

KEPT = 10_000


class Alerts:
    """Posts messages with the priority the API gives their name; the oldest fall out after `KEPT`."""

    def __init__(self, store: Store, clock: LabClock) -> None:
        self._store = store
        self._clock = clock

    def post(self, name: str, cls: str, obj_uuid: str, body: str = "", priority: int | None = None) -> str:
        """Add a message about the object `obj_uuid` of class `cls` (VM, Host, SR, Pool ...)."""
        known = tables.alert_priorities().get(name, 3)
        with self._store.lock:
            for oldest in self._store.refs("message")[: -KEPT + 1]:
                self._store.destroy("message", oldest)
            return self._store.create(
                "message",
                name=name,
                priority=known if priority is None else priority,
                cls=cls,
                obj_uuid=obj_uuid,
                timestamp=self._clock.now(),
                body=body,
            )
