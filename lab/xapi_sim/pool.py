"""The pool as one object: database, sessions, tasks, alerts, storage, wiring and clock, tied together.

Calls (calls_*.py), transfers and trials act on it. It starts nothing and listens nowhere.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path

from lab.xapi_sim.alerts import Alerts
from lab.xapi_sim.clock import LabClock
from lab.xapi_sim.fabric import Fabric
from lab.xapi_sim.faults import Faults
from lab.xapi_sim.ha_plan import vm_overhead_bytes
from lab.xapi_sim.sessions import Sessions
from lab.xapi_sim.spec import PoolSpec
from lab.xapi_sim.storage import Storage
from lab.xapi_sim.store import Store
from lab.xapi_sim.tasks import Tasks


class Pool:
    """Everything there is of one pool while it runs.

    `ref` is the pool's reference; `armed_timeout_s` the T that xhad runs with, None while HA is off; `on_fenced` is
    called when hosts have reset, so that whoever listens for them can break their connections. `recorded` are the data sources
    a host keeps statistics of, and since when; `stalls` the state-file stalls each host sat out, in seconds, by their end.
    """

    def __init__(self, spec: PoolSpec, state_dir: Path, password: str, clock_factor: float) -> None:
        self.spec = spec
        self.store = Store()
        self.clock = LabClock(clock_factor)
        self.sessions = Sessions(self.store, password, self.clock)
        self.tasks = Tasks(self.store, self.clock)
        self.alerts = Alerts(self.store, self.clock)
        self.storage = Storage(self.store, state_dir / "vdis")
        self.faults = Faults()
        self.fabric = Fabric({}, [node.name for node in spec.storage_nodes])
        self.ref = ""
        self.armed_timeout_s: int | None = None
        self.port = 0
        self.recorded: dict[str, dict[str, datetime.datetime]] = {}
        self.stalls: dict[str, list[tuple[datetime.datetime, float]]] = {}
        self.on_fenced: Callable[[], None] = lambda: None

    @property
    def coordinator(self) -> str:
        """The reference of the host that is pool.master now."""
        return str(self.store.get("pool", self.ref, "master"))

    def uuid_of(self, class_name: str, ref: str) -> str:
        """The uuid of a record."""
        return str(self.store.get(class_name, ref, "uuid"))

    def host_named(self, name: str) -> str:
        """The reference of a host by its name.

        Raises:
            KeyError: no such host; the text lists the names.
        """
        names = {spec.name: ref for ref, spec in self.fabric.hosts.items()}
        if name not in names:
            raise KeyError(f"no host {name!r}; there are {', '.join(names)}")
        return names[name]

    def enabled_hosts(self) -> list[str]:
        """Hosts that run and may take VMs."""
        return [host for host in self.fabric.live() if self.store.get("host", host, "enabled")]

    def vm_need_bytes(self, vm: str) -> int:
        """Memory a VM takes from a host: static maximum and overhead."""
        record = self.store.row("VM", vm).record
        return int(record["memory_static_max"]) + self.vm_overhead_bytes(vm)

    def vm_overhead_bytes(self, vm: str) -> int:
        """Memory overhead of a VM; the control domain has none of its own."""
        record = self.store.row("VM", vm).record
        if record["is_control_domain"]:
            return 0
        return vm_overhead_bytes(record["memory_static_max"], record["VCPUs_max"], record["HVM_shadow_multiplier"])

    def free_memory_bytes(self, host: str) -> int:
        """What the planner takes as free on a host."""
        record = self.store.row("host", host).record
        total = self.store.get("host_metrics", record["metrics"], "memory_total")
        used = sum(self.vm_need_bytes(vm) for vm in record["resident_VMs"])
        return max(0, int(total) - int(record["memory_overhead"]) - used)

    def linger(self, lab_s: float) -> None:
        """Let lab time pass inside a call; the lock is free for others meanwhile."""
        self.store.changed.wait_for(lambda: self.clock.stopped, lab_s / self.clock.factor)

    def refresh_memory(self, host: str) -> None:
        """Write host_metrics.memory_free after something started or stopped there."""
        metrics = self.store.get("host", host, "metrics")
        self.store.set("host_metrics", metrics, memory_free=self.free_memory_bytes(host))

    def plugged_hosts(self, sr: str) -> list[str]:
        """Live hosts with an attached PBD of the SR."""
        pbds = (self.store.row("PBD", pbd).record for pbd in self.store.get("SR", sr, "PBDs"))
        return [pbd["host"] for pbd in pbds if pbd["currently_attached"] and self.fabric.is_up(pbd["host"])]
