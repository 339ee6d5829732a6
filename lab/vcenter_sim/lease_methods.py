"""SOAP methods of exports: ExportVm and the calls on its lease."""

from __future__ import annotations

import time
from typing import Any

from pyVmomi import vim, vmodl

from lab.vcenter_sim.center import Center, method, session_of
from lab.vcenter_sim.leases import Lease, close_lease, open_lease
from lab.vcenter_sim.sessions import Session
from lab.vcenter_sim.vm_methods import machine_of, require_power
from lab.vcenter_sim.wire import Call


@method("ExportVm")
def export_vm(center: Center, session: Session | None, call: Call) -> Any:
    """A lease on the disks of a VM that is off; one at a time."""
    session_of(session)
    machine = machine_of(center, call)
    require_power(machine, "poweredOff")
    if machine.lease:
        raise vim.fault.TaskInProgress(task=vim.Task("task-0"), msg=f"{machine.spec.name} is being exported already")
    return vim.HttpNfcLease(open_lease(center, machine).moid)


def _lease(center: Center, call: Call) -> Lease:
    center.mob(call.target._moId)
    found: Lease = center.leases[call.target._moId]
    return found


@method("HttpNfcLeaseProgress")
def lease_progress(center: Center, session: Session | None, call: Call) -> None:
    """Keep the lease alive."""
    session_of(session)
    lease = _lease(center, call)
    if lease.state != "ready":
        raise vim.fault.Timedout(msg=f"the lease is {lease.state}")
    with center.registry.changed:
        lease.percent, lease.renewed_at = call.arguments["percent"], time.monotonic()
        center.registry.touch(lease.moid)


@method("HttpNfcLeaseComplete")
def lease_complete(center: Center, session: Session | None, call: Call) -> None:
    """The client has everything."""
    session_of(session)
    lease = _lease(center, call)
    if lease.state != "ready":
        raise vmodl.fault.InvalidRequest(msg=f"the lease is {lease.state}, so it cannot be completed")
    close_lease(center, lease, "done")


@method("HttpNfcLeaseAbort")
def lease_abort(center: Center, session: Session | None, call: Call) -> None:
    """The client gives up."""
    session_of(session)
    reason = call.arguments["fault"] or vmodl.fault.RequestCanceled(msg="the export was aborted by the client")
    close_lease(center, _lease(center, call), "error", reason)
