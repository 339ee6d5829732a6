"""Operations that take their time behind their checks: what the pool shows meanwhile, what it refuses, what cancelling does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.error import HTTPError

import pytest

from tests.contract.xapi_sim.pool_wire import Wire, refusal, vdi_record, vm_record, wait_for

LONG_S = 60


@pytest.fixture
def vm(wire: Wire, session: Any) -> Iterator[str]:
    ref = session.xenapi.VM.create(vm_record())
    yield ref
    wire.desk("POST", "/pool/fault", kind="none")
    wait_for(lambda: not session.xenapi.VM.get_current_operations(ref), "the VM to be idle")
    if session.xenapi.VM.get_power_state(ref) != "Halted":
        session.xenapi.VM.hard_shutdown(ref)
    session.xenapi.VM.destroy(ref)


def ended(session: Any, task: str) -> str:
    return str(wait_for(lambda: (s := session.xenapi.task.get_status(task)) not in ("pending", "cancelling") and s, "its end"))


def begun(wire: Wire, session: Any, vm: str, **fault: Any) -> str:
    """A start under way, as its task."""
    wire.desk("POST", "/pool/fault", kind="pending", method="VM.start", **fault)
    task = session.xenapi.Async.VM.start(vm, False, False)
    wait_for(lambda: session.xenapi.VM.get_current_operations(vm), "the start to begin")
    return str(task)


def test_a_start_under_way_is_shown_and_nothing_runs_beside_it(wire: Wire, session: Any, vm: str) -> None:
    task = begun(wire, session, vm, seconds=LONG_S)
    record = session.xenapi.VM.get_record(vm)
    assert (record["power_state"], record["current_operations"]) == ("Halted", {task: "start"})
    assert record["allowed_operations"] == []
    for call in (lambda: session.xenapi.VM.start(vm, False, False), lambda: session.xenapi.VM.destroy(vm)):
        assert refusal(call) == ["OTHER_OPERATION_IN_PROGRESS", "VM", vm, "start", task]
    assert refusal(session.xenapi.VM.hard_shutdown, vm)[0] == "VM_BAD_POWER_STATE"
    session.xenapi.task.cancel(task)
    assert ended(session, task) == "cancelled"


def test_a_start_that_is_cancelled_before_its_end_leaves_the_vm_halted(wire: Wire, session: Any, vm: str) -> None:
    task = begun(wire, session, vm, seconds=LONG_S)
    session.xenapi.task.cancel(task)
    assert ended(session, task) == "cancelled"
    record = session.xenapi.VM.get_record(vm)
    assert (record["power_state"], record["current_operations"], "start" in record["allowed_operations"]) == ("Halted", {}, True)


@pytest.mark.parametrize("cancelled", [False, True])
def test_a_start_comes_up_in_the_end_although_it_was_blocked_or_cancelled_in_vain(
    wire: Wire, session: Any, vm: str, cancelled: bool
) -> None:
    task = begun(wire, session, vm, seconds=1, stubborn=cancelled)
    session.xenapi.VM.add_to_blocked_operations(vm, "start", "too late: it was checked when the start began")
    if cancelled:
        session.xenapi.task.cancel(task)
    assert ended(session, task) == "success"
    record = session.xenapi.VM.get_record(vm)
    assert (record["power_state"], record["current_operations"]) == ("Running", {})


def test_a_start_that_is_waited_for_takes_its_time_too(wire: Wire, session: Any, vm: str) -> None:
    wire.desk("POST", "/pool/fault", kind="pending", method="VM.start", seconds=1)
    session.xenapi.VM.start(vm, False, False)
    assert session.xenapi.VM.get_power_state(vm) == "Running"


def test_a_vdi_that_takes_its_time_is_made_although_it_was_cancelled(wire: Wire, session: Any) -> None:
    (sr,) = session.xenapi.SR.get_by_name_label("nfs-01")
    before = len(session.xenapi.VDI.get_all())
    wire.desk("POST", "/pool/fault", kind="pending", method="VDI.create", seconds=1)
    task = session.xenapi.Async.VDI.create(vdi_record(sr, 8 << 20))
    wait_for(lambda: "vdi_create" in session.xenapi.SR.get_current_operations(sr).values(), "the SR to be at work")
    assert len(session.xenapi.VDI.get_all()) == before
    session.xenapi.task.cancel(task)
    assert ended(session, task) == "success"
    assert (len(session.xenapi.VDI.get_all()), session.xenapi.SR.get_current_operations(sr)) == (before + 1, {})


def test_what_pends_goes_on_once_all_faults_are_cleared(wire: Wire, session: Any, vm: str) -> None:
    task = begun(wire, session, vm, seconds=LONG_S)
    wire.desk("POST", "/pool/fault", kind="none")
    assert (ended(session, task), session.xenapi.VM.get_power_state(vm)) == ("success", "Running")


def test_what_cannot_pend_is_refused_by_the_desk(wire: Wire) -> None:
    for arguments in ({"method": "VM.clone", "seconds": 1}, {"method": "VM.start"}, {"method": "VM.start", "seconds": "long"}):
        with pytest.raises(HTTPError, match="400"):
            wire.desk("POST", "/pool/fault", kind="pending", **arguments)
