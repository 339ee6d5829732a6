"""Limits come from the table; the target's largest VDI and the owners of MACs come from facts."""

from __future__ import annotations

import pytest

from estate.facts.pool import PoolFacts, PoolVmFacts, SrFacts
from estate.facts.unknown import UNKNOWN, Unknown
from migration.assessment.core.context import NO_TARGET, largest_vdi_bytes, mac_owners, pool_mac_owners
from migration.assessment.core.limits import UnknownProduct
from tests.builders.assessment import the_limits
from tests.builders.estate import GIB, SEEN_AT, a_nic, a_vm


def a_pool_with(*, kinds: tuple[str, ...] = (), vms: tuple[PoolVmFacts, ...] = ()) -> PoolFacts:
    srs = tuple(SrFacts(f"sr-{kind}", kind, kind, True, "iso" if kind == "iso" else "", 1, 0, True) for kind in kinds)
    return PoolFacts("pool", "berlin", "host", SEEN_AT, False, {}, {}, srs=srs, vms=vms)


def a_pool_vm(mac: str, conversion_id: str | None = None) -> PoolVmFacts:
    return PoolVmFacts("vm", "old", "Running", False, GIB, 0, 1, None, "", (mac,), conversion_id)


def test_a_vhd_only_pool_ends_at_2040_gib() -> None:
    assert largest_vdi_bytes([a_pool_with(kinds=("lvmoiscsi", "nfs", "iso"))], the_limits()) == 2040 * GIB


def test_a_gfs2_sr_raises_the_limit_on_xenserver() -> None:
    assert largest_vdi_bytes([a_pool_with(kinds=("nfs", "gfs2"))], the_limits()) == 16 * 1024 * GIB


def test_on_xcp_ng_the_sr_kind_alone_does_not_decide() -> None:
    size = largest_vdi_bytes([a_pool_with(kinds=("smb", "nfs"))], the_limits("xcp-ng-8.3"))
    assert isinstance(size, Unknown)
    assert "updates" in size.reason


@pytest.mark.parametrize("pools", [[], [a_pool_with()]])
def test_without_an_sr_no_target_is_known(pools: list[PoolFacts]) -> None:
    assert largest_vdi_bytes(pools, the_limits()) is NO_TARGET


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
