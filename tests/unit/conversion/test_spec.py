"""What a conversion makes in the pool: positions, MACs, rounding, and every missing fact named."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace as changed

from estate.facts.source import DiskBacking, DiskFacts, NicFacts, VmFacts
from estate.facts.unknown import Unknown
from migration.conversion.core.itinerary import Leg, steps_of
from migration.conversion.core.spec import ConversionSpec, SpecProblem, Targets, build_spec, positions
from migration.planning.core.mapping import Said, with_said

DISK = DiskFacts(
    2000, "Hard disk 1", 64 << 20, DiskBacking.FLAT, controller_type="ParaVirtualSCSIController", bus_number=0, unit_number=0
)
NIC = NicFacts(4000, "Network adapter 1", "00:50:56:AA:BB:CC", network_name="LAN")
VM = VmFacts(
    "vm-1", "app01", firmware="efi", secure_boot=True, vcpus=4, cores_per_socket=2, memory_bytes=4 << 30,
    guest_id="windows2019srv_64Guest", disks=(DISK,), nics=(NIC,),
)  # fmt: skip
TARGETS = Targets("src", "pool", "Windows Server 2019 (64-bit)", {2000: "sr-1"}, {4000: "net-1"})


def test_a_vm_keeps_firmware_macs_and_disk_order() -> None:
    spec = build_spec("m-1", VM, TARGETS)
    assert (spec.firmware, spec.secure_boot, spec.is_windows, spec.cores_per_socket) == ("uefi", True, True, 2)
    assert spec.nics[0].mac_address == "00:50:56:aa:bb:cc"
    assert (spec.disks[0].position, spec.disks[0].address) == ("0", "ParaVirtualSCSIController0:0")


@pytest.mark.parametrize(
    ("vm", "words"),
    [
        (changed(VM, firmware=Unknown("no permission")), "firmware could not be read (no permission)"),
        (changed(VM, memory_bytes=Unknown("not read")), "memory_bytes could not be read"),
        (changed(VM, secure_boot=Unknown("refused")), "whether it boots securely could not be read (refused)"),
        (changed(VM, guest_id=Unknown("no permission")), "guest_id could not be read (no permission)"),
        (changed(VM, disks=()), "no disk that could be copied"),
        (changed(VM, disks=(changed(DISK, backing=DiskBacking.RDM_PHYSICAL),)), "not a virtual disk that an export contains"),
        (changed(VM, disks=(changed(DISK, backing=Unknown("not read")),)), "not a virtual disk that an export contains"),
        (changed(VM, disks=(changed(DISK, capacity_bytes=Unknown("not read")),)), "size of Hard disk 1 is not known"),
        (changed(VM, disks=(changed(DISK, device_key=2001),)), "no SR is mapped for Hard disk 1"),
        (changed(VM, nics=(changed(NIC, mac_address=""),)), "MAC address of Network adapter 1 is not known"),
        (changed(VM, nics=(changed(NIC, device_key=4001),)), "no network is mapped"),
        (changed(VM, disks=Unknown("disconnected")), "disks could not be read (disconnected)"),
    ],
)
def test_a_missing_fact_is_named_and_never_guessed(vm: VmFacts, words: str) -> None:
    with pytest.raises(SpecProblem) as caught:
        build_spec("m-1", vm, TARGETS)
    assert words in str(caught.value)
    assert str(caught.value).startswith("app01: ")


def test_whether_it_boots_securely_is_not_asked_of_a_bios_and_may_be_told_by_a_person() -> None:
    unread = changed(VM, secure_boot=Unknown("refused"))
    assert build_spec("m-1", changed(unread, firmware="bios"), TARGETS).secure_boot is False
    assert build_spec("m-1", with_said(unread, Said(secure_boot="on")), TARGETS).secure_boot is True
    assert build_spec("m-1", with_said(VM, Said(secure_boot="off")), TARGETS).secure_boot is True, "the source's word goes first"


@given(st.integers(0, 250))
def test_positions_are_distinct_and_leave_three_to_the_cd(count: int) -> None:
    taken = list(positions(count))
    assert len(set(taken)) == count
    assert "3" not in taken
    assert taken[:1] == ["0"][:count]


def test_a_card_of_a_package_may_have_no_address_and_one_of_a_server_must() -> None:
    vm = changed(VM, nics=(changed(NIC, mac_address=Unknown("not told")),))
    packed = replace(TARGETS, source_endpoint_id="", package_path="web.ova")
    assert [nic.mac_address for nic in build_spec("m-1", vm, packed).nics] == [""]
    with pytest.raises(SpecProblem, match="MAC address"):
        build_spec("m-1", vm, TARGETS)


SPEC = build_spec("m-1", VM, TARGETS)


@pytest.mark.parametrize(("spec", "first"), [(SPEC, "stop_source"), (replace(SPEC, package_path="web.ova"), "check_package")])
def test_the_source_is_settled_before_any_byte_is_copied_and_asked_again_before_the_start(
    spec: ConversionSpec, first: str
) -> None:
    names = [step.name for step in steps_of(spec) if step.leg is not Leg.PREPARE]
    assert names[:6] == [first, "copy_disks", "verify_disks", "count_bytes", "confirm_unchanged", "confirm_fresh"]


def test_a_package_is_neither_stopped_nor_written_to() -> None:
    assert not {"stop_source", "mark_source"} & {step.name for step in steps_of(replace(SPEC, package_path="web.ova"))}


def test_a_machine_without_interfaces_skips_that_step_only() -> None:
    full = [step.name for step in steps_of(SPEC, Leg.PREPARE)]
    assert [name for name in full if name != "attach_nics"] == [
        step.name for step in steps_of(replace(SPEC, nics=()), Leg.PREPARE)
    ]
