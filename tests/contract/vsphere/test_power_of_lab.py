"""Switching source machines: guest first, twice without harm, and never silently the hard way."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC

import pytest
from pyVmomi import vim

from estate.errors import AskPerson, Wait
from estate.facts.source import PowerState
from estate.vsphere import power, reconfigure
from estate.vsphere.export import open_export
from estate.vsphere.power import GuestDidNotStop, SourceSuspended
from estate.vsphere.session import VsphereSession
from lab.vcenter_sim.vm_methods import suspend
from lab.worlds.spec import Tools
from tests.contract.vsphere import typed
from tests.contract.vsphere.lab_vcenter import LabVcenter
from tests.vcsim.server import Vcsim


def _respec(lab: LabVcenter, name: str, **changes: object) -> str:
    machine = lab.machine(name)
    machine.spec = replace(machine.spec, **changes)  # type: ignore[arg-type]
    return machine.moid


def test_a_guest_shuts_down_and_the_machine_is_confirmed_off(lab_vcenter: LabVcenter) -> None:
    moref = lab_vcenter.machine("git01").moid
    with VsphereSession(lab_vcenter.connection()) as session:
        before = power.state(session, moref)
        assert before.power_state == PowerState.ON
        assert before.boot_time is not None
        assert before.boot_time.tzinfo == UTC
        assert power.shut_down(session, moref).is_off
        assert power.shut_down(session, moref).is_off
    shutdowns = [entry for entry in lab_vcenter.sim.log.since(0) if entry["what"] == "ShutdownGuest"]
    assert len(shutdowns) == 1


def test_a_guest_that_never_stops_asks_a_person_after_the_deadline(lab_vcenter: LabVcenter) -> None:
    moref = _respec(lab_vcenter, "git01", ignores_shutdown=True)
    ticks = iter(range(0, 10_000, 400))
    with VsphereSession(lab_vcenter.connection()) as session, pytest.raises(GuestDidNotStop) as asked:
        power.shut_down(session, moref, deadline_s=600, clock=lambda: float(next(ticks)))
    assert "git01" in asked.value.message
    assert "power it off hard" in asked.value.next_step


def test_a_guest_that_never_stops_is_powered_off_by_explicit_choice(lab_vcenter: LabVcenter) -> None:
    moref = _respec(lab_vcenter, "git01", ignores_shutdown=True)
    ticks = iter(range(0, 10_000, 400))
    with VsphereSession(lab_vcenter.connection()) as session:
        power.shut_down(session, moref, then_power_off=True, clock=lambda: float(next(ticks)))
        assert power.state(session, moref).is_off


def test_without_tools_a_machine_is_not_powered_off_unless_somebody_chose_so(lab_vcenter: LabVcenter) -> None:
    moref = _respec(lab_vcenter, "web02", tools=Tools.NOT_RUNNING)
    with VsphereSession(lab_vcenter.connection()) as session:
        with pytest.raises(AskPerson) as refused:
            power.shut_down(session, moref)
        assert refused.value.code == "tools_unavailable"
        assert not power.state(session, moref).is_off
        assert power.shut_down(session, moref, then_power_off=True).is_off


def test_a_machine_that_is_being_exported_says_wait(lab_vcenter: LabVcenter) -> None:
    moref = lab_vcenter.switch("git01", on=False)
    with VsphereSession(lab_vcenter.connection()) as session, open_export(session, moref):
        with pytest.raises(Wait) as busy:
            power.power_on(session, moref)
        assert busy.value.code == "task_in_progress"


def test_alive_may_stop_the_waiting(lab_vcenter: LabVcenter) -> None:
    moref = _respec(lab_vcenter, "git01", ignores_shutdown=True)

    def cancelled() -> None:
        raise AskPerson("cancelled by anna", code="cancelled")

    with VsphereSession(lab_vcenter.connection()) as session, pytest.raises(AskPerson, match="cancelled by anna"):
        power.shut_down(session, moref, alive=cancelled)


def test_powering_on_again_moves_boot_time_and_change_version(lab_vcenter: LabVcenter) -> None:
    moref = lab_vcenter.machine("git01").moid
    with VsphereSession(lab_vcenter.connection()) as session:
        off = power.power_off(session, moref)
        assert (off.is_off, off.boot_time) == (True, None)
        lab_vcenter.switch("git01", on=True)
        lab_vcenter.switch("git01", on=False)
        after = power.state(session, moref)
        assert after.is_off
        assert after.change_version != off.change_version
        on = power.power_on(session, moref)
        assert on.boot_time is not None
        assert power.power_on(session, moref) == on


def test_a_session_that_expires_while_waiting_is_logged_in_again(lab_vcenter: LabVcenter) -> None:
    moref = lab_vcenter.machine("git01").moid
    with VsphereSession(lab_vcenter.connection()) as session:
        asked: list[int] = []

        def throw_out_once() -> None:
            if not asked:
                asked.append(1)
                lab_vcenter.sim.center.sessions.end(lab_vcenter.sim.center.sessions.all()[0])

        assert power.shut_down(session, moref, alive=throw_out_once).is_off
        assert session.logins == 2


def test_a_suspended_machine_is_neither_asked_nor_cut_off(lab_vcenter: LabVcenter) -> None:
    machine = lab_vcenter.machine("git01")
    suspend(lab_vcenter.sim.center, machine)
    asked: list[int] = []
    with VsphereSession(lab_vcenter.connection()) as session:
        assert power.state(session, machine.moid).power_state == PowerState.SUSPENDED
        with pytest.raises(SourceSuspended) as shut:
            power.shut_down(session, machine.moid, then_power_off=True, asking=lambda: asked.append(1))
        with pytest.raises(SourceSuspended):
            power.power_off(session, machine.moid)
    assert (shut.value.code, "git01" in shut.value.message, machine.suspended, asked) == ("source_suspended", True, True, [])


def test_a_machine_that_is_suspended_while_it_shuts_down_keeps_its_memory(lab_vcenter: LabVcenter) -> None:
    moref = _respec(lab_vcenter, "git01", ignores_shutdown=True)
    machine, center = lab_vcenter.machine("git01"), lab_vcenter.sim.center
    ticks = iter(range(0, 100_000, 400))
    with VsphereSession(lab_vcenter.connection()) as session, pytest.raises(SourceSuspended):
        power.shut_down(
            session,
            moref,
            then_power_off=True,
            alive=lambda: None if machine.suspended else suspend(center, machine),
            clock=lambda: float(next(ticks)),
        )
    assert machine.suspended


def test_a_machine_that_goes_off_between_the_look_and_the_call_is_off(lab_vcenter: LabVcenter) -> None:
    moref = lab_vcenter.machine("git01").moid
    with VsphereSession(lab_vcenter.connection()) as session:
        assert power.shut_down(session, moref, asking=lambda: lab_vcenter.switch("git01", on=False)).is_off


def test_each_time_something_is_asked_of_the_machine_it_is_told_before(lab_vcenter: LabVcenter) -> None:
    moref = _respec(lab_vcenter, "git01", ignores_shutdown=True)
    ticks, seen = iter(range(0, 100_000, 400)), list[bool]()
    with VsphereSession(lab_vcenter.connection()) as session:
        power.shut_down(
            session,
            moref,
            then_power_off=True,
            asking=lambda: seen.append(lab_vcenter.machine("git01").powered_on),
            clock=lambda: float(next(ticks)),
        )
        power.shut_down(session, moref, asking=lambda: seen.append(False))
    assert seen == [True, True], "before the guest is asked and before the power is cut; never of a machine that is off"


def test_whether_a_machine_goes_off_is_seen_without_asking_it(lab_vcenter: LabVcenter) -> None:
    moref = lab_vcenter.machine("git01").moid
    with VsphereSession(lab_vcenter.connection()) as session:
        assert not power.goes_off(session, moref, deadline_s=0)
        assert power.goes_off(session, moref, deadline_s=60, alive=lambda: lab_vcenter.switch("git01", on=False))


def test_a_machine_that_is_gone_asks_a_person(lab_vcenter: LabVcenter) -> None:
    with VsphereSession(lab_vcenter.connection()) as session, pytest.raises(AskPerson) as gone:
        power.state(session, "vm-999999")
    assert gone.value.code == "object_gone"


@pytest.mark.vcsim
def test_cards_are_disconnected_and_connected_again_and_the_note_is_written_once(own_vcsim: Vcsim) -> None:
    connection = own_vcsim.connection()
    with typed.typed_session(connection) as instance:
        moref = next(iter(typed.objects(instance, vim.VirtualMachine, "name")))
    with VsphereSession(connection) as session:
        power.power_off(session, moref)
        keys = reconfigure.disconnect_nics(session, moref)
        assert keys == (4000,)
        assert reconfigure.disconnect_nics(session, moref) == ()
        reconfigure.annotate(session, moref, "kept by the owner")
        reconfigure.annotate(session, moref, "moved to pool-1")
        reconfigure.annotate(session, moref, "moved to pool-1")
    with typed.typed_session(connection) as instance:
        config = typed.objects(instance, vim.VirtualMachine, "config")[moref]["config"]
    assert config.annotation == "kept by the owner\nmoved to pool-1"
    card = next(device for device in config.hardware.device if device.key == 4000)
    assert (card.connectable.startConnected, card.connectable.connected) == (False, False)
    with VsphereSession(connection) as session:
        assert reconfigure.connect_nics(session, moref, keys) == keys


@pytest.mark.vcsim
def test_vcsim_machines_switch_the_same_way(own_vcsim: Vcsim) -> None:
    connection = own_vcsim.connection()
    with typed.typed_session(connection) as instance:
        moref = next(iter(typed.objects(instance, vim.VirtualMachine, "name")))
    with VsphereSession(connection) as session:
        assert power.shut_down(session, moref).is_off
        assert power.power_on(session, moref).power_state == PowerState.ON
        assert power.power_off(session, moref).is_off
