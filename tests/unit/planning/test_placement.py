"""One machine's placement: every gap is a reason with a next step, and unknown is never filled in."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from estate.facts.source import DiskBacking
from estate.facts.unknown import UNKNOWN
from migration.planning.core.mapping import family_of
from migration.planning.core.placement import Placement, place
from migration.planning.core.reasons import Reason, ReasonCode
from migration.planning.core.target import Target, thick_vdi_bytes
from tests.builders.estate import GIB, a_disk, a_nic, a_vm
from tests.builders.planning import NAMES, a_mapping, a_target, a_target_pool, an_sr

MIB = 1 << 20


def placed(vm: Any, mapping: Any = None, target: Any = None) -> Placement:
    placement = place("machine-1", vm, NAMES, mapping or a_mapping(), target or a_target())
    assert isinstance(placement, Placement), placement
    return placement


def refused(vm: Any, mapping: Any = None, target: Any = None) -> list[Reason]:
    reasons = place("machine-1", vm, NAMES, mapping or a_mapping(), target or a_target())
    assert isinstance(reasons, list)
    return reasons


def test_a_mapped_machine_gets_template_network_sr_and_keeps_its_firmware() -> None:
    placement = placed(a_vm())
    assert (placement.template_name, placement.template_uuid, placement.firmware) == (
        "Windows Server 2019 (64-bit)", "tpl-2019", "uefi",
    )  # fmt: skip
    assert (placement.network_by_nic, placement.sr_by_disk) == ({4000: "net-lan"}, {2000: "sr-fast"})
    assert "Network adapter 1 goes from VM Network to LAN." in placement.why
    assert "Hard disk 1 (10.0 GiB) goes to SR fast." in placement.why


def test_a_template_of_other_firmware_is_said_and_the_sources_is_kept() -> None:
    placement = placed(a_vm(firmware="bios"))
    assert placement.firmware == "bios"
    assert any("Firmware bios is kept" in sentence for sentence in placement.why)


def test_overrides_of_one_machine_win_over_the_table() -> None:
    override = {"sr": "slow", "template": "Other install media", "name": "new", "networks": {"VM Network": "net-lan"}}
    mapping = a_mapping(networks={"VM Network": "nowhere"}, overrides={"machine-1": override})
    placement = placed(a_vm(), mapping, a_target(an_sr("fast"), an_sr("slow")))
    assert (placement.target_name, placement.template_uuid, placement.sr_by_disk[2000]) == ("new", "tpl-other", "sr-slow")


def test_vtpm_and_locking_are_taken_from_the_override_and_bios_gets_no_vtpm() -> None:
    mapping = a_mapping(overrides={"machine-1": {"vtpm": "on", "vif_locking": "unlocked"}})
    placement = placed(a_vm(firmware="efi"), mapping)
    assert (placement.vtpm, placement.vif_locking) == (True, "unlocked")
    assert any("empty vTPM" in sentence for sentence in placement.why)
    assert [(reason.code, reason.rule_id) for reason in refused(a_vm(firmware="bios"), mapping)] == [
        (ReasonCode.VTPM_NEEDS_UEFI, "FW-005")
    ]
    assert (placed(a_vm()).vtpm, placed(a_vm()).vif_locking) == (False, "")


@pytest.mark.parametrize(
    ("of_all", "of_one", "given"),
    [
        ("", "", ""),
        ("restart", "", "restart"),
        ("restart", "none", ""),
        ("restart", "best-effort", "best-effort"),
        ("", "restart", "restart"),
    ],
)
def test_what_ha_does_for_a_machine_is_its_own_word_before_the_mappings(of_all: str, of_one: str, given: str) -> None:
    mapping = a_mapping(ha_restart_priority=of_all, overrides={"machine-1": {"ha_restart_priority": of_one}})
    placement = placed(a_vm(), mapping)
    assert placement.ha_restart_priority == given
    assert any("HA gets the restart priority" in sentence for sentence in placement.why) is bool(given)


UNTOLD: dict[str, Any] = {"guest_id": UNKNOWN, "firmware": UNKNOWN, "cores_per_socket": UNKNOWN}
SAID = {"guest_id": "debian12_64Guest", "firmware": "efi", "cores_per_socket": 2}


def test_what_a_source_does_not_tell_a_person_may_say_and_what_it_tells_stays() -> None:
    mapping = a_mapping(
        overrides={"machine-1": SAID}, templates={"linux": "Other install media", "windows": "Windows Server 2019 (64-bit)"}
    )
    silent, told = placed(a_vm(**UNTOLD), mapping), placed(a_vm(firmware="bios"), mapping)
    assert (silent.firmware, silent.template_name, silent.said.given()) == ("uefi", "Other install media", SAID)
    assert sum("the source does not tell it" in sentence for sentence in silent.why) == 3
    assert (told.firmware, told.template_name) == ("bios", "Windows Server 2019 (64-bit)")
    assert "firmware is bios as the source tells it; the mapping's efi is not used." in told.why
    assert [reason.subject for reason in refused(a_vm(**UNTOLD)) if "override" in reason.remedy] == [
        "firmware",
        "cores_per_socket",
        "guest_id",
    ]


def test_what_lies_in_a_package_goes_where_the_star_says_and_gets_an_address_of_the_pool() -> None:
    vm = a_vm(disks=(a_disk(datastore_id=None, backing=DiskBacking.STREAM),), nics=(a_nic(mac_address=UNKNOWN),))
    target, starred = a_target(), a_mapping(datastores={"*": "fast"})
    placement = place("machine-1", vm, NAMES, starred, target, in_package=True)
    assert isinstance(placement, Placement) and placement.sr_by_disk == {2000: "sr-fast"}
    assert any("gets a new MAC address" in sentence for sentence in placement.why)
    (reason,) = place("machine-1", vm, NAMES, a_mapping(), target, in_package=True)  # type: ignore[misc]
    assert (reason.code, reason.subject) == (ReasonCode.DATASTORE_UNMAPPED, "*")


def test_the_star_stands_for_a_datastore_without_a_row() -> None:
    assert placed(a_vm(), a_mapping(datastores={"other": "gone", "*": "fast"})).sr_by_disk == {2000: "sr-fast"}


TWO_LANS = replace(a_target_pool(), networks=a_target_pool().networks * 2)
REFUSALS = [
    (a_vm(), a_mapping(networks={}), None, ReasonCode.NETWORK_UNMAPPED),
    (a_vm(), a_mapping(networks={"VM Network": "DMZ"}), None, ReasonCode.NETWORK_MISSING),
    (a_vm(), None, Target(TWO_LANS, {}), ReasonCode.NETWORK_MISSING),
    (a_vm(), a_mapping(datastores={}), None, ReasonCode.DATASTORE_UNMAPPED),
    (a_vm(), a_mapping(datastores={"san-a": "gone"}), None, ReasonCode.SR_MISSING),
    (a_vm(), a_mapping(datastores={"san-a": "cds"}), a_target(an_sr("cds", content_type="iso")), ReasonCode.SR_MISSING),
    (a_vm(), None, a_target(plugged=False), ReasonCode.SR_UNPLUGGED),
    (a_vm(), a_mapping(templates={}), None, ReasonCode.TEMPLATE_UNMAPPED),
    (a_vm(), a_mapping(templates={"windows": "Windows 3.11"}), None, ReasonCode.TEMPLATE_MISSING),
    (a_vm(), None, Target(a_target_pool(), {"sr-fast": GIB}), ReasonCode.DISK_TOO_LARGE),
    (a_vm(disks=()), None, None, ReasonCode.NO_DISK),
    (a_vm(disks=(a_disk(backing=DiskBacking.OTHER),)), None, None, ReasonCode.DISK_NOT_EXPORTED),
    (a_vm(disks=(a_disk(backing=UNKNOWN),)), None, None, ReasonCode.FACT_UNKNOWN),
    (a_vm(disks=(a_disk(capacity_bytes=UNKNOWN),)), None, None, ReasonCode.FACT_UNKNOWN),
    (a_vm(disks=(a_disk(datastore_id="datastore-9"),)), None, None, ReasonCode.FACT_UNKNOWN),
    (a_vm(disks=(a_disk(datastore_id=None),)), a_mapping(datastores={"*": "fast"}), None, ReasonCode.FACT_UNKNOWN),
    (a_vm(nics=(a_nic(mac_address=UNKNOWN),)), None, None, ReasonCode.FACT_UNKNOWN),
    (a_vm(nics=(a_nic(network_id=UNKNOWN, network_name=UNKNOWN),)), None, None, ReasonCode.FACT_UNKNOWN),
]


@pytest.mark.parametrize(("vm", "mapping", "target", "code"), REFUSALS)
def test_what_cannot_be_placed_says_why_and_what_to_do(vm: Any, mapping: Any, target: Any, code: ReasonCode) -> None:
    (reason,) = refused(vm, mapping, target)
    assert reason.code is code
    assert reason.detail.endswith(".") and reason.remedy.endswith(".")
    assert reason.unknown is (code is ReasonCode.FACT_UNKNOWN)


@pytest.mark.parametrize("fact", ["firmware", "vcpus", "cores_per_socket", "memory_bytes", "guest_id", "disks", "nics"])
def test_an_unread_fact_is_a_reason_and_never_a_default(fact: str) -> None:
    (reason,) = refused(a_vm(**{fact: UNKNOWN}))
    assert (reason.code, reason.subject, reason.unknown) == (ReasonCode.FACT_UNKNOWN, fact, True)


def test_all_gaps_of_a_machine_are_told_at_once() -> None:
    codes = {reason.code for reason in refused(a_vm(), a_mapping(networks={}, datastores={}, templates={}))}
    assert codes == {ReasonCode.NETWORK_UNMAPPED, ReasonCode.DATASTORE_UNMAPPED, ReasonCode.TEMPLATE_UNMAPPED}


def test_a_thick_sr_takes_the_rounded_size_and_a_thin_one_what_is_written() -> None:
    vm = a_vm(disks=(a_disk(capacity_bytes=10 * GIB + 1),), committed_bytes=3 * GIB)
    assert placed(vm).bytes_by_sr == {"sr-fast": 3 * GIB}
    thick = placed(vm, None, a_target(an_sr("fast", kind="lvmoiscsi")))
    assert thick.bytes_by_sr == {"sr-fast": thick_vdi_bytes(10 * GIB + 1)}
    unread = placed(replace(vm, committed_bytes=UNKNOWN))
    assert unread.bytes_by_sr == {"sr-fast": 10 * GIB + 1}


@pytest.mark.parametrize("capacity_bytes", [1, 2 * MIB, 2 * MIB + 1, 10 * GIB, 2040 * GIB])
def test_a_thick_vdi_takes_more_than_its_capacity_but_only_tables_and_rounding_more(capacity_bytes: int) -> None:
    taken = thick_vdi_bytes(capacity_bytes)
    assert taken % (4 * MIB) == 0
    assert capacity_bytes < taken <= capacity_bytes * 1.001 + 8 * MIB


@pytest.mark.parametrize(
    ("guest_id", "family"),
    [("windows2019srv_64Guest", "windows"), ("winNetStandardGuest", "windows"), ("rhel8_64Guest", "linux"),
     ("other5xLinux64Guest", "linux"), ("otherGuest", "other"), ("freebsd13_64Guest", "other")],
)  # fmt: skip
def test_guest_families(guest_id: str, family: str) -> None:
    assert family_of(guest_id) == family
