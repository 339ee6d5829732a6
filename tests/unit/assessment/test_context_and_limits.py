"""Limits come from the table; the target's largest VDI and the owners of MACs come from facts."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from estate.facts.pool import PoolFacts, PoolHostFacts, PoolVmFacts, SrFacts
from estate.facts.unknown import UNKNOWN, Unknown
from migration.assessment.core.context import (
    HOSTS_NOT_SURE,
    NO_CPU_LEVEL,
    NO_HOSTS,
    evc_modes,
    free_memory_bytes,
    mac_owners,
    machines_unread,
    pool_mac_owners,
    vdi_limits_bytes,
)
from migration.assessment.core.limits import UnknownProduct
from tests.builders.assessment import the_limits
from tests.builders.estate import GIB, SEEN_AT, a_nic, a_vm


def a_pool_with(*, kinds: tuple[str, ...] = (), vms: tuple[PoolVmFacts, ...] = ()) -> PoolFacts:
    srs = tuple(SrFacts(f"sr-{kind}", kind, kind, True, "iso" if kind == "iso" else "", 1, 0, True) for kind in kinds)
    return PoolFacts("pool", "berlin", "host", SEEN_AT, False, {}, {}, srs=srs, vms=vms)


def a_pool_vm(mac: str, conversion_id: str | None = None) -> PoolVmFacts:
    return PoolVmFacts("vm", "old", "Running", False, GIB, 0, 1, None, "", (mac,), conversion_id)


def test_each_sr_for_disks_has_the_limit_of_its_kind() -> None:
    found = vdi_limits_bytes([a_pool_with(kinds=("lvmoiscsi", "gfs2", "iso"))], the_limits())
    assert found == {"sr-lvmoiscsi": 2040 * GIB, "sr-gfs2": 16 * 1024 * GIB}


def test_on_xcp_ng_the_sr_kind_alone_does_not_decide() -> None:
    found = vdi_limits_bytes([a_pool_with(kinds=("smb", "nfs"))], the_limits("xcp-ng-8.3"))
    assert found["sr-smb"] == 2040 * GIB
    assert isinstance(found["sr-nfs"], Unknown)
    assert "updates" in found["sr-nfs"].reason


def a_pool_host(number: int = 1, *, gib: int = 64, **changes: Any) -> PoolHostFacts:
    known = PoolHostFacts(f"h{number}", f"host-{number}", "", True, True, memory_total_bytes=gib * GIB, memory_overhead_bytes=GIB)
    return replace(known, **changes)


def free(*hosts: PoolHostFacts, **changes: Any) -> int | Unknown:
    return free_memory_bytes([replace(a_pool_with(), hosts=hosts, **changes)])


def test_the_emptiest_host_tells_what_is_free() -> None:
    on_first = replace(
        a_pool_vm("00:50:56:aa:00:01"), resident_on_uuid="h1", memory_static_max_bytes=30 * GIB, memory_overhead_bytes=GIB
    )
    assert free(a_pool_host(1), a_pool_host(2, gib=34)) == 63 * GIB
    assert free(a_pool_host(1), a_pool_host(2, gib=34), vms=(on_first, replace(on_first, resident_on_uuid=None))) == 33 * GIB
    assert free(a_pool_host(1), vms=(on_first, on_first)) == GIB


@pytest.mark.parametrize("changes", [{"enabled": False}, {"live": False}, {"enabled": UNKNOWN, "live": False}])
def test_a_host_that_starts_nothing_has_no_room(changes: dict[str, Any]) -> None:
    assert free(a_pool_host(1, gib=34), a_pool_host(2, memory_total_bytes=UNKNOWN, **changes)) == 33 * GIB
    assert free(a_pool_host(1, **changes)) == 0


@pytest.mark.parametrize("name", ["enabled", "live"])
def test_a_host_of_which_nobody_knows_counts_where_it_has_more_room(name: str) -> None:
    assert free(a_pool_host(1, gib=34), a_pool_host(2, **{name: UNKNOWN})) is HOSTS_NOT_SURE
    assert free(a_pool_host(1), a_pool_host(2, **{name: UNKNOWN})) == 63 * GIB


def test_what_was_not_read_of_a_pool_leaves_its_room_open() -> None:
    assert free_memory_bytes([]) is NO_HOSTS
    assert free() is NO_HOSTS
    assert free(a_pool_host(memory_total_bytes=UNKNOWN)) == Unknown("memory of host host-1 was not read")
    assert free(a_pool_host(memory_overhead_bytes=UNKNOWN)) == Unknown("memory of host host-1 was not read")
    assert "denied" in free(a_pool_host(), unreadable=(("VM", "denied"),)).reason
    assert "denied" in free(a_pool_host(), unreadable=(("host h2", "denied"),)).reason


def test_an_unknown_product_is_named_with_the_known_ones() -> None:
    with pytest.raises(UnknownProduct, match=r"xenserver-9.*xcp-ng-8.3, xenserver-8.4"):
        the_limits("xenserver-9")


def test_the_table_says_its_version_date_and_source() -> None:
    limits = the_limits()
    assert (limits.version, limits.reviewed.year) == ("2026-11", 2026)
    assert limits.source


def test_mac_owners_spell_addresses_alike_and_skip_unread_ones() -> None:
    vms = [
        a_vm("a", nics=(a_nic(mac_address="00-50-56-AA-00-01"),)),
        a_vm("b", nics=(a_nic(mac_address="00:50:56:aa:00:01"), a_nic(1, mac_address=UNKNOWN), a_nic(2, mac_address=" "))),
        a_vm("c", nics=UNKNOWN),
    ]
    assert mac_owners(vms) == {"00:50:56:aa:00:01": ("a", "b")}


def test_our_own_import_owns_no_mac_in_the_pool() -> None:
    pool = a_pool_with(vms=(a_pool_vm("00:50:56:AA:00:01"), a_pool_vm("00:50:56:aa:00:02", "our-conversion")))
    assert pool_mac_owners([pool]) == {"00:50:56:aa:00:01": ("old (pool berlin)",)}


GOLD, MILAN, OLD = "Intel(R) Xeon(R) Gold 6430", "AMD EPYC 7763 64-Core Processor", "Intel(R) Xeon(R) CPU E5-2690 v3 @ 2.60GHz"


def modes(*pools: tuple[str | Unknown, ...], **changes: Any) -> dict[str, bool] | Unknown:
    """What pools of hosts with these processors have."""
    hosts = [tuple(a_pool_host(n, cpu_model=model) for n, model in enumerate(models)) for models in pools]
    return evc_modes([replace(a_pool_with(), hosts=each, **changes) for each in hosts], the_limits())


def test_a_pool_has_the_modes_up_to_its_oldest_host_and_none_of_another_maker() -> None:
    found = modes((GOLD, OLD))
    assert isinstance(found, dict)
    assert (found["intel-haswell"], found["intel-merom"], found["intel-broadwell"], found["amd-zen"]) == (
        True,
        True,
        False,
        False,
    )
    assert "intel-graniterapids" not in found


def test_a_mode_that_only_some_pools_have_is_open() -> None:
    found = modes((GOLD,), (OLD,))
    assert isinstance(found, dict)
    assert (found["intel-haswell"], found["amd-zen3"], "intel-broadwell" in found) == (True, False, False)
    mixed = modes((MILAN,), (GOLD,))
    assert isinstance(mixed, dict)
    assert (mixed.get("amd-zen3"), mixed.get("intel-merom"), mixed["amd-zen4"]) == (None, None, False)


def test_a_pool_of_both_makers_has_no_mode() -> None:
    found = modes((MILAN, GOLD))
    assert isinstance(found, dict)
    assert set(found.values()) == {False}


def test_processors_nobody_read_or_listed_leave_the_modes_open() -> None:
    assert modes() is NO_CPU_LEVEL
    assert modes(()) is NO_CPU_LEVEL
    assert modes((GOLD, UNKNOWN)) == UNKNOWN
    assert "Pentium" in modes((GOLD, "Intel(R) Pentium"), (GOLD,)).reason
    assert "denied" in modes((GOLD,), unreadable=(("host h9", "denied"),)).reason


def test_every_generation_of_the_table_has_a_mode_that_it_lists() -> None:
    limits = the_limits()
    assert set(limits.evc_mode_of_generation.values()) <= {mode for ladder in limits.evc_ladders for mode in ladder}


def test_vms_of_a_pool_that_were_not_read_are_told_with_the_reason() -> None:
    assert machines_unread([]) is None
    assert machines_unread([a_pool_with()]) is None
    assert machines_unread([replace(a_pool_with(), unreadable=(("SR", "denied"),))]) is None
    for name in ("VM", "VM OpaqueRef:1", "VIF"):
        gap = machines_unread([a_pool_with(), replace(a_pool_with(), unreadable=((name, "denied"),))])
        assert gap == Unknown("not all VMs of pool berlin were read: denied")
