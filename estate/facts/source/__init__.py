"""Facts of a VMware estate as the source adapters give them: VMs with their devices, and the landscape they live in."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from estate.facts.source.devices import (
    AllocationFacts,
    DeviceFacts,
    DiskBacking,
    DiskFacts,
    FileFacts,
    GuestDiskFacts,
    GuestNicFacts,
    NicFacts,
    SnapshotFacts,
)
from estate.facts.source.landscape import (
    ClusterFacts,
    ClusterGroupFacts,
    ClusterRuleFacts,
    ContainerFacts,
    DatastoreFacts,
    HbaFacts,
    HostFacts,
    KernelNicFacts,
    LunFacts,
    NetworkFacts,
    PhysicalNicFacts,
    SwitchFacts,
    VirtualSwitchFacts,
)
from estate.facts.source.vm import PowerState, VmFacts
from estate.facts.unknown import Unknown

__all__ = [
    "AllocationFacts",
    "ClusterFacts",
    "ClusterGroupFacts",
    "ClusterRuleFacts",
    "ContainerFacts",
    "DatastoreFacts",
    "DeviceFacts",
    "DiskBacking",
    "DiskFacts",
    "FileFacts",
    "GuestDiskFacts",
    "GuestNicFacts",
    "HbaFacts",
    "HostFacts",
    "KernelNicFacts",
    "LunFacts",
    "NetworkFacts",
    "NicFacts",
    "PhysicalNicFacts",
    "PowerState",
    "SnapshotFacts",
    "SourceAbout",
    "SourceFact",
    "SwitchFacts",
    "VirtualSwitchFacts",
    "VmFacts",
]


class SourceAbout(Struct, frozen=True):
    """Who answered: product, versions and the global id of this vCenter or ESXi (of the one a workbook was made from).

    `dropped_paths` are (path, reason) this server does not know, `lacking` (sheet or part, what is unknown for it) a file
    lacks. `taken_at` is when the facts were true, as far as the source tells: a workbook is older than its upload.
    `measured_s` are seconds of the collection by name, e.g. `server` (waiting for the first byte of each answer).
    """

    product: str
    api_version: str
    build: str
    instance_uuid: str
    is_vcenter: bool
    dropped_paths: tuple[tuple[str, str], ...] = ()
    lacking: tuple[tuple[str, str], ...] = ()
    taken_at: datetime | Unknown | None = None
    measured_s: tuple[tuple[str, float], ...] = ()


SourceFact = VmFacts | HostFacts | ClusterFacts | DatastoreFacts | NetworkFacts | SwitchFacts | ContainerFacts
