"""Suggestions never guess between equals; comparisons name the machines; an approved plan stays as it is."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from estate.facts.pool import PoolNetworkFacts
from migration.planning.core.compare import PlanDifference, PlannedPlace, compare
from migration.planning.core.states import IllegalTransition, PlanEvent, PlanState, next_state
from migration.planning.core.suggest import GuestTable, guest_table_from, suggest
from tests.builders.estate import GIB, a_network
from tests.builders.planning import a_target_pool, an_sr

DATA = Path(__file__).parents[3] / "migration" / "planning" / "data" / "templates-2026-11.toml"
POOL = a_target_pool(an_sr("slow", free_bytes=10 * GIB), an_sr("fast", free_bytes=20 * GIB), an_sr("local", shared=False))


@pytest.fixture(scope="module")
def table() -> GuestTable:
    return guest_table_from(tomllib.loads(DATA.read_text(encoding="utf-8")))


def test_names_that_are_the_same_are_proposed_first(table: GuestTable) -> None:
    found = suggest([a_network("lan")], ["SLOW"], ["windows2019srv_64Guest"], POOL, table)
    assert (found.networks, found.datastores) == ({"lan": "LAN"}, {"SLOW": "slow"})
    assert found.templates == {"windows2019srv_64Guest": "Windows Server 2019 (64-bit)"}
    assert found.open == []


def test_a_vlan_finds_the_network_and_room_finds_the_shared_sr(table: GuestTable) -> None:
    found = suggest([a_network("Servers", vlan="10")], ["san-a"], [], POOL, table)
    assert (found.networks, found.datastores) == ({"Servers": "LAN"}, {"san-a": "fast"})
    assert found.why["Servers"] == "same VLAN 10"
    assert "20.0 GiB" in found.why["san-a"]


@pytest.mark.parametrize("vlan", ["0", "4095-4096", "20"])
def test_an_unclear_network_stays_open(table: GuestTable, vlan: str) -> None:
    assert suggest([a_network("Servers", vlan=vlan)], [], [], POOL, table).open == ["Servers"]


def test_two_networks_of_one_name_are_not_chosen_between(table: GuestTable) -> None:
    twice = a_target_pool(networks=(*POOL.networks, PoolNetworkFacts("net-2", "lan", "xapi2", 1500, ())))
    assert suggest([a_network("LAN")], [], [], twice, table).open == ["LAN"]


def test_a_guest_whose_template_the_pool_lacks_stays_open(table: GuestTable) -> None:
    assert suggest([], [], ["windows11_64Guest"], POOL, table).open == ["windows11_64Guest"]


@pytest.mark.parametrize(
    ("guest_id", "template"),
    [("windows7Server64Guest", "Other install media"), ("centos9_64Guest", "CentOS Stream 9"),
     ("ubuntu64Guest", "Other install media"), ("debian11_64Guest", "Debian Bullseye 11")],
)  # fmt: skip
def test_the_guest_table_answers_every_guest(table: GuestTable, guest_id: str, template: str) -> None:
    assert table.template_for(guest_id) == template


def test_comparing_plans_names_who_came_went_and_moved() -> None:
    old = {"a": PlannedPlace("a", True, {"sr": 1}), "b": PlannedPlace("b", True, {"sr": 1}), "c": PlannedPlace("c", False, {})}
    new = {"a": PlannedPlace("a", True, {"sr": 2}), "b": PlannedPlace("b", False, {}), "c": PlannedPlace("c", True, {})}
    assert compare(old, new) == PlanDifference(added=("c",), removed=("b",), moved=("a",))


def test_an_approved_plan_cannot_be_approved_again() -> None:
    assert next_state(PlanState.DRAFT, PlanEvent.APPROVE) is PlanState.APPROVED
    with pytest.raises(IllegalTransition):
        next_state(PlanState.APPROVED, PlanEvent.APPROVE)
