"""Which machines come from a gold image: every shipped mark with an example and a counter-example, clones, and open questions."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from estate.facts.unknown import UNKNOWN, Unknown
from migration.assessment.core.results import Answer
from migration.assessment.core.routing import MarkedField, Marks, Runbook, marks_from, route_of
from tests.builders.assessment import DATA
from tests.builders.estate import a_disk, a_snapshot, a_vm

TABLE = tomllib.loads((DATA / "gold-images-2026-11.toml").read_text(encoding="utf-8"))
MARKS = marks_from(TABLE)
NO_MARKS = Marks(MARKS.version, MARKS.reviewed, MARKS.source, ())


@pytest.mark.parametrize(
    ("changes", "tool"),
    [
        ({"name": "cp-template-1234"}, "horizon"),
        ({"name": "CP-parent-77"}, "horizon"),
        ({"name": "replica-0a1b2c3d-1111-2222"}, "horizon"),
        ({"folder_path": "DC1/vm/ClonePrepReplicaVmFolder"}, "horizon"),
        ({"folder_path": "VMwareViewComposerReplicaFolder/x"}, "horizon"),
        ({"managed_by": "com.omnissa.horizon"}, "horizon"),
        ({"name": "Preparation - Office"}, "mcs"),
        ({"disks": (a_disk(file_name="[s] desk/office-baseDisk-store.vmdk"),)}, "mcs"),
        ({"disks": (a_disk(), a_disk(1, file_name="[s] desk-01/desk-01_IdentityDisk.vmdk"))}, "mcs"),
        ({"custom_values": (("Owner", "x"), ("XdConfig", "..."))}, "mcs"),
        ({"annotation": "Farm A, PVS target device"}, "pvs"),
        ({"boot_order": ("ethernet", "disk")}, "pvs"),
        ({"forked": True}, "clone"),
        ({"disks": (a_disk(native_linked_clone=True),)}, "clone"),
        ({"disks": (a_disk(), a_disk(1, has_parent=True))}, "clone"),
    ],
)
def test_a_sign_sends_a_machine_to_its_gold_image(changes: dict[str, Any], tool: str) -> None:
    route = route_of(a_vm(**{"name": "desk-01", **changes}), MARKS)
    assert route.runbook is Runbook.GOLD_IMAGE
    assert [reason.tool for reason in route.reasons] == [tool]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"name": "mycp-template-1"},
        {"name": "replica-db"},
        {"folder_path": "DC1/vm/MyClonePrepReplicaVmFolders"},
        {"managed_by": "com.vmware.vcDr"},
        {"managed_by": None},
        {"disks": (a_disk(file_name="[s] databasedisk/databasedisk.vmdk"),)},
        {"custom_values": (("Note", "XdConfig"),)},
        {"annotation": "backs up PVStore"},
        {"boot_order": ("disk", "ethernet")},
        {"disks": (a_disk(has_parent=True),), "snapshots": (a_snapshot(),)},
        {"disks": ()},
    ],
)
def test_everything_else_is_converted(changes: dict[str, Any]) -> None:
    route = route_of(a_vm(**{"name": "app-01", **changes}), MARKS)
    assert (route.runbook, route.reasons) == (Runbook.CONVERSION, ())


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"forked": UNKNOWN}, "forked"),
        ({"disks": UNKNOWN}, "disks"),
        ({"disks": (a_disk(native_linked_clone=UNKNOWN),)}, "disks.native_linked_clone"),
        ({"disks": (a_disk(has_parent=UNKNOWN),)}, "disks.has_parent"),
        ({"disks": (a_disk(has_parent=True),), "snapshots": UNKNOWN}, "disks.has_parent"),
        ({"disks": (a_disk(file_name=UNKNOWN),)}, "disks.file_name"),
        ({"boot_order": UNKNOWN}, "boot_order"),
        ({"managed_by": UNKNOWN}, "managed_by"),
        ({"custom_values": UNKNOWN}, "custom_values"),
    ],
)
def test_a_sign_that_could_not_be_looked_for_leaves_the_way_open(changes: dict[str, Any], path: str) -> None:
    route = route_of(a_vm(**changes), MARKS)
    assert isinstance(route.runbook, Unknown)
    assert path in route.runbook.reason
    assert route.runbook.reason.endswith(" not read")
    assert {reason.answer for reason in route.reasons} == {Answer.UNKNOWN}


def test_one_sign_decides_whatever_else_was_not_read() -> None:
    route = route_of(a_vm(forked=True, disks=UNKNOWN, managed_by=UNKNOWN), MARKS)
    assert (route.runbook, [reason.path for reason in route.reasons]) == (Runbook.GOLD_IMAGE, ["forked"])


def test_clones_are_known_without_any_mark() -> None:
    assert route_of(a_vm(forked=True), NO_MARKS).runbook is Runbook.GOLD_IMAGE
    assert route_of(a_vm(name="cp-parent-1"), NO_MARKS).runbook is Runbook.CONVERSION


def test_every_mark_says_why_and_the_table_says_where_it_is_from() -> None:
    assert all(mark.why.endswith(".") and mark.tool in {"horizon", "mcs", "pvs"} for mark in MARKS.marks)
    assert {mark.field for mark in MARKS.marks} == set(MarkedField)
    assert (MARKS.version, MARKS.source != "") == ("2026-11", True)


def test_a_table_with_an_unknown_field_is_none() -> None:
    with pytest.raises(ValueError, match="colour"):
        marks_from({**TABLE, "marks": [{"tool": "x", "field": "colour", "pattern": "x", "why": "x"}]})
