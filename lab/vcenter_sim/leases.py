"""Export leases: made ready, kept alive by progress calls, dead without them.

The methods are in lease_methods.py, the bytes in nfc.py.
"""

from __future__ import annotations

import secrets
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from pyVmomi import vim, vmodl

from lab.disks import PreparedDisk
from lab.disks.store import ImageUnusable
from lab.vcenter_sim.center import Center
from lab.vcenter_sim.devices import disk_key, export_key
from lab.vcenter_sim.machine import Machine
from lab.vcenter_sim.neutral import make

NVRAM_BYTES = 8684


@dataclass(slots=True)
class Lease:
    """One HttpNfcLease. `state` is initializing, ready, done or error; `files` maps URL file names to disks."""

    moid: str
    machine: Machine
    ticket: str
    files: dict[str, PreparedDisk | bytes] = field(default_factory=dict)
    state: str = "initializing"
    error: Any = None
    percent: int = 0
    renewed_at: float = 0.0
    over: threading.Event = field(default_factory=threading.Event)


def open_lease(center: Center, machine: Machine) -> Lease:
    """Start an export of `machine`; the lease becomes ready in the background, when the disks lie ready."""
    number = center.next_number("lease")
    lease = Lease(f"session[lab]nfc-lease-{number}", machine, secrets.token_hex(16))
    machine.lease = lease.moid
    center.leases[lease.moid] = lease
    shape = {
        "state": lambda: lease.state,
        "error": lambda: lease.error,
        "info": lambda: _info(center, lease),
        "initializeProgress": lambda: 100 if lease.state == "ready" else 0,
        "transferProgress": lambda: lease.percent,
        "mode": lambda: "pushOrGet",
    }
    center.registry.add(vim.HttpNfcLease, lease.moid, shape)
    center.later(center.timing.lease_ready_lab_s, lambda: _make_ready(center, lease))
    return lease


def exported(machine: Machine) -> list[int]:
    """Indexes of the disks an export carries: physical RDMs and independent disks are left out."""
    disks = machine.spec.disks
    return [i for i, disk in enumerate(disks) if disk.rdm != "physicalMode" and not disk.mode.startswith("independent")]


def _make_ready(center: Center, lease: Lease) -> None:
    machine = lease.machine
    try:
        files = _files(center, machine)
    except (ImageUnusable, OSError) as error:
        close_lease(center, lease, "error", vmodl.fault.SystemError(reason="disk", msg=f"{machine.spec.name}: {error}"))
        return
    with center.registry.changed:
        if lease.state != "initializing":
            return
        lease.files, lease.state, lease.renewed_at = files, "ready", time.monotonic()
        center.registry.touch(lease.moid)
    threading.Thread(target=_watch, args=(center, lease), name="vcenter-lease", daemon=True).start()


def _files(center: Center, machine: Machine) -> dict[str, PreparedDisk | bytes]:
    files: dict[str, PreparedDisk | bytes] = {}
    for index in exported(machine):
        files[f"disk-{index}.vmdk"] = center.disks.prepare(machine.estate.disk_plan(machine.spec, index))
    if machine.spec.firmware == "efi":
        files["nvram"] = machine.chance().randbytes(NVRAM_BYTES)
    return files


def _watch(center: Center, lease: Lease) -> None:
    limit_s = center.timing.lease_timeout_s
    while lease.state == "ready" and not center.stopping.is_set():
        left_s = lease.renewed_at + limit_s - time.monotonic()
        if left_s <= 0:
            timeout = vim.fault.Timedout(msg=f"the lease was not renewed within {limit_s} seconds")
            close_lease(center, lease, "error", timeout)
            return
        lease.over.wait(min(left_s, 1.0))


def close_lease(center: Center, lease: Lease, state: str, error: Any = None) -> None:
    """Put a lease into `done` or `error`; running downloads break off, the VM is free again."""
    with center.registry.changed:
        if lease.state in ("done", "error"):
            return
        lease.state, lease.error = state, error
        lease.machine.lease = ""
        lease.over.set()
        center.registry.touch(lease.moid)


def _info(center: Center, lease: Lease) -> Any:
    if lease.state != "ready":
        return None
    machine = lease.machine
    total = sum(disk.capacity_mib for disk in machine.spec.disks) * 1024
    return make(
        vim.HttpNfcLease.Info,
        lease=vim.HttpNfcLease(lease.moid),
        entity=machine.ref,
        deviceUrl=[_device_url(center, lease, name) for name in lease.files],
        totalDiskCapacityInKB=total,
        leaseTimeout=center.timing.lease_timeout_s,
    )


def _device_url(center: Center, lease: Lease, name: str) -> Any:
    address, sha1 = center.nfc_url(lease.machine.spec.host)
    url = f"https://{address}/nfc/{lease.ticket}/{name}"
    common = {"url": url, "sslThumbprint": sha1, "importKey": ""}
    if name == "nvram":
        key = f"/{lease.machine.moid}/nvram"
        return make(vim.HttpNfcLease.DeviceUrl, key=key, disk=False, targetId=name, fileSize=NVRAM_BYTES, **common)
    spec = lease.machine.spec.disks[int(name.removeprefix("disk-").removesuffix(".vmdk"))]
    return make(
        vim.HttpNfcLease.DeviceUrl,
        key=export_key(lease.machine, spec),
        disk=True,
        targetId=f"{lease.machine.moid}-{disk_key(spec)}",
        datastoreKey=spec.datastore,
        **common,
    )


def lease_of_ticket(center: Center, ticket: str) -> Lease | None:
    """The lease whose URLs carry this ticket."""
    return next((lease for lease in list(center.leases.values()) if lease.ticket == ticket), None)
