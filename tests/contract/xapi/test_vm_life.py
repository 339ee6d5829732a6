"""A conversion's VM against the lab's pool: made once, found again, blocked, started, removed without touching others."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest

from estate.errors import AskPerson, EdgeError
from estate.xapi import tasks, vm, vm_power
from estate.xapi.errors import TaskStuck
from estate.xapi.session import XapiSession
from estate.xapi.vm import VmDisk, VmNic, VmSpec
from lab.xapi_sim import PoolSim

CONVERSION = "7f3a9f0e-0000-4000-8000-000000000001"
GIB = 1 << 30


def uuid_of(session: XapiSession, kind: str, name: str) -> str:
    (ref,) = session.call(f"{kind}.get_by_name_label", name)
    return str(session.call(f"{kind}.get_uuid", ref))


@pytest.fixture
def spec(session: XapiSession) -> VmSpec:
    """A Windows server with three disks and two NICs."""
    sr, network = uuid_of(session, "SR", "nfs-01"), uuid_of(session, "network", "guests")
    return VmSpec(
        name="app-01",
        description="from vCenter",
        firmware="uefi",
        secure_boot=True,
        vcpus=4,
        cores_per_socket=2,
        memory_bytes=4 * GIB,
        is_windows=True,
        template_name="Windows Server 2022 (64-bit)",
        nics=(VmNic("0", network, "00:50:56:AA:00:01"), VmNic("1", network, "00:50:56:aa:00:02")),
        disks=tuple(VmDisk(position, GIB + 512, sr, f"Hard disk {n}", 2000 + n) for n, position in enumerate(("0", "1", "2"))),
        origin={"xenbound-source-uuid": "4211aaaa"},
    )


@pytest.fixture
def machine(session: XapiSession, spec: VmSpec) -> Iterator[str]:
    """The VM as `prepare` makes it, done twice as a restarted job would."""
    for _ in range(2):
        uuid = vm.ensure_vm(session, spec, CONVERSION)
        for disk in spec.disks:
            vdi = vm.ensure_vdi(session, disk, CONVERSION, vm_name=spec.name)
            vm.ensure_vbd(session, uuid, vdi, disk.position, conversion_id=CONVERSION)
        for nic in spec.nics:
            vm.ensure_vif(session, uuid, nic, conversion_id=CONVERSION)
        vm.ensure_cd(session, uuid, conversion_id=CONVERSION)
    yield uuid
    if vm.leftovers(session, CONVERSION).vms:
        vm.shut_down(session, uuid, force=True)
    vm.remove_everything(session, CONVERSION, even_if_it_ran=True)


def record_of(session: XapiSession, uuid: str) -> dict[str, object]:
    return dict(session.call("VM.get_record", session.call("VM.get_by_uuid", uuid)))


def test_repeated_preparation_makes_each_thing_once(session: XapiSession, spec: VmSpec, machine: str) -> None:
    seen = vm.attached(session, machine)
    assert (sorted(seen.disks), sorted(seen.disks.values())) == (
        ["0", "1", "2"],
        sorted(uuid for uuid, _ in vm.leftovers(session, CONVERSION).vdis),
    )
    assert (seen.nics, seen.cd_drives) == ({"0": "00:50:56:aa:00:01", "1": "00:50:56:aa:00:02"}, 1)
    found = vm.leftovers(session, CONVERSION)
    assert found.vms == ((machine, "app-01"),)
    assert len(found.vdis) == 3


def test_vm_keeps_firmware_topology_and_macs_of_its_source(session: XapiSession, machine: str) -> None:
    record = record_of(session, machine)
    assert record["HVM_boot_params"] == {"firmware": "uefi", "order": "cd"}
    platform = record["platform"]
    assert isinstance(platform, dict)
    assert (platform["device-model"], platform["secureboot"], platform["cores-per-socket"]) == ("qemu-upstream-uefi", "true", "2")
    assert (record["memory_static_max"], record["VCPUs_max"], record["power_state"]) == (str(4 * GIB), "4", "Halted")
    assert (record["ha_restart_priority"], record["has_vendor_device"]) == ("", True)
    other = record["other_config"]
    assert isinstance(other, dict)
    assert other["xenbound-source-uuid"] == "4211aaaa"
    assert "disks" not in other
    taken = vm.macs_in_use(session)
    assert (taken["00:50:56:aa:00:01"], taken["00:50:56:aa:00:02"]) == ("app-01", "app-01")
    assert "00:50:56:aa:00:01" not in vm.macs_in_use(session, except_conversions={CONVERSION})


def test_vtpm_is_given_once_and_interfaces_are_locked_as_asked(session: XapiSession, spec: VmSpec, machine: str) -> None:
    for _ in range(2):
        vm.ensure_vtpm(session, machine)
    assert len(record_of(session, machine)["VTPMs"]) == 1  # type: ignore[arg-type]
    vm.ensure_vif(session, machine, VmNic("2", spec.nics[0].network_uuid, "00:50:56:aa:00:03", "disabled"))
    vifs = [session.call("VIF.get_record", ref) for ref in record_of(session, machine)["VIFs"]]  # type: ignore[attr-defined]
    assert {vif["device"]: vif["locking_mode"] for vif in vifs} == {
        "0": "network_default",
        "1": "network_default",
        "2": "disabled",
    }


def test_vtpm_that_the_licence_does_not_cover_is_refused_with_its_reason(
    pool: PoolSim, session: XapiSession, machine: str
) -> None:
    store, ref = pool.pool.store, pool.pool.ref
    before = store.get("pool", ref, "restrictions")
    store.set("pool", ref, restrictions=before | {"restrict_vtpm": "true"})
    try:
        with pytest.raises(EdgeError) as caught:
            vm.ensure_vtpm(session, machine)
    finally:
        store.set("pool", ref, restrictions=before)
    assert caught.value.code == "licence_missing"


def test_disk_sizes_are_rounded_up_to_two_mebibytes(session: XapiSession, machine: str) -> None:
    sizes = {int(r["virtual_size"]) for r in session.call("VDI.get_all_records").values() if r["name_label"].startswith("app-01")}
    assert sizes == {GIB + (2 << 20)}


def test_boot_disk_has_position_zero_and_the_cd_position_three(session: XapiSession, machine: str) -> None:
    drives = [session.call("VBD.get_record", ref) for ref in record_of(session, machine)["VBDs"]]  # type: ignore[attr-defined]
    places = {drive["userdevice"]: (drive["type"], drive["bootable"], drive["mode"]) for drive in drives}
    assert places["0"] == ("Disk", True, "RW")
    assert places["1"] == ("Disk", False, "RW")
    assert places["3"][0] == "CD"


def test_blocked_vm_does_not_start_until_it_is_unblocked(session: XapiSession, machine: str) -> None:
    assert vm.is_blocked(session, machine)
    with pytest.raises(EdgeError) as caught:
        vm.start(session, machine)
    assert caught.value.code == "operation_blocked"
    assert vm.power_state(session, machine) == "Halted"
    vm.unblock(session, machine)
    vm.start(session, machine, on_host_uuid=uuid_of(session, "host", "xen02"))
    vm.start(session, machine)
    assert vm.power_state(session, machine) == "Running"
    assert vm.resident_host(session, machine) == uuid_of(session, "host", "xen02")


def test_vm_that_runs_before_its_start_is_over_counts_as_stopped_only_afterwards(
    session: XapiSession, machine: str, pool: PoolSim, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vm_power, "_REST_DEADLINE_S", 0.5)
    vm.unblock(session, machine)
    vm.start(session, machine)
    store, ref = pool.pool.store, pool.pool.store.by_uuid("VM", machine)
    store.set("VM", ref, current_operations={"OpaqueRef:a-start": "start"})
    with pytest.raises(vm.NotAtRest, match="start"):
        vm.shut_down(session, machine, force=True)
    assert vm.power_state(session, machine) == "Running"
    store.set("VM", ref, current_operations={"OpaqueRef:a-resume": "resume_on"})
    with pytest.raises(vm.NotAtRest, match="resume_on"):
        vm.shut_down(session, machine, force=True)
    assert vm.power_state(session, machine) == "Halted"
    store.set("VM", ref, current_operations={"OpaqueRef:a-backup": "export"})
    vm.shut_down(session, machine, force=True)
    with pytest.raises(AskPerson, match="export under way") as caught:
        vm.remove_everything(session, CONVERSION, even_if_it_ran=True)
    assert caught.value.code == "vm_not_halted"
    store.set("VM", ref, current_operations={})
    vm.shut_down(session, machine, force=True)


def test_operation_that_outlives_its_deadline_stays_to_be_looked_at(session: XapiSession, pool: PoolSim, spec: VmSpec) -> None:
    pool.pool.faults.arm("pending", {"method": "VDI.create", "seconds": 2})
    (sr,) = session.call("SR.get_by_name_label", "nfs-01")
    wanted = {"name_label": "late", "SR": sr, "virtual_size": str(GIB), "type": "user", "sharable": False, "read_only": False}
    with pytest.raises(TaskStuck):
        tasks.run_to_end(session, "VDI.create", {**wanted, "other_config": {}}, deadline_s=0.2, what="making it")
    (task,) = [ref for ref, one in session.call("task.get_all_records").items() if one["name_label"] == "Async.VDI.create"]
    assert tasks.wait(session, task, deadline_s=30, what="making it"), "it goes on, and its task tells how it ends"
    session.call("VDI.destroy", session.call("VDI.get_by_name_label", "late")[0])


def test_running_vm_is_never_removed(session: XapiSession, machine: str) -> None:
    vm.unblock(session, machine)
    vm.start(session, machine)
    with pytest.raises(AskPerson) as caught:
        vm.remove_everything(session, CONVERSION)
    assert caught.value.code == "vm_not_halted"
    assert len(vm.leftovers(session, CONVERSION).vdis) == 3


def test_vm_that_ran_is_removed_only_when_that_is_said(session: XapiSession, machine: str) -> None:
    made = vm.made_before(session, CONVERSION)
    assert made is not None and not vm.has_run(session, made), "the pool shows that it never ran"
    vm.unblock(session, machine)
    vm.start(session, machine)
    vm.shut_down(session, machine, force=True)
    made = vm.made_before(session, CONVERSION)
    assert made is not None and vm.has_run(session, made)
    with pytest.raises(AskPerson) as caught:
        vm.remove_everything(session, CONVERSION)
    assert caught.value.code == "vm_has_run"
    assert len(vm.leftovers(session, CONVERSION).vdis) == 3
    assert len(vm.remove_everything(session, CONVERSION, even_if_it_ran=True).vdis) == 3


def test_vm_whose_start_nobody_can_read_counts_as_one_that_ran(session: XapiSession, machine: str) -> None:
    made = vm.made_before(session, CONVERSION)
    assert made is not None
    assert vm.has_run(session, {**made, "metrics": "OpaqueRef:NULL"})
    assert vm.has_run(session, {**made, "current_operations": {"OpaqueRef:1": "start"}})
    assert not vm.has_run(session, {**made, "current_operations": {"OpaqueRef:1": "export"}}), "a backup starts nothing"


def test_removal_takes_only_what_carries_the_tag(session: XapiSession, machine: str) -> None:
    before = set(session.call("VM.get_all")), set(session.call("VDI.get_all"))
    removed = vm.remove_everything(session, CONVERSION)
    after = set(session.call("VM.get_all")), set(session.call("VDI.get_all"))
    assert (len(before[0] - after[0]), len(before[1] - after[1])) == (1, 3)
    assert len(removed.vdis) == 3
    assert vm.remove_everything(session, CONVERSION).is_empty
    with pytest.raises(ValueError, match="empty"):
        vm.remove_everything(session, "")


def test_vdi_that_another_vm_holds_keeps_everything_in_place(session: XapiSession, machine: str, pool: PoolSim) -> None:
    vdi = session.call("VDI.get_by_uuid", vm.leftovers(session, CONVERSION).vdis[0][0])
    (other,) = session.call("VM.get_by_name_label", "dns-01")
    vbd = pool.pool.store.create("VBD", VM=other, VDI=vdi, userdevice="7", mode="RW", type="Disk")
    try:
        with pytest.raises(AskPerson, match="dns-01") as caught:
            vm.remove_everything(session, CONVERSION)
    finally:
        pool.pool.store.destroy("VBD", vbd)
    assert caught.value.code == "vdi_shared"
    assert vm.leftovers(session, CONVERSION).vms


def test_clone_that_inherited_the_tag_is_asked_about_not_removed(session: XapiSession, spec: VmSpec, machine: str) -> None:
    clone = session.call(
        "VM.create", {**session.call("VM.get_record", session.call("VM.get_by_uuid", machine)), "name_label": "copy"}
    )
    try:
        for step in (lambda: vm.remove_everything(session, CONVERSION), lambda: vm.ensure_vm(session, spec, CONVERSION)):
            with pytest.raises(AskPerson, match="copy") as caught:
                step()
            assert caught.value.code == "tag_ambiguous"
    finally:
        session.call("VM.destroy", clone)


def test_missing_template_is_named(session: XapiSession, spec: VmSpec) -> None:
    with pytest.raises(AskPerson, match="Plan 9") as caught:
        vm.ensure_vm(session, dataclasses.replace(spec, template_name="Plan 9"), "another")
    assert caught.value.code == "template_missing"


def test_disk_beyond_the_vhd_limit_is_refused_before_anything_is_made(session: XapiSession, spec: VmSpec) -> None:
    with pytest.raises(AskPerson, match="Hard disk 0") as caught:
        vm.ensure_vdi(session, dataclasses.replace(spec.disks[0], size_bytes=2041 * GIB), "another", vm_name="app-01")
    assert caught.value.code == "vdi_too_large"
    assert vm.leftovers(session, "another").is_empty


def test_position_and_nic_taken_by_something_else_are_refused(session: XapiSession, spec: VmSpec, machine: str) -> None:
    vdi = vm.ensure_vdi(session, dataclasses.replace(spec.disks[0], device_key=2999), CONVERSION, vm_name=spec.name)
    with pytest.raises(AskPerson) as caught:
        vm.ensure_vbd(session, machine, vdi, "0")
    assert caught.value.code == "position_taken"
    with pytest.raises(AskPerson) as caught:
        vm.ensure_vif(session, machine, dataclasses.replace(spec.nics[0], mac_address="00:50:56:aa:00:09"))
    assert caught.value.code == "vif_differs"


def test_full_sr_is_told_when_the_vdi_is_made(session: XapiSession, spec: VmSpec, pool: PoolSim) -> None:
    pool.pool.faults.arm("sr_full", {"sr": "nfs-01"})
    with pytest.raises(EdgeError) as caught:
        vm.ensure_vdi(session, spec.disks[0], "another", vm_name=spec.name)
    assert caught.value.code == "sr_full"
    assert vm.leftovers(session, "another").is_empty


def test_protection_is_set_when_asked(session: XapiSession, machine: str) -> None:
    for priority in ("restart", "best-effort", ""):
        vm.set_ha_restart_priority(session, machine, priority)
        assert record_of(session, machine)["ha_restart_priority"] == priority
