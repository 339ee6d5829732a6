"""A mapping's names become the ids that rules compare: by name or by the pool's own uuid."""

from __future__ import annotations

from msgspec.structs import replace

from estate.facts.pool import PoolNetworkFacts, SrFacts, TemplateFacts
from migration.assessment.core.aim import Aim, Names, target_of
from migration.assessment.core.context import NO_MAPPING, Target
from tests.builders.assessment import the_guests, the_limits
from tests.builders.pools import a_pool

POOL = replace(
    a_pool(),
    networks=(PoolNetworkFacts("net-1", "lan", "xenbr0", 1500, ()), PoolNetworkFacts("net-2", "dmz", "xenbr1", 1500, ())),
    srs=(SrFacts("sr-1", "fast", "nfs", True, "user", 1, 0, True), SrFacts("sr-2", "slow", "nfs", True, "user", 1, 0, True)),
    templates=(TemplateFacts("tpl-1", "Debian Bookworm 12", "bios"),),
)
NAMES = Names({"n1": "VM Network", "n2": "DMZ"}, {"d1": "san"}, frozenset({"debian12_64Guest", "windows2019srv_64Guest"}))


def target(aim: Aim | None) -> Target:
    return target_of((POOL,), aim, NAMES, the_limits(), the_guests())


def test_without_a_mapping_its_parts_are_unknown() -> None:
    found = target(None)
    assert (found.networks, found.srs, found.templates) == (NO_MAPPING,) * 3


def test_names_and_uuids_of_the_pool_are_both_understood() -> None:
    found = target(Aim({"VM Network": "lan", "DMZ": "net-2"}, {"san": "sr-2"}, {"debian12_64Guest": "tpl-1"}))
    assert (found.networks, found.srs) == ({"n1": "net-1", "n2": "net-2"}, {"d1": "sr-2"})
    assert found.templates == {"debian12_64Guest": "Debian Bookworm 12"}


def test_what_the_pool_lacks_is_not_mapped() -> None:
    found = target(Aim({"VM Network": "gone"}, {"san": "gone"}, {}))
    assert (found.networks, found.srs, found.templates) == ({}, {}, {})


def test_a_star_stands_for_what_has_no_row_and_a_family_for_its_guests() -> None:
    found = target(Aim({}, {"*": "fast"}, {"linux": "own", "*": "Other install media"}))
    assert found.srs == {"d1": "sr-1", "": "sr-1"}
    assert found.templates == {"debian12_64Guest": "own", "windows2019srv_64Guest": "Other install media"}


def test_what_the_pools_tell_by_themselves_needs_no_mapping() -> None:
    host = replace(POOL.hosts[0], cpu_model="AMD EPYC 7763", memory_total_bytes=9, memory_overhead_bytes=2)
    found = target_of((replace(POOL, hosts=(host,), vms=()),), None, NAMES, the_limits(), the_guests())
    assert isinstance(found.evc_modes, dict)
    assert found.evc_modes["amd-zen3"]
    assert (found.free_memory_bytes, found.vdi_limit_bytes.keys()) == (7, {"sr-1", "sr-2"})
