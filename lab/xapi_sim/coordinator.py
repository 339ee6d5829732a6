"""Who is the coordinator: moving the role, by a person or after a fence."""

from __future__ import annotations

from lab.xapi_sim.pool import Pool


def move_coordinator(pool: Pool, host: str) -> None:
    """Make `host` the coordinator. Sessions do not survive the move, as on a real pool."""
    if pool.coordinator == host:
        return
    pool.store.set("pool", pool.ref, master=host)
    pool.sessions.close_all()
    name = pool.store.get("host", host, "name_label")
    pool.alerts.post("POOL_MASTER_TRANSITION", "Host", pool.uuid_of("host", host), f"Host {name} is the coordinator now")
