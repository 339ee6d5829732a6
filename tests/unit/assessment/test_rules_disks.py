"""Rules on disks (DSK): a true, a false and an unknown case of each, and both sides of every limit."""

from __future__ import annotations

import pytest

from estate.facts.source import DiskBacking
from estate.facts.unknown import UNKNOWN
from migration.assessment.core.registry import When
from migration.assessment.core.results import Answer, Evidence, Severity
from tests.builders.assessment import a_context, answer_of, outcome_of
from tests.builders.estate import GIB, SEEN_AT, a_datastore, a_device, a_disk, a_snapshot, a_vm
from tests.builders.pools import a_pool, an_sr

T, F, U = Answer.TRUE, Answer.FALSE, Answer.UNKNOWN
MIB = 1 << 20
TIB = 1 << 40
VHD_MAX = 2040 * GIB
VHD_ONLY = {"vdi_limit_bytes": {"sr-1": VHD_MAX, "sr-2": VHD_MAX}}
GFS2 = {"vdi_limit_bytes": {"sr-1": 16 * TIB}}
BOTH = {"vdi_limit_bytes": {"sr-1": VHD_MAX, "sr-2": 16 * TIB, "sr-3": UNKNOWN}}
TO_VHD, TO_GFS2, TO_NEITHER = ({**BOTH, "srs": {"datastore-1": uuid}} for uuid in ("sr-1", "sr-2", "sr-3"))
STORE = {"datastores": {"datastore-1": a_datastore()}}
UNREAD = {"disks": UNKNOWN}


def one_disk(**changes: object) -> dict:
    return {"disks": (a_disk(**changes),)}


def to_sr(kind: str) -> dict:
    """The machine's datastore is mapped to an SR of this kind."""
    return {"srs": {"datastore-1": "sr-1"}, "pools": (a_pool(srs=(an_sr("sr-1", kind=kind),)),)}


SIZES = [
    ("DSK-001", one_disk(capacity_bytes=VHD_MAX + 1), VHD_ONLY, T),
    ("DSK-001", one_disk(capacity_bytes=VHD_MAX), VHD_ONLY, F),
    ("DSK-001", one_disk(capacity_bytes=VHD_MAX), {}, F),
    ("DSK-001", one_disk(capacity_bytes=VHD_MAX - 1), {}, F),
    ("DSK-001", one_disk(capacity_bytes=16 * TIB), GFS2, F),
    ("DSK-001", one_disk(capacity_bytes=VHD_MAX + 1), GFS2, F),
    ("DSK-001", one_disk(capacity_bytes=16 * TIB + 1), GFS2, T),
    ("DSK-001", one_disk(capacity_bytes=VHD_MAX + 1), {}, U),
    ("DSK-001", one_disk(capacity_bytes=VHD_MAX + 1), BOTH, U),
    ("DSK-001", one_disk(capacity_bytes=VHD_MAX + 1), {"vdi_limit_bytes": {"sr-1": VHD_MAX, "sr-2": 16 * TIB}}, U),
    ("DSK-001", one_disk(capacity_bytes=16 * TIB + 1), {"vdi_limit_bytes": {"sr-1": VHD_MAX, "sr-2": 16 * TIB}}, T),
    ("DSK-001", one_disk(capacity_bytes=VHD_MAX + 1), TO_VHD, T),
    ("DSK-001", one_disk(capacity_bytes=VHD_MAX + 1), TO_GFS2, F),
    ("DSK-001", one_disk(capacity_bytes=VHD_MAX + 1), TO_NEITHER, U),
    ("DSK-001", one_disk(capacity_bytes=VHD_MAX + 1), {**BOTH, "srs": {"datastore-2": "sr-2"}}, U),
    ("DSK-001", one_disk(capacity_bytes=VHD_MAX + 1, datastore_id=UNKNOWN), TO_GFS2, U),
    ("DSK-001", one_disk(capacity_bytes=VHD_MAX + 1, datastore_id=None), {**BOTH, "srs": {"": "sr-2"}}, F),
    ("DSK-001", one_disk(capacity_bytes=UNKNOWN), VHD_ONLY, U),
    ("DSK-001", UNREAD, VHD_ONLY, U),
    ("DSK-001", {"disks": (a_disk(capacity_bytes=UNKNOWN), a_disk(1, capacity_bytes=VHD_MAX + 1))}, VHD_ONLY, T),
    ("DSK-002", one_disk(capacity_bytes=16 * TIB), {}, F),
    ("DSK-002", one_disk(capacity_bytes=16 * TIB + 1), {}, T),
    ("DSK-002", one_disk(capacity_bytes=UNKNOWN), {}, U),
    ("DSK-003", one_disk(capacity_bytes=0), {}, T),
    ("DSK-003", one_disk(capacity_bytes=-1), {}, T),
    ("DSK-003", one_disk(capacity_bytes=1), {}, F),
    ("DSK-003", one_disk(capacity_bytes=UNKNOWN), {}, U),
    ("DSK-013", {"disks": (a_disk(),) * 240, "devices": (a_device(),)}, {}, F),
    ("DSK-013", {"disks": (a_disk(),) * 241, "devices": (a_device(),)}, {}, T),
    ("DSK-013", {"disks": (a_disk(),) * 241, "devices": (a_device("VirtualAHCIController"), a_device("VirtualZZZ"))}, {}, F),
    ("DSK-013", {"disks": (a_disk(),) * 242, "devices": UNKNOWN}, {}, T),
    ("DSK-013", {"disks": (a_disk(),) * 241, "devices": UNKNOWN}, {}, U),
    ("DSK-013", UNREAD, {}, U),
    ("DSK-014", {"disks": (a_disk(),) * 4}, {}, F),
    ("DSK-014", {"disks": (a_disk(),) * 5}, {}, T),
    ("DSK-014", UNREAD, {}, U),
    ("DSK-020", one_disk(capacity_bytes=GIB + 1), {}, T),
    ("DSK-020", one_disk(capacity_bytes=GIB + MIB), {}, T),
    ("DSK-020", one_disk(capacity_bytes=GIB + 2 * MIB), {}, F),
    ("DSK-020", one_disk(capacity_bytes=UNKNOWN), {}, U),
]

