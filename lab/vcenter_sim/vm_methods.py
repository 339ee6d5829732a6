"""SOAP methods on VMs: power, guest, snapshots, configuration. Refuses what a vCenter refuses.

Exports are in lease_methods.py.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from pyVmomi import vim, vmodl

from lab.vcenter_sim.center import Center, method, session_of
from lab.vcenter_sim.devices import cards
from lab.vcenter_sim.machine import Machine, SnapshotNode
from lab.vcenter_sim.sessions import Session
from lab.vcenter_sim.tasks import start_task
from lab.vcenter_sim.tree import snapshot as snapshot_shape
from lab.vcenter_sim.vm_state import power_state
from lab.vcenter_sim.wire import Call


def machine_of(center: Center, call: Call) -> Machine:
    """The VM a call is made on.

    Raises:
        vmodl.fault.ManagedObjectNotFound: there is no such VM.
    """
    center.mob(call.target._moId)
    return center.places.machines[call.target._moId]


def require_power(machine: Machine, wanted: str, *, or_suspended: bool = False) -> None:
    """Refuse unless the VM is `poweredOn` or `poweredOff` as wanted, or suspended where that does as well.

    Raises:
        vim.fault.InvalidPowerState: it is not.
    """
    state = power_state(machine)
    if state != wanted and not (or_suspended and state == "suspended"):
        text = f"The attempted operation cannot be performed in the current state ({state})."
        raise vim.fault.InvalidPowerState(existingState=state, requestedState=wanted, msg=text)


def _require_free(machine: Machine) -> None:
    if machine.lease:
        raise vim.fault.TaskInProgress(task=vim.Task("task-0"), msg=f"{machine.spec.name} is being exported ({machine.lease})")
    if machine.spec.template:
        raise vmodl.fault.NotSupported(msg=f"{machine.spec.name} is a template")


def set_power(center: Center, machine: Machine, on: bool) -> None:
    """Switch a VM; power on gives it a new boot time and change version, or resumes it; power off discards kept memory."""
    with center.registry.changed:
        if on and not machine.powered_on:
            machine.start(center.now())
        elif not on and (machine.powered_on or machine.suspended):
            machine.stop()
        center.registry.touch(machine.moid)


def suspend(center: Center, machine: Machine) -> None:
    """Freeze a VM that runs; its memory is kept."""
    with center.registry.changed:
        machine.suspend(center.now())
        center.registry.touch(machine.moid)


def _switch(center: Center, call: Call, on: bool) -> Any:
    machine = machine_of(center, call)
    _require_free(machine)
    wanted = "poweredOff" if on else "poweredOn"
    require_power(machine, wanted, or_suspended=True)

    def work() -> None:
        require_power(machine, wanted, or_suspended=True)
        set_power(center, machine, on)

    return start_task(center, call.name, machine.ref, machine.spec.name, center.timing.power_lab_s, work)


@method("PowerOffVM_Task")
def power_off(center: Center, session: Session | None, call: Call) -> Any:
    """Pull the plug."""
    session_of(session)
    return _switch(center, call, on=False)


@method("PowerOnVM_Task")
def power_on(center: Center, session: Session | None, call: Call) -> Any:
    """Start the VM."""
    session_of(session)
    return _switch(center, call, on=True)


@method("ShutdownGuest")
def shutdown_guest(center: Center, session: Session | None, call: Call) -> None:
    """Ask the guest to go down; it takes its time, and some guests never do."""
    session_of(session)
    machine = machine_of(center, call)
    _require_free(machine)
    require_power(machine, "poweredOn")
    if not machine.tools_running:
        text = f"Cannot complete operation because VMware Tools is not running in {machine.spec.name}."
        raise vim.fault.ToolsUnavailable(msg=text)
    if not machine.spec.ignores_shutdown:
        center.later(center.timing.guest_shutdown_lab_s, partial(_went_down, center, machine))


def _went_down(center: Center, machine: Machine) -> None:
    """The guest came to its end, unless it was frozen on the way."""
    if machine.powered_on:
        set_power(center, machine, on=False)


@method("CreateSnapshot_Task")
def create_snapshot(center: Center, session: Session | None, call: Call) -> Any:
    """A new snapshot below the current one."""
    session_of(session)
    machine = machine_of(center, call)
    if machine.lease:
        _require_free(machine)
    arguments = call.arguments

    def work() -> Any:
        number = center.next_number("snapshot") + 500
        current = machine.current_snapshot()
        node = SnapshotNode(
            moid=f"snapshot-{number}",
            number=number,
            name=arguments["name"],
            description=arguments["description"] or "",
            created=center.now(),
            parent=current.moid if current else "",
            quiesced=bool(arguments["quiesce"]) and machine.tools_running,
            power_state=power_state(machine) if arguments["memory"] else "poweredOff",
        )
        center.registry.add(vim.vm.Snapshot, node.moid, snapshot_shape(machine))
        _set_snapshots(center, machine, [*machine.snapshots, node])
        return vim.vm.Snapshot(node.moid)

    return start_task(center, call.name, machine.ref, machine.spec.name, center.timing.snapshot_lab_s, work)


def _set_snapshots(center: Center, machine: Machine, snapshots: list[SnapshotNode]) -> None:
    gone = {node.moid for node in machine.snapshots} - {node.moid for node in snapshots}
    machine.snapshots = snapshots
    machine.note_change(center.now())
    for moid in gone:
        center.registry.remove(moid)
    center.registry.touch(machine.moid)


@method("RemoveSnapshot_Task")
def remove_snapshot(center: Center, session: Session | None, call: Call) -> Any:
    """Remove one snapshot, with those below it when asked to."""
    session_of(session)
    moid = call.target._moId
    center.mob(moid)
    machine = next(m for m in center.places.machines.values() if any(node.moid == moid for node in m.snapshots))

    def work() -> None:
        doomed = {moid}
        if call.arguments["removeChildren"]:
            for node in machine.snapshots:  # parents stand before their children
                if node.parent in doomed:
                    doomed.add(node.moid)
        _set_snapshots(center, machine, _without(machine.snapshots, doomed))

    return start_task(center, call.name, machine.ref, machine.spec.name, center.timing.snapshot_lab_s, work)


def _without(snapshots: list[SnapshotNode], doomed: set[str]) -> list[SnapshotNode]:
    parents = {node.moid: node.parent for node in snapshots}

    def living(parent: str) -> str:
        while parent in doomed:
            parent = parents[parent]
        return parent

    return [replace(node, parent=living(node.parent)) for node in snapshots if node.moid not in doomed]


@method("RemoveAllSnapshots_Task")
def remove_all_snapshots(center: Center, session: Session | None, call: Call) -> Any:
    """Remove every snapshot of a VM."""
    session_of(session)
    machine = machine_of(center, call)
    work = partial(_set_snapshots, center, machine, [])
    return start_task(center, call.name, machine.ref, machine.spec.name, center.timing.snapshot_lab_s, work)


@method("ReconfigVM_Task")
def reconfigure(center: Center, session: Session | None, call: Call) -> Any:
    """Change the note and which network cards start connected; anything else is refused."""
    session_of(session)
    machine = machine_of(center, call)
    spec = call.arguments["spec"]

    def work() -> None:
        known = {card.key for card in cards(machine)}
        for change in spec.deviceChange or []:
            if change.device.key not in known or change.operation != "edit" or change.device.connectable is None:
                raise vim.fault.InvalidDeviceSpec(deviceIndex=0, property="deviceChange", msg="the lab edits network cards only")
            machine.starts_connected[change.device.key] = bool(change.device.connectable.startConnected)
        if spec.annotation is not None:
            machine.annotation = spec.annotation
        machine.note_change(center.now())
        center.registry.touch(machine.moid)

    return start_task(center, call.name, machine.ref, machine.spec.name, center.timing.power_lab_s, work)
