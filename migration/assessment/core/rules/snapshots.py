"""Rules on snapshots (SNP)."""

from __future__ import annotations

from collections.abc import Sequence

from estate.facts.source import DatastoreFacts, SnapshotFacts, VmFacts
from estate.facts.unknown import Unknown
from migration.assessment.core.context import RuleContext
from migration.assessment.core.registry import When, rule
from migration.assessment.core.results import Answer, Part, Parts, Severity, answered, judged
from migration.assessment.core.rules.disks import disks_where

CREATE_SNAPSHOT = "CreateSnapshot_Task"
TRACKING_START = Unknown("whether change tracking was on before the oldest snapshot was taken is not told")
NOT_LISTED = Unknown("the datastore is not in the inventory")


@rule(
    "SNP-001",
    severity=Severity.WARNING,
    sources="VR",
    title="The machine has snapshots",
    why="Only the present state is carried over; the history is lost, and long chains slow the copy.",
    remediation="Delete the snapshots before the copy, or accept that the copy is flattened.",
)
def has_snapshots(vm: VmFacts, context: RuleContext) -> Parts:
    """Any snapshot counts, with or without memory."""
    return judged(
        "snapshots",
        vm.snapshots,
        bool,
        lambda snapshots: {"count": len(snapshots), "names": [snapshot.name for snapshot in snapshots]},
    )


@rule(
    "SNP-002",
    severity=Severity.CRITICAL,
    sources="V",
    title="A snapshot is older than change tracking, or the chain has no room for another",
    why="Changes cannot be told reliably across such a snapshot, and a chain of full length refuses the next one.",
    remediation="Remove the snapshots, then start change tracking anew by a short snapshot.",
    when=When.WARM,
)
def snapshots_spoil_tracking(vm: VmFacts, context: RuleContext) -> Parts:
    """Without tracking every snapshot is older than its start; with it, nothing tells when it started.

    A chain of deltas counts whether or not snapshots explain it: a chain of one is a disk without a delta.
    """
    most = context.limits.snapshot_depth_max
    chains = disks_where(vm, "chain_length", lambda length: length - 1 > most)
    if isinstance(vm.snapshots, Unknown) or not vm.snapshots:
        return (*chains, *judged("snapshots", vm.snapshots, lambda _: False))
    return (*chains, *_too_deep(vm.snapshots, most), *_older_than_tracking(vm, vm.snapshots))


def _too_deep(snapshots: Sequence[SnapshotFacts], most: int) -> tuple[Part, ...]:
    depth = max(snapshot.depth for snapshot in snapshots)
    return answered(Answer.TRUE if depth > most else Answer.FALSE, "snapshots", depth, {"depth": depth, "limit": most})


def _older_than_tracking(vm: VmFacts, snapshots: Sequence[SnapshotFacts]) -> tuple[Part, ...]:
    if vm.change_tracking is False:
        return (Part(Answer.TRUE, "change_tracking", False, {"names": [snapshot.name for snapshot in snapshots]}),)
    unread = vm.change_tracking if isinstance(vm.change_tracking, Unknown) else TRACKING_START
    return (Part(Answer.UNKNOWN, "change_tracking", unread),)


@rule(
    "SNP-003",
    severity=Severity.WARNING,
    sources="VR",
    title="The machine's disks need consolidation",
    why="Deltas without a snapshot keep growing, and the cutover stalls on them.",
    remediation="Consolidate in a quiet hour.",
)
def needs_consolidation(vm: VmFacts, context: RuleContext) -> Parts:
    """As vSphere says it."""
    return judged("consolidation_needed", vm.consolidation_needed, bool)


@rule(
    "SNP-004",
    severity=Severity.CRITICAL,
    sources="V",
    title="Snapshots of the machine are disabled or locked",
    why="A warm transfer reads from snapshots; a backup that runs may hold the lock.",
    remediation="Release the lock, or plan the transfer after the backup.",
    when=When.WARM,
)
def snapshots_refused(vm: VmFacts, context: RuleContext) -> Parts:
    """Either flag, or the method being disabled at the moment of reading."""
    return (
        *judged("snapshot_disabled", vm.snapshot_disabled, bool, lambda _: {"reason": "disabled"}),
        *judged("snapshot_locked", vm.snapshot_locked, bool, lambda _: {"reason": "locked"}),
        *judged(
            "disabled_methods",
            vm.disabled_methods,
            lambda methods: CREATE_SNAPSHOT in methods,
            lambda _: {"reason": CREATE_SNAPSHOT},
        ),
    )


@rule(
    "SNP-005",
    severity=Severity.WARNING,
    sources="V",
    title="A datastore of the machine is nearly full",
    why="A growing snapshot can fill it and stop every machine on it.",
    remediation="Free space, or transfer the machine cold.",
)
def datastore_nearly_full(vm: VmFacts, context: RuleContext) -> Parts:
    """By the share that is free: how fast the machine writes, and so the size of its delta, is among no source's facts."""
    if isinstance(vm.datastore_ids, Unknown):
        return (Part(Answer.UNKNOWN, "datastore_ids", vm.datastore_ids), *_of_disks(vm, context))
    if vm.datastore_ids:
        return tuple(part for store_id in vm.datastore_ids for part in _nearly_full(store_id, "datastore_ids", context))
    return _of_disks(vm, context)


def _of_disks(vm: VmFacts, context: RuleContext) -> tuple[Part, ...]:
    if isinstance(vm.disks, Unknown):
        return (Part(Answer.UNKNOWN, "disks", vm.disks),)
    parts: dict[str | Unknown | None, tuple[Part, ...]] = {}
    for number, disk in enumerate(vm.disks):
        if disk.datastore_id is not None and disk.datastore_id not in parts:
            parts[disk.datastore_id] = _nearly_full(disk.datastore_id, f"disks[{number}].datastore_id", context)
    return tuple(part for found in parts.values() for part in found)


def _nearly_full(store_id: str | Unknown, path: str, context: RuleContext) -> tuple[Part, ...]:
    if isinstance(store_id, Unknown):
        return (Part(Answer.UNKNOWN, path, store_id),)
    store = context.estate.datastores.get(store_id)
    if store is None:
        return (Part(Answer.UNKNOWN, path, NOT_LISTED, {"datastore_id": store_id}),)
    return _too_little_free(store, context.limits.datastore_free_min_ratio)


def _too_little_free(store: DatastoreFacts, least_ratio: float) -> tuple[Part, ...]:
    params = {"datastore_id": store.native_id, "datastore": store.name}
    path, free, capacity = f"datastores[{store.native_id}]", store.free_bytes, store.capacity_bytes
    if isinstance(free, Unknown):
        return (Part(Answer.UNKNOWN, f"{path}.free_bytes", free, params),)
    if isinstance(capacity, Unknown):
        return (Part(Answer.UNKNOWN, f"{path}.capacity_bytes", capacity, params),)
    full = Answer.TRUE if free < capacity * least_ratio else Answer.FALSE
    return answered(full, f"{path}.free_bytes", free, {**params, "free_bytes": free, "capacity_bytes": capacity})
