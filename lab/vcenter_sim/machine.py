"""What changes about one source VM: power, guest, snapshots, notes. Plain state, no SOAP and no threads.

The shapes read it, power.py and snapshots.py write it under the registry's lock.
"""

from __future__ import annotations

import datetime
import random
import uuid
from dataclasses import dataclass, field

from pyVmomi import vim

from lab.worlds.spec import EstateSpec, Tools, VmSpec


@dataclass(frozen=True, slots=True)
class SnapshotNode:
    """One snapshot; `parent` is the id of the snapshot it was taken from, "" for a root."""

    moid: str
    number: int
    name: str
    description: str
    created: datetime.datetime
    parent: str
    quiesced: bool
    power_state: str


@dataclass(slots=True)
class Machine:
    """One VM: the estate's words about it and what happened since."""

    spec: VmSpec
    estate: EstateSpec
    number: int
    folder: vim.Folder
    host: vim.HostSystem
    resource_pool: vim.ResourcePool | None
    datastores: dict[str, vim.Datastore]
    networks: dict[str, vim.Network]
    modified: datetime.datetime
    powered_on: bool = False
    boot_time: datetime.datetime | None = None
    suspended: bool = False
    suspend_time: datetime.datetime | None = None
    changes: int = 0
    annotation: str = ""
    snapshots: list[SnapshotNode] = field(default_factory=list)
    starts_connected: dict[int, bool] = field(default_factory=dict)
    reachable: bool = True
    lease: str = ""

    @property
    def moid(self) -> str:
        """The managed object id."""
        return f"vm-{self.number}"

    @property
    def ref(self) -> vim.VirtualMachine:
        """The reference to this VM."""
        return vim.VirtualMachine(self.moid)

    @property
    def tools_running(self) -> bool:
        """VMware Tools answer right now."""
        return self.powered_on and self.spec.tools is Tools.RUNNING

    @property
    def instance_uuid(self) -> str:
        """`config.instanceUuid`: the same in every run of a world."""
        return self._uuid("instance")

    @property
    def bios_uuid(self) -> str:
        """`config.uuid`, the SMBIOS id."""
        return self._uuid("bios")

    @property
    def home(self) -> str:
        """Datastore folder of the VM, `[datastore] name`."""
        return f"[{self.spec.disks[0].datastore}] {self.spec.name}"

    @property
    def change_version(self) -> str:
        """`config.changeVersion`: grows with every change, power on included."""
        return f"{self.modified.strftime('%Y-%m-%dT%H:%M:%S.%f')}Z-{self.changes}"

    def chance(self) -> random.Random:
        """A source of numbers that is the same for this VM in every run."""
        return random.Random(f"{self.estate.seed}:{self.spec.name}")

    def note_change(self, now: datetime.datetime) -> None:
        """The configuration or power changed."""
        self.changes += 1
        self.modified = now

    def start(self, now: datetime.datetime) -> None:
        """The VM runs from now on. One that was suspended is resumed: it did not boot again."""
        self.boot_time = self.boot_time if self.suspended else now
        self.powered_on, self.suspended = True, False
        self.note_change(now)

    def suspend(self, now: datetime.datetime) -> None:
        """The VM stands still, its memory kept on disk."""
        self.powered_on, self.suspended, self.suspend_time = False, True, now
        self.note_change(now)

    def stop(self) -> None:
        """The VM is off; nothing else about it changes. The memory of a suspended one is lost."""
        self.powered_on, self.suspended, self.boot_time = False, False, None

    def current_snapshot(self) -> SnapshotNode | None:
        """The newest snapshot, which is the running point's parent."""
        return self.snapshots[-1] if self.snapshots else None

    def _uuid(self, what: str) -> str:
        return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{self.estate.name}:{self.estate.seed}:{self.spec.name}:{what}"))
