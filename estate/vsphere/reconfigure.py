"""Changing what is configured of one source VM: which network cards connect, a note on it. What is as wanted is left alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pyVmomi import vim

from estate.errors import AskPerson
from estate.facts.unknown import Unknown, is_known
from estate.vsphere.inventory.values import NOT_GIVEN
from estate.vsphere.machine import machine, read_machine, run_task
from estate.vsphere.session import VsphereSession

RECONFIGURE_S = 120.0


def disconnect_nics(session: VsphereSession, vm_id: str, *, alive: Callable[[], None] | None = None) -> tuple[int, ...]:
    """Disconnect every network card, now and at the next start. Returns the keys of those it changed, for rollback."""
    return _connect(session, vm_id, None, False, alive)


def connect_nics(
    session: VsphereSession, vm_id: str, device_keys: tuple[int, ...], *, alive: Callable[[], None] | None = None
) -> tuple[int, ...]:
    """Let these cards connect at start again (rollback). Returns the keys of those it changed."""
    return _connect(session, vm_id, device_keys, True, alive)


def _connect(
    session: VsphereSession,
    vm_id: str,
    device_keys: tuple[int, ...] | None,
    connected: bool,
    alive: Callable[[], None] | None,
) -> tuple[int, ...]:
    vm = machine(session, vm_id)
    hardware = session.call(lambda: vm.config.hardware, where=vm_id)
    cards = [
        device
        for device in hardware.device
        if isinstance(device, vim.vm.device.VirtualEthernetCard)
        and (device_keys is None or device.key in device_keys)
        and _needs_change(device.connectable, connected)
    ]
    if cards:
        spec = vim.vm.ConfigSpec(deviceChange=[_card_change(card, connected) for card in cards])
        run_task(session, lambda: vm.ReconfigVM_Task(spec), where=vm_id, deadline_s=RECONFIGURE_S, alive=alive)
    return tuple(card.key for card in cards)


def _needs_change(connectable: Any, connected: bool) -> bool:
    if connectable is None:
        return False
    return not connectable.startConnected if connected else connectable.startConnected or connectable.connected


def _card_change(card: Any, connected: bool) -> Any:
    card.connectable.startConnected = connected
    if not connected:
        card.connectable.connected = False
    return vim.vm.device.VirtualDeviceSpec(operation="edit", device=card)


def annotate(session: VsphereSession, vm_id: str, note: str, *, alive: Callable[[], None] | None = None) -> None:
    """Add a line to the machine's notes, unless it stands there already. What people wrote stays."""
    found = read_machine(session, vm_id, ("name", "config.annotation", "config.changeVersion"))
    before = found.text("config.annotation")
    if isinstance(before, Unknown) and before is not NOT_GIVEN:
        raise AskPerson(
            f"{session.where}, {found.name()}: its notes cannot be read ({before.reason})",
            code="annotation_unreadable",
            next_step="Give the account the right to read the machine's configuration.",
            where=found.name(),
        )
    written = before if is_known(before) else ""
    if note in written.splitlines():
        return
    spec = vim.vm.ConfigSpec(annotation=f"{written}\n{note}".strip())
    version = found.text("config.changeVersion")
    if is_known(version) and version:
        spec.changeVersion = version
    vm = machine(session, vm_id)
    run_task(session, lambda: vm.ReconfigVM_Task(spec), where=found.name(), deadline_s=RECONFIGURE_S, alive=alive)