KINDS = [
    ("DSK-004", one_disk(backing=DiskBacking.RDM_PHYSICAL), {}, T),
    ("DSK-004", {"disks": (a_disk(), a_disk(1, backing=DiskBacking.RDM_PHYSICAL))}, {}, T),
    ("DSK-004", one_disk(backing=DiskBacking.RDM_VIRTUAL), {}, F),
    ("DSK-004", one_disk(backing=UNKNOWN), {}, U),
    ("DSK-004", UNREAD, {}, U),
    ("DSK-005", one_disk(backing=DiskBacking.RDM_VIRTUAL), {}, T),
    ("DSK-005", one_disk(backing=DiskBacking.RDM_PHYSICAL), {}, F),
    ("DSK-005", one_disk(backing=UNKNOWN), {}, U),
    ("DSK-006", one_disk(mode="independent_persistent"), {}, T),
    ("DSK-006", one_disk(mode="persistent"), {}, F),
    ("DSK-006", one_disk(mode=UNKNOWN), {}, U),
    ("DSK-007", one_disk(mode="append"), {}, T),
    ("DSK-007", one_disk(mode="independent_nonpersistent"), {}, T),
    ("DSK-007", one_disk(mode="independent_persistent"), {}, F),
    ("DSK-007", one_disk(mode=UNKNOWN), {}, U),
    ("DSK-015", {}, to_sr("lvmoiscsi"), T),
    ("DSK-015", {}, to_sr("LVMoHBA"), T),
    ("DSK-015", {}, to_sr("nfs"), F),
    ("DSK-015", one_disk(thin=False), {}, F),
    ("DSK-015", one_disk(thin=UNKNOWN), to_sr("lvmoiscsi"), U),
    ("DSK-015", one_disk(thin=UNKNOWN), to_sr("nfs"), F),
    ("DSK-015", one_disk(datastore_id="datastore-2"), to_sr("lvmoiscsi"), U),
    ("DSK-015", {}, {}, U),
    ("DSK-017", one_disk(controller_type="VirtualNVMEController"), {}, T),
    ("DSK-017", one_disk(controller_type="VirtualAHCIController"), {}, F),
    ("DSK-017", one_disk(controller_type=UNKNOWN), {}, U),
    ("DSK-018", {"devices": (a_device("VirtualNVDIMM"),)}, {}, T),
    ("DSK-018", {"pmem": True}, {}, T),
    ("DSK-018", one_disk(backing_type="VirtualDiskLocalPMemBackingInfo"), {}, T),
    ("DSK-018", {"devices": (a_device(),)}, {}, F),
    ("DSK-018", {"devices": UNKNOWN}, {}, U),
]

