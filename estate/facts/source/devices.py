"""The devices of one virtual machine: disks, NICs and everything else that is plugged in.

Sizes are bytes, rates MHz. A field that is UNKNOWN was not told; `None` or an empty tuple means told to be absent.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from estate.facts.unknown import UNKNOWN, Unknown


class DiskBacking(StrEnum):
    """How a virtual disk lies on its datastore; `OTHER` keeps the type name in `backing_type`."""

    FLAT = "flat"
    SPARSE = "sparse"
    SE_SPARSE = "sesparse"
    STREAM = "stream"
    RDM_PHYSICAL = "rdm_physical"
    RDM_VIRTUAL = "rdm_virtual"
    OTHER = "other"


class AllocationFacts(Struct, frozen=True):
    """Reservation, limit and shares of one resource: MHz for CPU, bytes for memory, I/O per second for a disk.

    `limit` is None when unlimited; `shares_level` is `low`, `normal`, `high` or `custom`.
    """

    reservation: int | Unknown = UNKNOWN
    limit: int | Unknown | None = UNKNOWN
    shares_level: str | Unknown = UNKNOWN


ALLOCATION_NOT_READ = AllocationFacts()


class DiskFacts(Struct, frozen=True):
    """One virtual disk. `device_key` is stable inside its VM; `address` is controller type, bus and unit as leases spell it.

    `file_name` is the datastore path (`[store] dir/name.vmdk`), or the member of an OVA. `has_parent`: the disk is the top of
    a chain; `chain_length` counts that chain, 1 without a parent. `change_id` is the CBT position. `vdisk_id` is set on a
    first-class disk. `io_filters` names attached IO filters.
    """

    device_key: int
    label: str
    capacity_bytes: int | Unknown
    backing: DiskBacking | Unknown
    backing_type: str = ""
    file_name: str | Unknown = UNKNOWN
    datastore_id: str | Unknown | None = UNKNOWN
    datastore_name: str | Unknown = UNKNOWN
    thin: bool | Unknown = UNKNOWN
    mode: str | Unknown = UNKNOWN
    sharing: str | Unknown = UNKNOWN
    controller_type: str | Unknown = UNKNOWN
    controller_shared_bus: str | Unknown = UNKNOWN
    bus_number: int | Unknown = UNKNOWN
    unit_number: int | Unknown = UNKNOWN
    disk_uuid: str | Unknown = UNKNOWN
    lun_uuid: str = ""
    encrypted: bool | Unknown = UNKNOWN
    has_parent: bool | Unknown = UNKNOWN
    chain_length: int | Unknown = UNKNOWN
    native_linked_clone: bool | Unknown = UNKNOWN
    change_id: str | Unknown | None = UNKNOWN
    vdisk_id: str | Unknown | None = UNKNOWN
    io_filters: tuple[str, ...] | Unknown = UNKNOWN
    vflash_reservation_bytes: int | Unknown = UNKNOWN
    allocation: AllocationFacts = ALLOCATION_NOT_READ

    @property
    def address(self) -> str:
        """Controller type, bus and unit, e.g. `ParaVirtualSCSIController0:1`."""
        return f"{self.controller_type}{self.bus_number}:{self.unit_number}"


class NicFacts(Struct, frozen=True):
    """One virtual NIC; `network_id` is the moref of its network or distributed port group.

    `backing_type` is VMware's type name of the backing. `direct_path` is `uptCompatibilityEnabled`.
    """

    device_key: int
    label: str
    mac_address: str | Unknown
    network_id: str | Unknown = UNKNOWN
    network_name: str | Unknown = UNKNOWN
    switch_name: str | Unknown = UNKNOWN
    adapter: str = ""
    backing_type: str = ""
    address_type: str | Unknown = UNKNOWN
    connected: bool | Unknown = UNKNOWN
    start_connected: bool | Unknown = UNKNOWN
    direct_path: bool | Unknown = UNKNOWN
    ip_addresses: tuple[str, ...] = ()


class DeviceFacts(Struct, frozen=True):
    """Any other device, controllers included. `kind` is VMware's type name, e.g. `VirtualPCIPassthrough`.

    `backing` is what it stands on (file, host device, vGPU profile); None when it has none. `traits` are the few settings that
    matter for its kind, e.g. `enable3DSupport`, `numDisplays`, `sharedBus`.
    """

    device_key: int
    kind: str
    label: str = ""
    backing_type: str = ""
    backing: str | Unknown | None = UNKNOWN
    connected: bool | Unknown = UNKNOWN
    traits: tuple[tuple[str, str], ...] = ()


class GuestNicFacts(Struct, frozen=True):
    """A network card as VMware Tools see it. `origins` runs along `ip_addresses`: `manual`, `dhcp`, `other`, ... or empty."""

    device_key: int
    mac_address: str = ""
    network_name: str = ""
    connected: bool | Unknown = UNKNOWN
    ip_addresses: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    prefix_lengths: tuple[int, ...] = ()
    dhcp: bool | Unknown = UNKNOWN


class GuestDiskFacts(Struct, frozen=True):
    """A mounted volume as VMware Tools see it; `path` is `C:\\` or `/boot`."""

    path: str
    capacity_bytes: int | Unknown = UNKNOWN
    free_bytes: int | Unknown = UNKNOWN
    device_keys: tuple[int, ...] = ()


class FileFacts(Struct, frozen=True):
    """One file of a VM, by its datastore path. `kind` is VMware's word, e.g. `config`, `diskExtent`, `snapshotData`, `swap`."""

    path: str
    kind: str
    size_bytes: int | Unknown = UNKNOWN


class SnapshotFacts(Struct, frozen=True):
    """One snapshot; `depth` counts from 1 at the root of its chain."""

    native_id: str
    name: str
    created_at: datetime | Unknown = UNKNOWN
    with_memory: bool | Unknown = UNKNOWN
    depth: int = 1
