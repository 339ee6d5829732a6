"""Switching one source VM: its power state, guest shutdown, power off and on.

Everything may run twice: what is already as wanted is left alone. Whether a machine may be switched is decided elsewhere.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from estate.errors import AskPerson
from estate.facts.source import PowerState
from estate.facts.unknown import UNKNOWN, Unknown, is_known
from estate.vsphere.inventory.values import SourceObject, or_none, text
from estate.vsphere.machine import machine, read_machine, run_task
from estate.vsphere.session import VsphereSession
from estate.vsphere.watch import DeadlinePassed, wait_until

GUEST_SHUTDOWN_S = 600.0
POWER_S = 180.0

_STATE_PATHS = (
    "name",
    "runtime.powerState",
    "runtime.connectionState",
    "runtime.bootTime",
    "config.changeVersion",
    "config.instanceUuid",
)
_QUESTION_PATHS = (*_STATE_PATHS, "runtime.question", "guest.toolsRunningStatus")


class GuestDidNotStop(AskPerson):
    """The guest was asked to shut down and still runs."""

    code = "guest_did_not_stop"


class SourceSuspended(AskPerson):
    """The machine is suspended: to power it off would throw away what its memory holds."""

    code = "source_suspended"


class QuestionPending(AskPerson):
    """The machine stands still at a question that somebody has to answer."""

    code = "question_pending"


@dataclass(frozen=True, slots=True)
class VmPower:
    """Whether a machine runs and whether it ran since: boot time and change version move when it is started.

    `instance_uuid` tells whether the moref still means the machine it meant.
    `boot_time` is None while it is off, and unknown when a running machine has none.
    """

    power_state: PowerState | Unknown
    boot_time: datetime | Unknown | None
    change_version: str | Unknown
    instance_uuid: str | Unknown = UNKNOWN

    @property
    def is_off(self) -> bool:
        """Confirmed off; an unknown state is not off."""
        return self.power_state == PowerState.OFF


def state(session: VsphereSession, vm_id: str) -> VmPower:
    """The power state of a VM now. Raises EdgeError."""
    return _power(read_machine(session, vm_id, _STATE_PATHS))


def _power(found: SourceObject) -> VmPower:
    said = found.text("runtime.powerState")
    power_state: PowerState | Unknown
    if isinstance(said, Unknown):
        power_state = said
    else:
        power_state = PowerState(said) if said in set(PowerState) else Unknown(f"power state {said!r}")
    rests = found.text("runtime.connectionState") == "connected" and power_state != PowerState.ON
    return VmPower(
        power_state=power_state,
        boot_time=or_none(found.moment("runtime.bootTime"), whole=rests),
        change_version=found.text("config.changeVersion"),
        instance_uuid=found.text("config.instanceUuid"),
    )


def shut_down(
    session: VsphereSession,
    vm_id: str,
    *,
    deadline_s: float = GUEST_SHUTDOWN_S,
    then_power_off: bool = False,
    asking: Callable[[], None] | None = None,
    alive: Callable[[], None] | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> VmPower:
    """Ask the guest to shut down and wait until the machine is off; return its state, which is confirmed off.

    With `then_power_off` (somebody chose that) a guest without VMware Tools, or one that still runs after `deadline_s`
    seconds, is powered off hard. `asking` is called right before the guest is asked, and again before the power is cut: from
    then on the machine may go off at any time, whatever becomes of the caller.

    Raises:
        GuestDidNotStop: it still runs after the deadline.
        SourceSuspended: it is suspended; nothing was done to it.
        QuestionPending: it waits for an answer.
        AskPerson: VMware Tools do not run (`tools_unavailable`), its power state cannot be read, or any other fault.
        Wait: another task holds it.
    """
    found = read_machine(session, vm_id, _QUESTION_PATHS)
    if _power(found).is_off:
        return _power(found)
    _refuse_not_running(session, found)
    _refuse_question(session, found)
    try:
        _tell(asking)
        _ask_guest(session, vm_id, found.name())
        _wait_off(session, vm_id, found.name(), deadline_s, alive, clock)
    except (DeadlinePassed, AskPerson) as refused:
        if not (then_power_off and (isinstance(refused, DeadlinePassed) or refused.code == "tools_unavailable")):
            raise _told(refused, session, found.name(), deadline_s) from refused
        _tell(asking)
        return power_off(session, vm_id, alive=alive)
    return _confirmed_off(session, vm_id)


def _tell(asking: Callable[[], None] | None) -> None:
    if asking is not None:
        asking()


def _ask_guest(session: VsphereSession, vm_id: str, name: str) -> None:
    try:
        session.call(lambda: machine(session, vm_id).ShutdownGuest(), where=name)
    except AskPerson as refused:
        # It may have gone off between our look and our call, as one that was asked before does.
        if refused.code != "invalid_power_state" or not state(session, vm_id).is_off:
            raise


def goes_off(session: VsphereSession, vm_id: str, *, deadline_s: float, alive: Callable[[], None] | None = None) -> bool:
    """Whether the machine is off within so many seconds; asks nothing of it. Raises EdgeError."""
    try:
        _wait_off(session, vm_id, read_machine(session, vm_id, _STATE_PATHS).name(), deadline_s, alive, time.monotonic)
    except DeadlinePassed:
        return False
    return True


def _wait_off(
    session: VsphereSession,
    vm_id: str,
    name: str,
    deadline_s: float,
    alive: Callable[[], None] | None,
    clock: Callable[[], float],
) -> None:
    wait_until(
        session,
        machine(session, vm_id),
        ("runtime.powerState",),
        lambda values: values.get("runtime.powerState") == PowerState.OFF,
        deadline_s=deadline_s,
        where=name,
        alive=alive,
        clock=clock,
    )


def _told(refused: AskPerson | DeadlinePassed, session: VsphereSession, name: str, deadline_s: float) -> Exception:
    if not isinstance(refused, DeadlinePassed):
        return refused
    return GuestDidNotStop(
        f"{session.where}, {name}: the guest still runs {deadline_s:.0f} s after it was asked to shut down",
        next_step="Shut it down from inside, or choose to power it off hard.",
        where=name,
    )


def _refuse_not_running(session: VsphereSession, found: SourceObject) -> None:
    """Only what is confirmed to run is asked to shut down, or cut off."""
    power_state = _power(found).power_state
    if power_state == PowerState.SUSPENDED:
        raise SourceSuspended(
            f"{session.where}, {found.name()} is suspended: powering it off would throw away what its memory holds",
            next_step="Resume it and shut its guest down, or power it off in the vSphere Client to discard it; then retry.",
            where=found.name(),
        )
    if isinstance(power_state, Unknown):
        raise AskPerson(
            f"{session.where}, {found.name()}: whether it runs cannot be read ({power_state.reason})",
            code="power_state_unknown",
            next_step="See in the vSphere Client why its state is not shown, then start this step again.",
            where=found.name(),
        )


def _refuse_question(session: VsphereSession, found: SourceObject) -> None:
    question = found.values.get("runtime.question")
    if question is not None:
        asked = text(question, "text")
        raise QuestionPending(
            f"{session.where}, {found.name()} waits for an answer: {asked if is_known(asked) else 'unknown question'}",
            next_step="Answer the question in the vSphere Client, then start this step again.",
            where=found.name(),
        )


def power_off(
    session: VsphereSession, vm_id: str, *, deadline_s: float = POWER_S, alive: Callable[[], None] | None = None
) -> VmPower:
    """Power a machine off hard; one that is off already is left alone. Returns its state, which is confirmed off.

    Raises:
        SourceSuspended: it is suspended; nothing was done to it.
        Wait: another task holds it (`task_in_progress`), or it is not off after `deadline_s` seconds.
        AskPerson: any other fault.
    """
    return _switch(session, vm_id, PowerState.OFF, deadline_s, alive)


def power_on(
    session: VsphereSession, vm_id: str, *, deadline_s: float = POWER_S, alive: Callable[[], None] | None = None
) -> VmPower:
    """Start a machine again (rollback); one that runs already is left alone. Raises as `power_off`."""
    return _switch(session, vm_id, PowerState.ON, deadline_s, alive)


def _switch(
    session: VsphereSession, vm_id: str, wanted: PowerState, deadline_s: float, alive: Callable[[], None] | None
) -> VmPower:
    found = read_machine(session, vm_id, _STATE_PATHS)
    if _power(found).power_state == wanted:
        return _power(found)
    if wanted is PowerState.OFF:
        _refuse_not_running(session, found)
    method = "PowerOffVM_Task" if wanted is PowerState.OFF else "PowerOnVM_Task"

    def start() -> Any:
        return getattr(machine(session, vm_id), method)()

    try:
        run_task(session, start, where=found.name(), deadline_s=deadline_s, alive=alive)
    except AskPerson as refused:
        # Somebody else may have switched it between our look and our call: then it is as wanted.
        if refused.code != "invalid_power_state" or state(session, vm_id).power_state != wanted:
            raise
    return _confirmed(session, vm_id, wanted)


def _confirmed_off(session: VsphereSession, vm_id: str) -> VmPower:
    return _confirmed(session, vm_id, PowerState.OFF)


def _confirmed(session: VsphereSession, vm_id: str, wanted: PowerState) -> VmPower:
    """Read the state once more: what a task says is not what the machine does."""
    found = read_machine(session, vm_id, _STATE_PATHS)
    power = _power(found)
    if power.power_state != wanted:
        raise AskPerson(
            f"{session.where}, {found.name()} should be {wanted} and is {power.power_state}",
            code="invalid_power_state",
            next_step="See who changed its power state, then start this step again.",
            where=found.name(),
        )
    return power
