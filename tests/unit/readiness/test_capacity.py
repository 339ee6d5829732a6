"""Failover capacity: xapi's memory arithmetic, its two planners, and planned VMs on top."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from estate.facts.unknown import UNKNOWN, is_known
from readiness.core.capacity import (
    MIB,
    Occupant,
    Room,
    max_failures,
    plan_exists,
    predicted_tolerance,
    room_of,
    shadow_mib,
    vm_size_bytes,
    with_planned,
)
from tests.builders.pools import GIB, a_planned_vm, a_pool, a_vm, with_host


def test_shadow_of_a_4_gib_vm_with_two_vcpus_is_34_mib() -> None:
    assert shadow_mib(4096, 2) == 34


def test_a_vm_takes_static_maximum_video_shadow_and_vcpu_pages() -> None:
    assert vm_size_bytes(4 * GIB, 2) == (4096 + 2 + 34 + 1) * MIB


def a_room(free: list[int], *protected: tuple[str, int, int]) -> Room:
    hosts = {f"h{n}": bytes_ for n, bytes_ in enumerate(free)}
    return Room(hosts, tuple(Occupant(name, size, f"h{host}") for name, size, host in protected))


@pytest.mark.parametrize(
    ("story", "room", "tolerated"),
    [
        ("nothing protected: every host may fail", a_room([0, 0, 0]), 3),
        ("one VM, room on both others", a_room([0, 5, 5], ("a", 5, 0)), 2),
        ("one VM, room on one other", a_room([0, 5, 0], ("a", 5, 0)), 1),
        ("no room anywhere", a_room([0, 4, 4], ("a", 5, 0)), 0),
        ("two VMs compete for one place", a_room([0, 0, 5], ("a", 5, 0), ("b", 5, 1)), 1),
    ],
)
def test_tolerated_failures_of_small_pools(story: str, room: Room, tolerated: int) -> None:
    assert max_failures(room) == tolerated, story


def _oracle_plan(room: Room, failures: int) -> bool:
    """Independent: play every order of failures step by step."""

    def play(order: tuple[str, ...]) -> bool:
        free, where = dict(room.free_bytes), {vm.name: vm.host_uuid for vm in room.protected}
        size = {vm.name: vm.size_bytes for vm in room.protected}
        for dead in order:
            free.pop(dead)
            homeless = sorted((name for name, host in where.items() if host == dead), key=lambda name: (-size[name], name))
            for name in homeless:
                best = max(sorted(free), key=lambda host: free[host], default=None)
                if best is None or free[best] < size[name]:
                    return False
                free[best] -= size[name]
                where[name] = best
        return True

    if failures == len(room.free_bytes) and room.protected:
        return False
    return all(play(order) for order in permutations(room.free_bytes, failures))


@st.composite
def rooms(draw: st.DrawFn) -> Room:
    free = draw(st.lists(st.integers(0, 12), min_size=1, max_size=4))
    vms = draw(st.lists(st.tuples(st.integers(1, 6), st.integers(0, len(free) - 1)), max_size=5))
    return a_room(free, *((f"vm{n}", size, host) for n, (size, host) in enumerate(vms)))


@given(rooms(), st.integers(0, 4))
def test_the_exhaustive_planner_agrees_with_a_play_through_of_every_order(room: Room, failures: int) -> None:
    failures = min(failures, len(room.free_bytes))
    assert plan_exists(room, failures) == _oracle_plan(room, failures)


def test_a_pool_beyond_the_exhaustive_limit_is_judged_conservatively() -> None:
    room = a_room([10] * 40, *((f"vm{n}", 10, n) for n in range(10)))
    assert plan_exists(room, 4)
    assert not plan_exists(room, 37)


def test_planned_vms_lower_the_tolerance() -> None:
    pool = a_pool(vms=(a_vm(memory_static_max_bytes=30 * GIB),))
    assert predicted_tolerance(pool, ()) == 2
    heavy = tuple(a_planned_vm(f"db{n}", memory_bytes=30 * GIB, priority="restart") for n in range(4))
    assert predicted_tolerance(pool, heavy) == 0


def test_planned_vms_that_do_not_fit_at_all_tolerate_less_than_nothing() -> None:
    assert predicted_tolerance(a_pool(), (a_planned_vm(memory_bytes=100 * GIB),)) == -1


def test_a_planned_vm_that_already_runs_in_the_pool_is_counted_once() -> None:
    pool = a_pool(vms=(a_vm(mac_addresses=("52:54:00:AA:BB:CC",)),))
    room = room_of(pool)
    assert is_known(room)
    assert with_planned(room, pool, [a_planned_vm(mac="52:54:00:aa:bb:cc", priority="restart")]) == room


def test_unread_memory_makes_the_tolerance_unknown() -> None:
    assert not is_known(predicted_tolerance(with_host(a_pool(), "h2", memory_total_bytes=UNKNOWN), ()))
    assert not is_known(predicted_tolerance(with_host(a_pool(), "h2", enabled=UNKNOWN), ()))


def test_a_disabled_host_offers_no_room_and_its_dom0_counts_on_the_others() -> None:
    dom0 = replace(
        a_vm("dom0"), is_control_domain=True, memory_static_max_bytes=4 * GIB, memory_overhead_bytes=0, ha_restart_priority=""
    )
    pool = with_host(a_pool(vms=(dom0,)), "h3", enabled=False)
    room = room_of(pool)
    assert is_known(room)
    assert set(room.free_bytes) == {"h1", "h2"}
    assert room.free_bytes["h2"] - room.free_bytes["h1"] == 4 * GIB
