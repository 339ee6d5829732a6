"""Control calls of the vCenter side: faults, somebody at the power button, the list of source disks."""

from __future__ import annotations

from functools import partial
from typing import Any

from pyVmomi import vmodl

from lab.control import BadCall, ControlServer, NoSuchThing
from lab.vcenter_sim.center import Center
from lab.vcenter_sim.devices import disk_key
from lab.vcenter_sim.faults import NUMBERS
from lab.vcenter_sim.leases import close_lease
from lab.vcenter_sim.machine import Machine
from lab.vcenter_sim.vm_methods import set_power, suspend
from lab.vcenter_sim.vm_state import power_state

SHORT = {"poweredOn": "on", "poweredOff": "off", "suspended": "suspended"}


def register_calls(center: Center, server: ControlServer) -> None:
    """Add the vCenter's calls to the control desk."""
    server.route("GET", "/disks", partial(_disks, center))
    server.route("POST", "/vcenter/fault", partial(_fault, center))
    server.route("POST", "/vcenter/power", partial(_power, center))
    server.contribute_state(partial(_state, center))


def _state(center: Center) -> dict[str, Any]:
    machines = center.places.machines.values()
    return {
        "source_vms": {machine.spec.name: SHORT[power_state(machine)] for machine in machines},
        "source_leases": sum(1 for lease in center.leases.values() if lease.state in ("initializing", "ready")),
        "source_sessions": len(center.sessions.all()),
    }


def _disks(center: Center, _arguments: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        _disk(center, machine, index)
        for machine in center.places.machines.values()
        for index, disk in enumerate(machine.spec.disks)
        if disk.rdm != "physicalMode"
    ]


def _disk(center: Center, machine: Machine, index: int) -> dict[str, Any]:
    prepared = center.disks.prepare(machine.estate.disk_plan(machine.spec, index))
    return {
        "vm": machine.spec.name,
        "moref": machine.moid,
        "device_key": disk_key(machine.spec.disks[index]),
        "label": f"Hard disk {index + 1}",
        "raw_path": str(prepared.raw_path),
        "vmdk_path": str(prepared.vmdk_path),
        "capacity_bytes": prepared.capacity_bytes,
        "sha256": center.disks.sha256(prepared),
    }


def _machine(center: Center, arguments: dict[str, Any]) -> Machine:
    name = str(arguments.get("vm", ""))
    machine = center.places.machine_named(name)
    if machine is None:
        raise NoSuchThing(f"no source VM is called {name!r}")
    return machine


def _power(center: Center, arguments: dict[str, Any]) -> dict[str, Any]:
    machine = _machine(center, arguments)
    state = arguments.get("state")
    if state not in SHORT.values():
        raise BadCall('state must be "on", "off" or "suspended"')
    if state == "suspended" and not machine.powered_on:
        raise BadCall(f"{machine.spec.name} does not run, so it cannot be suspended")
    if state == "on" and machine.lease:
        # Somebody at the host's own console does not ask vCenter: the export breaks.
        broken = vmodl.fault.SystemError(reason="power", msg=f"{machine.spec.name} was powered on at the host")
        close_lease(center, center.leases[machine.lease], "error", broken)
    if state == "suspended":
        suspend(center, machine)
    else:
        set_power(center, machine, state == "on")
    return {"vm": machine.spec.name, "state": state, "change_version": machine.change_version}


def _fault(center: Center, arguments: dict[str, Any]) -> dict[str, Any]:
    kind = arguments.get("kind")
    if kind == "none":
        center.faults.clear()
        for machine in center.places.machines.values():
            _set_reachable(center, machine, reachable=True)
    elif kind == "no_config":
        _set_reachable(center, _machine(center, arguments), reachable=False)
    elif kind == "unreadable":
        _make_unreadable(center, arguments)
    elif kind in NUMBERS:
        try:
            center.faults.arm(kind, arguments)
        except ValueError as error:
            raise BadCall(f"{kind}: {error}") from error
    else:
        known = ", ".join(sorted([*NUMBERS, "no_config", "unreadable", "none"]))
        raise BadCall(f"the vCenter knows no fault {kind!r}; there are {known}")
    return {"armed": kind}


def _set_reachable(center: Center, machine: Machine, *, reachable: bool) -> None:
    if machine.reachable != reachable:
        machine.reachable = reachable
        center.registry.touch(machine.moid)


def _make_unreadable(center: Center, arguments: dict[str, Any]) -> None:
    path = arguments.get("path")
    if not isinstance(path, str) or not path:
        raise BadCall("unreadable needs the property path, for example config.annotation")
    center.faults.unreadable.add((_machine(center, arguments).moid, path))
