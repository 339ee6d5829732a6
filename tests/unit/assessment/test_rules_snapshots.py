"""Rules on snapshots: the chain's length at and over the edge, tracking that started later, locks, and room for a delta."""

from __future__ import annotations

import pytest

from estate.facts.unknown import UNKNOWN
from migration.assessment.core.registry import RULES, When
from migration.assessment.core.results import Answer
from tests.builders.assessment import a_context, answer_of, outcome_of
from tests.builders.estate import GIB, a_datastore, a_disk, a_snapshot, a_vm

T, F, U = Answer.TRUE, Answer.FALSE, Answer.UNKNOWN
FIFTH = 200 * GIB  # of the 1000 GiB of a_datastore


def stores(**changes: object) -> dict:
    return {"datastores": {"datastore-1": a_datastore(**changes)}}


def on(*store_ids: object) -> dict:
    """A machine whose disks lie there, and which is not told its datastores."""
    return {"datastore_ids": (), "disks": tuple(a_disk(n, datastore_id=store_id) for n, store_id in enumerate(store_ids))}


CASES = [
    ("SNP-001", {"snapshots": (a_snapshot(),)}, {}, T),
    ("SNP-001", {"snapshots": ()}, {}, F),
    ("SNP-001", {"snapshots": UNKNOWN}, {}, U),
    ("SNP-002", {}, {}, F),
    ("SNP-002", {"snapshots": (), "change_tracking": False}, {}, F),
    ("SNP-002", {"snapshots": (), "change_tracking": UNKNOWN}, {}, F),
    ("SNP-002", {"snapshots": UNKNOWN}, {}, U),
    ("SNP-002", {"snapshots": (a_snapshot(27),)}, {}, U),
    ("SNP-002", {"snapshots": (a_snapshot(1), a_snapshot(28))}, {}, T),
    ("SNP-002", {"snapshots": (a_snapshot(28),), "change_tracking": UNKNOWN}, {}, T),
    ("SNP-002", {"snapshots": (a_snapshot(),), "change_tracking": False}, {}, T),
    ("SNP-002", {"snapshots": (a_snapshot(),), "change_tracking": UNKNOWN}, {}, U),
    ("SNP-002", {"disks": (a_disk(chain_length=28), a_disk(1))}, {}, F),
    ("SNP-002", {"disks": (a_disk(chain_length=29), a_disk(1))}, {}, T),
    ("SNP-002", {"disks": (a_disk(chain_length=29),), "snapshots": UNKNOWN}, {}, T),
    ("SNP-002", {"disks": (a_disk(chain_length=UNKNOWN),)}, {}, U),
    ("SNP-002", {"disks": UNKNOWN}, {}, U),
    ("SNP-003", {"consolidation_needed": True}, {}, T),
    ("SNP-003", {}, {}, F),
    ("SNP-003", {"consolidation_needed": UNKNOWN}, {}, U),
    ("SNP-004", {}, {}, F),
    ("SNP-004", {"snapshot_disabled": True}, {}, T),
    ("SNP-004", {"snapshot_locked": True, "snapshot_disabled": UNKNOWN}, {}, T),
    ("SNP-004", {"disabled_methods": ("PowerOnVM_Task", "CreateSnapshot_Task")}, {}, T),
    ("SNP-004", {"disabled_methods": ("PowerOnVM_Task",)}, {}, F),
    ("SNP-004", {"snapshot_disabled": UNKNOWN}, {}, U),
    ("SNP-004", {"snapshot_locked": UNKNOWN}, {}, U),
    ("SNP-004", {"disabled_methods": UNKNOWN}, {}, U),
    ("SNP-005", {}, stores(free_bytes=FIFTH), F),
    ("SNP-005", {}, stores(free_bytes=FIFTH - 1), T),
    ("SNP-005", {}, stores(free_bytes=UNKNOWN), U),
    ("SNP-005", {}, stores(capacity_bytes=UNKNOWN), U),
    ("SNP-005", {}, {"datastores": {}}, U),
    ("SNP-005", {"datastore_ids": ("datastore-9", "datastore-1")}, stores(free_bytes=0), T),
    ("SNP-005", on("datastore-1", None), stores(), F),
    ("SNP-005", on("datastore-1"), stores(free_bytes=0), T),
    ("SNP-005", on("datastore-1", UNKNOWN), stores(), U),
    ("SNP-005", on("datastore-1", UNKNOWN), stores(free_bytes=0), T),
    ("SNP-005", {"datastore_ids": (), "disks": UNKNOWN}, stores(), U),
    ("SNP-005", on(), {}, F),
    ("SNP-005", {**on("datastore-1"), "datastore_ids": UNKNOWN}, stores(), U),
    ("SNP-005", {**on("datastore-1"), "datastore_ids": UNKNOWN}, stores(free_bytes=0), T),
]


@pytest.mark.parametrize(("rule_id", "vm", "context", "expected"), CASES)
def test_rule_answers_from_the_snapshots(rule_id: str, vm: dict, context: dict, expected: Answer) -> None:
    assert answer_of(rule_id, a_vm(**vm), a_context(**context)) is expected


def test_what_only_a_warm_transfer_trips_over_is_asked_only_then() -> None:
    warm = {rule_id for rule_id in ("SNP-001", "SNP-002", "SNP-003", "SNP-004", "SNP-005") if RULES[rule_id].when is When.WARM}
    assert warm == {"SNP-002", "SNP-004"}


def test_the_finding_tells_the_depth_and_its_limit() -> None:
    assert outcome_of("SNP-002", a_vm(snapshots=(a_snapshot(28),))).params["parts"] == [{"depth": 28, "limit": 27}]


def test_the_finding_names_the_full_datastore_once() -> None:
    outcome = outcome_of("SNP-005", a_vm(**on("datastore-1", "datastore-1")), a_context(**stores(free_bytes=5)))
    assert outcome.params["parts"] == [
        {"datastore_id": "datastore-1", "datastore": "san-a", "free_bytes": 5, "capacity_bytes": 1000 * GIB}
    ]
