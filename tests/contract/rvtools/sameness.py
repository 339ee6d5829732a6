"""One estate told twice, compared field by field. What two sources may call differently is listed here, with the reason."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from estate.facts.unknown import Unknown
from tests.contract.vsphere.agreement import Collected

MIB = 1 << 20
MHZ = 1_000_000
KINDS = ("host", "cluster", "datastore", "network", "switch", "container", "vm")

# RVTools gives no id for these, so they have one made of a name; what refers to them is compared by name.
MADE_IDS = re.compile(
    r"(^(network|container):.*\.native_id|\.snapshots\.native_id|\.network_id|\.resource_pool_id|\.network_ids|\.pod_id|container:.*\.parent_id)$"
)

# Facts without an unknown value, which a workbook leaves empty.
LEFT_EMPTY = re.compile(
    r"(\.backing_type|\.lun_uuid|\.portgroup_key|\.origins|\.prefix_lengths|container:.*\.path|network:.*\.host_ids|cluster:.*\.network_ids)$"
)

# RVTools shows no column for these attributes here; the builder writes the attribute Owner only.
OTHERWISE_KEPT = re.compile(r"\.(custom_values|extra)$")

# A guest id is derived from the full name, and these names belong to several ids.
SHARED_NAMES = re.compile(r"vCLS.*guest_id$")

CONTRACTS = (MADE_IDS, LEFT_EMPTY, OTHERWISE_KEPT, SHARED_NAMES)


def differences(live: Collected, read_back: Collected) -> Iterator[str]:
    """Every known value that a workbook tells otherwise than a server, and every object that is on one side only."""
    kernel_only = _kernel_groups(live) - {network.name for network in live["network"]}
    for kind in KINDS:
        ours = {_key(each): each for each in read_back[kind] if kind != "network" or each.name not in kernel_only}
        theirs = {_key(each): each for each in live[kind] if _is_exported(each)}
        yield from (f"{kind}:{name} is on one side only" for name in ours.keys() ^ theirs.keys())
        for name in theirs.keys() & ours.keys():
            for path, one, other in _pairs(f"{kind}:{theirs[name].name}", theirs[name], ours[name]):
                if not any(each.search(path) for each in CONTRACTS) and _both_known(one, other) and not _same(path, one, other):
                    yield f"{path} {one!r} {other!r}"


def live_differences(one: Collected, other: Collected) -> Iterator[str]:
    """The same of two servers, which have all ids and all digits: nothing is excused but what one of them does not know."""
    for kind in KINDS:
        ours, theirs = ({each.native_id: each for each in side[kind]} for side in (one, other))
        yield from (f"{kind}:{name} is on one side only" for name in ours.keys() ^ theirs.keys())
        for name in theirs.keys() & ours.keys():
            for path, left, right in _pairs(f"{kind}:{ours[name].name}", ours[name], theirs[name]):
                if _both_known(left, right) and left != right:
                    yield f"{path} {left!r} {right!r}"


def known_to_one(one: Collected, other: Collected) -> tuple[set[str], set[str]]:
    """Fields (`vm.disks.backing`) that somewhere only the first knows, and that somewhere only the second knows."""
    first, second = set(), set()
    for kind in KINDS:
        theirs = {_key(each): each for each in other[kind]}
        for each in one[kind]:
            for path, left, right in _pairs(kind, each, theirs.get(_key(each), each)):
                if isinstance(left, Unknown) != isinstance(right, Unknown):
                    (second if isinstance(left, Unknown) else first).add(path)
    return first, second


def _kernel_groups(live: Collected) -> set[str]:
    """Port groups that the hosts' own cards are on. A vCenter has them as no network: no machine can be connected there."""
    nics = (nic for host in live["host"] if not isinstance(host.kernel_nics, Unknown) for nic in host.kernel_nics)
    return {nic.portgroup for nic in nics}


def _is_exported(found: Any) -> bool:
    """RVTools has no folders, and a standard network only as the port groups of hosts."""
    kind = type(found).__name__
    if kind == "NetworkFacts":
        return bool(found.is_distributed or found.host_ids)
    return kind != "ContainerFacts" or found.kind in ("resource_pool", "storage_pod")


def _key(found: Any) -> Any:
    """Standard networks and pools have no id in a workbook: their name, and for pools what is in them."""
    kind = type(found).__name__
    if kind == "ContainerFacts":
        return found.name, found.member_ids
    return found.name if kind == "NetworkFacts" else found.native_id


def _pairs(path: str, one: Any, other: Any) -> Iterator[tuple[str, Any, Any]]:
    """The values of both sides, field by field and device by device; lists of different length as a whole."""
    if isinstance(one, msgspec.Struct) and type(one) is type(other) and not isinstance(one, Unknown):
        for field in msgspec.structs.fields(one):
            yield from _pairs(f"{path}.{field.name}", getattr(one, field.name), getattr(other, field.name))
    elif (
        isinstance(one, tuple)
        and one
        and isinstance(one[0], msgspec.Struct)
        and isinstance(other, tuple)
        and len(one) == len(other)
    ):
        for left, right in zip(one, other, strict=True):
            yield from _pairs(path, left, right)
    else:
        yield path, one, other


def _both_known(one: Any, other: Any) -> bool:
    return not isinstance(one, Unknown) and not isinstance(other, Unknown)


def _same(path: str, live: Any, ours: Any) -> bool:
    """Sizes in a workbook are whole MiB, times whole seconds, clocks whole MHz; orders of ids follow other sheets."""
    if path.endswith("_hz"):
        return abs(live - ours) < MHZ
    if path.endswith("_bytes") and live is not None:
        return abs(live - ours) <= 2 * MIB
    if path.endswith(("_at", "_time")) and live is not None:
        return abs((live - ours).total_seconds()) < 1
    return sorted(live) == sorted(ours) if path.endswith("_ids") else bool(live == ours)
