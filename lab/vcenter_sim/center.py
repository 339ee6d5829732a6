"""The parts a method handler works with, and the list of methods.

Handlers live in the `*_methods` modules and register themselves with `@method`. No HTTP here.
"""

from __future__ import annotations

import datetime
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pyVmomi import vim, vmodl

from lab.disks import DiskStore
from lab.vcenter_sim.faults import Faults
from lab.vcenter_sim.mobs import Mob, Registry
from lab.vcenter_sim.places import ROOT, Places
from lab.vcenter_sim.sessions import Session, SessionBook
from lab.vcenter_sim.wire import Call


@dataclass(frozen=True, slots=True)
class Timing:
    """How long things take. Lab seconds pass `clock_factor` times faster than real ones; the lease timeout is real."""

    clock_factor: float = 60.0
    power_lab_s: float = 6.0
    guest_shutdown_lab_s: float = 45.0
    snapshot_lab_s: float = 12.0
    lease_ready_lab_s: float = 6.0
    lease_timeout_s: int = 60


@dataclass(slots=True)
class Center:
    """One vCenter: its objects, sessions, disks, faults and clock."""

    registry: Registry
    places: Places
    sessions: SessionBook
    disks: DiskStore
    faults: Faults
    timing: Timing
    now: Callable[[], datetime.datetime]
    instance_uuid: str
    state_dir: Path
    nfc_url: Callable[[str], tuple[str, str]]  # host name -> address part of lease URLs, SHA-1 thumbprint
    leases: dict[str, Any] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    stopping: threading.Event = field(default_factory=threading.Event)

    def next_number(self, what: str) -> int:
        """A running number for ids, per kind."""
        with self.registry.lock:
            self.numbers[what] = self.numbers.get(what, 0) + 1
            return self.numbers[what]

    def mob(self, moid: str) -> Mob:
        """The object with this id.

        Raises:
            vmodl.fault.ManagedObjectNotFound: there is none.
        """
        found = self.registry.find(moid)
        if found is None:
            text = f"the object '{moid}' has already been deleted or was never made"
            raise vmodl.fault.ManagedObjectNotFound(obj=vim.ManagedEntity(moid), msg=text)
        return found

    def later(self, lab_s: float, action: Callable[[], None]) -> None:
        """Run `action` after `lab_s` lab seconds in a thread of its own, unless the lab stops before."""
        delay_s = lab_s / self.timing.clock_factor

        def wait_and_act() -> None:
            if not self.stopping.wait(delay_s):
                action()

        threading.Thread(target=wait_and_act, name="vcenter-later", daemon=True).start()


Handler = Callable[[Center, "Session | None", Call], Any]
METHODS: dict[str, Handler] = {}
ANONYMOUS = {"RetrieveServiceContent", "Login"}


def method(*names: str) -> Callable[[Handler], Handler]:
    """Register a handler for SOAP methods. It gets the session (None only for ANONYMOUS methods and Fetch)."""

    def register(handler: Handler) -> Handler:
        for name in names:
            METHODS[name] = handler
        return handler

    return register


def session_of(session: Session | None) -> Session:
    """The session, which the dispatcher has checked to be there.

    Raises:
        vim.fault.NotAuthenticated: it is not.
    """
    if session is None:
        raise not_authenticated()
    return session


def not_authenticated() -> Any:
    """The fault of a missing or expired session."""
    root = vim.Folder(ROOT)
    return vim.fault.NotAuthenticated(object=root, privilegeId="System.View", msg="The session is not authenticated.")


def not_found(moid: str) -> Any:
    """The fault of an object that is gone or never was."""
    text = f"The object '{moid}' has already been deleted or has not been completely created"
    return vmodl.fault.ManagedObjectNotFound(obj=vmodl.ManagedObject(moid), msg=text)
