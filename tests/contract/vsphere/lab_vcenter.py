"""The lab's own vCenter for contract tests, with its faults at hand and the connection a confirmed endpoint would have."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from estate.connection import Connection
from lab.disks import DiskStore
from lab.vcenter_sim.center import Timing
from lab.vcenter_sim.machine import Machine
from lab.vcenter_sim.sim import VCenterSim
from lab.vcenter_sim.vm_methods import set_power
from lab.worlds import ESTATES

PASSWORD = "lab secret"


@dataclass(frozen=True, slots=True)
class LabVcenter:
    """A running lab vCenter."""

    sim: VCenterSim

    def connection(self, **changes: object) -> Connection:
        shown = self.sim.lab_json()
        pins = frozenset({shown["vcenter"]["sha256"], *(host["sha256"] for host in shown["esxi"])})
        values = {"url": self.sim.url, "username": shown["vcenter"]["user"], "password": PASSWORD, "pins": pins, "name": "lab"}
        return Connection(**(values | changes))

    def arm(self, kind: str, **arguments: int) -> None:
        """Arm a fault of the lab (docs/lab.md)."""
        self.sim.center.faults.arm(kind, arguments)

    def machine(self, name: str) -> Machine:
        found = self.sim.center.places.machine_named(name)
        assert found is not None
        return found

    def switch(self, name: str, *, on: bool) -> str:
        """Somebody powers a VM on or off; returns its moref value."""
        set_power(self.sim.center, self.machine(name), on)
        return self.machine(name).moid

    def logins(self) -> int:
        """Login calls seen so far."""
        return sum(1 for entry in self.sim.log.since(0) if "Login" in str(entry))


@contextmanager
def running_lab_vcenter(
    directory: Path, disks: DiskStore, *, world: str, lease_timeout_s: int = 3, idle_timeout_s: float = 1800
) -> Iterator[LabVcenter]:
    timing = Timing(clock_factor=600, lease_timeout_s=lease_timeout_s)
    sim = VCenterSim(ESTATES[world](), directory, PASSWORD, timing=timing, disks=disks, idle_timeout_s=idle_timeout_s)
    sim.start()
    try:
        yield LabVcenter(sim)
    finally:
        sim.stop()
