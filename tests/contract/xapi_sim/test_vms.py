"""VM life: what is refused, what starting and stopping change, drives and NICs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract.xapi_sim.pool_wire import refusal, vbd_record, vdi_record, vif_record, vm_record, wait_for

GIB = 1 << 30
NULL = "OpaqueRef:NULL"


@pytest.fixture
def vm(session: Any) -> Iterator[str]:
    ref = session.xenapi.VM.create(vm_record())
    yield ref
    if session.xenapi.VM.get_power_state(ref) != "Halted":
        session.xenapi.VM.hard_shutdown(ref)
    session.xenapi.VM.set_blocked_operations(ref, {})
    session.xenapi.VM.destroy(ref)


def test_every_key_without_a_default_must_be_there(session: Any) -> None:
    whole = vm_record()
    for key in whole.keys() - {"name_label"}:
        refused = refusal(session.xenapi.VM.create, {k: v for k, v in whole.items() if k != key})
        assert refused[0] == "INTERNAL_ERROR" and key in refused[1]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"HVM_boot_params": {"firmware": "openfirmware"}}, "INVALID_VALUE"),
        ({"memory_static_max": str(GIB // 2)}, "MEMORY_CONSTRAINT_VIOLATION"),
        ({"VCPUs_max": "1"}, "INVALID_VALUE"),
        ({"VCPUs_max": "3", "platform": {"cores-per-socket": "2"}}, "VCPU_MAX_NOT_CORES_PER_SOCKET_MULTIPLE"),
        ({"VCPUs_max": "two"}, "FIELD_TYPE_ERROR"),
    ],
)
def test_impossible_vms_are_refused(session: Any, changes: dict, code: str) -> None:
    assert refusal(session.xenapi.VM.create, vm_record(**changes))[0] == code


def test_a_blocked_operation_gives_its_reason(session: Any, vm: str) -> None:
    session.xenapi.VM.add_to_blocked_operations(vm, "start_on", "gate closed")
    host = session.xenapi.host.get_all()[0]
    assert refusal(session.xenapi.VM.start_on, vm, host, False, False) == ["OPERATION_BLOCKED", vm, "gate closed"]
    session.xenapi.VM.update_allowed_operations(vm)
    allowed = session.xenapi.VM.get_allowed_operations(vm)
    assert "start" in allowed and "start_on" not in allowed


def test_a_started_vm_has_a_host_and_an_agent_later_and_none_when_halted(session: Any, vm: str) -> None:
    session.xenapi.VM.start(vm, False, False)
    record = session.xenapi.VM.get_record(vm)
    assert record["power_state"] == "Running" and record["resident_on"] in session.xenapi.host.get_all()
    assert record["platform"]["device-model"] == "qemu-upstream-uefi"
    wait_for(lambda: session.xenapi.VM.get_guest_metrics(vm) != NULL, "the guest agent")
    agent = session.xenapi.VM.get_guest_metrics(vm)
    assert session.xenapi.VM_guest_metrics.get_PV_drivers_detected(agent) is True
    assert refusal(session.xenapi.VM.start, vm, False, False) == ["VM_BAD_POWER_STATE", vm, "halted", "running"]
    session.xenapi.VM.clean_shutdown(vm)
    record = session.xenapi.VM.get_record(vm)
    assert (record["power_state"], record["resident_on"], record["guest_metrics"]) == ("Halted", NULL, NULL)


def test_a_vm_larger_than_any_host_is_refused_with_figures_for_one_host(session: Any) -> None:
    memory = dict.fromkeys(("memory_static_max", "memory_dynamic_max", "memory_dynamic_min"), str(500 * GIB))
    vm = session.xenapi.VM.create(vm_record(**memory))
    host = session.xenapi.host.get_all()[0]
    assert refusal(session.xenapi.VM.start, vm, False, False) == ["NO_HOSTS_AVAILABLE"]
    code, needed, free = refusal(session.xenapi.VM.start_on, vm, host, False, False)
    assert code == "HOST_NOT_ENOUGH_FREE_MEMORY" and int(needed) > 500 * GIB > int(free)
    session.xenapi.VM.destroy(vm)


def test_a_bios_vm_with_the_uefi_device_model_does_not_start(session: Any) -> None:
    changes = {"HVM_boot_params": {"firmware": "bios"}, "platform": {"device-model": "qemu-upstream-uefi"}}
    vm = session.xenapi.VM.create(vm_record(**changes))
    refused = refusal(session.xenapi.VM.start, vm, False, False)
    assert refused[0] == "INVALID_VALUE" and "BIOS boot is not supported" in refused[2]
    session.xenapi.VM.destroy(vm)


def test_a_template_is_cloned_and_provisioned_but_never_deleted(session: Any) -> None:
    template = session.xenapi.VM.get_by_name_label("Windows Server 2022 (64-bit)")[0]
    vm = session.xenapi.VM.clone(template, "from template")
    session.xenapi.VM.provision(vm)
    record = session.xenapi.VM.get_record(vm)
    assert (record["is_a_template"], record["is_default_template"], record["power_state"]) == (False, False, "Halted")
    assert "default_template" not in record["other_config"]
    assert refusal(session.xenapi.VM.destroy, template) == ["VM_CANNOT_DELETE_DEFAULT_TEMPLATE", template]
    session.xenapi.VM.destroy(vm)


@pytest.mark.parametrize(
    ("changes", "description"),
    [
        ({"userdevice": "255"}, ["INVALID_DEVICE", "255"]),
        ({"userdevice": "floppy"}, ["INVALID_DEVICE", "floppy"]),
        ({"type": "CD"}, ["VBD_CDS_MUST_BE_READONLY"]),
        ({"empty": True}, ["VBD_NOT_REMOVABLE_MEDIA", "in constructor"]),
        ({"VM": "OpaqueRef:gone"}, ["HANDLE_INVALID", "VM", "OpaqueRef:gone"]),
    ],
)
def test_impossible_drives_are_refused(session: Any, vm: str, changes: dict, description: list) -> None:
    vdi = a_vdi(session)
    assert refusal(session.xenapi.VBD.create, vbd_record(vm, vdi, **changes)) == description
    session.xenapi.VDI.destroy(vdi)


def a_vdi(session: Any) -> str:
    return session.xenapi.VDI.create(vdi_record(session.xenapi.SR.get_by_name_label("nfs-01")[0], 2 << 20))


def test_a_drive_number_is_taken_once_and_autodetect_leaves_the_cd_its_place(session: Any, vm: str) -> None:
    vdis = [a_vdi(session) for _ in range(4)]
    session.xenapi.VBD.create(vbd_record(vm, vdis[0], userdevice="xvda"))
    assert refusal(session.xenapi.VBD.create, vbd_record(vm, vdis[1])) == ["DEVICE_ALREADY_EXISTS", "0"]
    found = [session.xenapi.VBD.create(vbd_record(vm, vdi, userdevice="autodetect")) for vdi in vdis[1:]]
    assert [session.xenapi.VBD.get_userdevice(vbd) for vbd in found] == ["1", "2", "4"]
    for vdi in vdis:
        session.xenapi.VDI.destroy(vdi)
    assert session.xenapi.VM.get_VBDs(vm) == []


def test_a_cd_drive_takes_and_gives_discs(session: Any, vm: str) -> None:
    iso = session.xenapi.VDI.get_by_name_label("tools.iso")[0]
    drive = session.xenapi.VBD.create(vbd_record(vm, NULL, type="CD", mode="RO", empty=True, userdevice="3"))
    session.xenapi.VBD.insert(drive, iso)
    assert refusal(session.xenapi.VBD.insert, drive, iso) == ["VBD_NOT_EMPTY", drive]
    session.xenapi.VBD.eject(drive)
    assert refusal(session.xenapi.VBD.eject, drive) == ["VBD_IS_EMPTY", drive]


def test_nics_keep_the_source_mac_even_when_it_is_used_twice(session: Any, vm: str) -> None:
    network = session.xenapi.network.get_by_name_label("guests")[0]
    nic = session.xenapi.VIF.create(vif_record(vm, network, MAC="0A:58:00:00:00:01"))
    assert session.xenapi.VIF.get_MAC(nic) == "0a:58:00:00:00:01"
    assert refusal(session.xenapi.VIF.create, vif_record(vm, network)) == ["DEVICE_ALREADY_EXISTS", "0"]
    assert refusal(session.xenapi.VIF.create, vif_record(vm, network, device="16")) == ["INVALID_DEVICE", "16"]
    assert refusal(session.xenapi.VIF.create, vif_record(vm, network, device="1", MAC="01:00:5e:00:00:01"))[0] == "MAC_INVALID"
    made = session.xenapi.VIF.create(vif_record(vm, network, device="1", MAC=""))
    assert session.xenapi.VIF.get_MAC_autogenerated(made) is True


def test_a_vm_has_at_most_one_tpm(session: Any, vm: str) -> None:
    session.xenapi.VTPM.create(vm, False)
    assert refusal(session.xenapi.VTPM.create, vm, False) == ["VTPM_MAX_AMOUNT_REACHED", "1"]


def test_a_network_with_nics_on_it_stays(session: Any, vm: str) -> None:
    record = {
        "name_label": "inner",
        "name_description": "",
        "MTU": "1500",
        "other_config": {},
        "bridge": "xapi9",
        "managed": True,
    }
    network = session.xenapi.network.create(record)
    nic = session.xenapi.VIF.create(vif_record(vm, network))
    assert refusal(session.xenapi.network.destroy, network) == ["NETWORK_CONTAINS_VIF", nic]
    session.xenapi.VIF.destroy(nic)
    session.xenapi.network.destroy(network)