OWNERS = [
    ("DSK-008", one_disk(sharing="sharingMultiWriter"), {}, T),
    ("DSK-008", one_disk(controller_shared_bus="physicalSharing"), {}, T),
    ("DSK-008", one_disk(controller_shared_bus="virtualSharing", sharing=UNKNOWN), {}, T),
    ("DSK-005", one_disk(backing=DiskBacking.SPARSE), {}, F),
    ("DSK-008", {}, {}, F),
    ("DSK-008", one_disk(sharing=""), {}, F),
    ("DSK-008", one_disk(controller_type="VirtualAHCIController", controller_shared_bus=UNKNOWN), {}, F),
    ("DSK-008", one_disk(controller_type="VirtualIDEController", controller_shared_bus=""), {}, F),
    ("DSK-008", one_disk(controller_type="VirtualIDEController", controller_shared_bus=UNKNOWN, sharing=UNKNOWN), {}, U),
    ("DSK-008", one_disk(controller_type=UNKNOWN, controller_shared_bus=UNKNOWN), {}, U),
    ("DSK-008", one_disk(sharing=UNKNOWN), {}, U),
    ("DSK-008", one_disk(controller_shared_bus=UNKNOWN), {}, U),
    ("DSK-008", UNREAD, {}, U),
    ("DSK-009", {}, {"disk_file_owners": {"[san-a] app/app_0.vmdk": ("app-01", "b")}}, T),
    ("DSK-009", {}, {"disk_uuid_owners": {a_disk().disk_uuid: ("app-01", "b")}}, T),
    ("DSK-009", {}, {"disk_file_owners": {"[san-a] app/app_0.vmdk": ("app-01",)}}, F),
    ("DSK-009", one_disk(disk_uuid=UNKNOWN), {}, U),
    ("DSK-010", {"encrypted": True}, {}, T),
    ("DSK-010", {"crypto_state": "safe"}, {}, T),
    ("DSK-010", one_disk(encrypted=True), {}, T),
    ("DSK-010", {}, {}, F),
    ("DSK-010", one_disk(encrypted=UNKNOWN), {}, U),
    ("DSK-011", one_disk(has_parent=True), {}, T),
    ("DSK-011", one_disk(native_linked_clone=True), {}, T),
    ("DSK-011", {"forked": True}, {}, T),
    ("DSK-011", {**one_disk(has_parent=True), "snapshots": (a_snapshot(),)}, {}, F),
    ("DSK-011", {**one_disk(has_parent=True), "snapshots": UNKNOWN}, {}, U),
    ("DSK-012", one_disk(datastore_id=None), {}, T),
    ("DSK-012", one_disk(datastore_id=None, backing=DiskBacking.STREAM), {}, F),
    ("DSK-012", {}, {"datastores": {"datastore-1": a_datastore(accessible=False)}}, T),
    ("DSK-012", {}, STORE, F),
    ("DSK-012", {}, {"datastores": {"datastore-1": a_datastore(accessible=UNKNOWN)}}, U),
    ("DSK-012", {}, {}, U),
    ("DSK-016", {"disk_uuid_enabled": True}, {}, T),
    ("DSK-016", {"disk_uuid_enabled": UNKNOWN, "extra_config": (("disk.EnableUUID", "TRUE"),)}, {}, T),
    ("DSK-016", {"disk_uuid_enabled": False}, {}, F),
    ("DSK-016", {"disk_uuid_enabled": UNKNOWN, "extra_config": (("disk.EnableUUID", "FALSE"),)}, {}, U),
    ("DSK-016", {"disk_uuid_enabled": UNKNOWN}, {}, U),
    ("DSK-019", one_disk(vdisk_id="f1"), {}, T),
    ("DSK-019", one_disk(vdisk_id=None), {}, F),
    ("DSK-019", one_disk(vdisk_id=UNKNOWN), {}, U),
    ("DSK-021", {"vflash_reservation_bytes": 1}, {}, T),
    ("DSK-021", one_disk(io_filters=("cache",)), {}, T),
    ("DSK-021", one_disk(vflash_reservation_bytes=1), {}, T),
    ("DSK-021", one_disk(vflash_reservation_bytes=0), {}, F),
    ("DSK-021", one_disk(io_filters=UNKNOWN), {}, U),
    ("DSK-018", one_disk(backing_type="VirtualDiskRawDiskMappingVer1BackingInfo"), {}, F),
]

CASES = [*SIZES, *KINDS, *OWNERS]


@pytest.mark.parametrize(("rule_id", "vm", "context", "expected"), CASES)
def test_a_disk_rule_answers_in_three_values(rule_id: str, vm: dict, context: dict, expected: Answer) -> None:
    assert answer_of(rule_id, a_vm(**vm), a_context(**context)) is expected


def test_an_independent_disk_is_critical_only_for_a_warm_transfer() -> None:
    vm = a_vm(**one_disk(mode="independent_persistent"))
    found = [outcome_of("DSK-006", vm, a_context(modes=modes)) for modes in (frozenset(), frozenset({When.WARM}))]
    assert [outcome and outcome.severity for outcome in found] == [Severity.WARNING, Severity.CRITICAL]


def test_a_finding_names_the_disk_and_where_it_was_read() -> None:
    vm = a_vm(disks=(a_disk(), a_disk(1, backing=DiskBacking.RDM_PHYSICAL)))
    outcome = outcome_of("DSK-004", vm)
    assert outcome.params["parts"] == [
        {"device_key": 2001, "label": "Hard disk 2", "address": "ParaVirtualSCSIController0:1", "capacity_bytes": 10 * GIB}
    ]
    assert outcome.evidence == (Evidence("disks[1].backing", DiskBacking.RDM_PHYSICAL, SEEN_AT),)


def test_a_disk_whose_controller_was_not_read_is_named_without_address() -> None:
    outcome = outcome_of("DSK-004", a_vm(**one_disk(backing=UNKNOWN, controller_type=UNKNOWN)))
    assert outcome.params["parts"] == [{"device_key": 2000, "label": "Hard disk 1", "capacity_bytes": 10 * GIB}]


def test_a_shared_bus_is_the_evidence_when_the_sharing_of_the_disk_was_not_read() -> None:
    outcome = outcome_of("DSK-008", a_vm(**one_disk(controller_shared_bus="virtualSharing", sharing=UNKNOWN)))
    assert outcome.evidence == (Evidence("disks[0].controller_shared_bus", "virtualSharing", SEEN_AT),)
