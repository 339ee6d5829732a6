"""What a plan says of one machine that will arrive in a pool: enough for capacity and protection questions."""

from __future__ import annotations

from msgspec import Struct


class PlannedVm(Struct, frozen=True):
    """One machine on its way into a pool. `ha_restart_priority` is `restart`, `best-effort` or empty, as XAPI spells it."""

    machine_id: str
    name: str
    memory_bytes: int
    vcpus: int
    disk_bytes_by_sr: tuple[tuple[str, int], ...]
    mac_addresses: tuple[str, ...]
    ha_restart_priority: str = ""
    is_windows: bool = False
