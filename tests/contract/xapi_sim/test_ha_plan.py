"""How many host failures the protected VMs survive, by memory alone."""

from __future__ import annotations

from lab.xapi_sim.ha_plan import (
    PlanInput,
    ProtectedVm,
    failover_plan,
    largest_tolerable_failures,
    plan_exists,
    vm_overhead_bytes,
)

GIB = 1 << 30
MIB = 1 << 20


def a_plan(free_gib: dict[str, int], *vms: tuple[str, int, str | None]) -> PlanInput:
    """Hosts with what is free, VMs as (name, GiB, host)."""
    protected = tuple(ProtectedVm(name, size * GIB, host) for name, size, host in vms)
    return PlanInput({host: size * GIB for host, size in free_gib.items()}, len(free_gib), protected)


def test_four_gib_and_two_vcpus_need_37_mib_more() -> None:
    """34 MiB of shadow, 1 MiB for 38 pages per vCPU, 2 MiB fixed."""
    assert vm_overhead_bytes(4 * GIB, 2) == 37 * MIB


def test_three_hosts_with_room_survive_two_failures() -> None:
    plan = a_plan({"a": 8, "b": 8, "c": 8}, ("1", 4, "a"), ("2", 4, "b"))
    assert largest_tolerable_failures(plan) == 2


def test_vms_that_fit_nowhere_else_leave_no_plan() -> None:
    plan = a_plan({"a": 1, "b": 1, "c": 1}, ("1", 4, "a"))
    assert largest_tolerable_failures(plan) == 0
    assert not plan_exists(plan, 1)


def test_room_on_one_host_does_not_help_when_that_host_fails_second() -> None:
    plan = a_plan({"a": 0, "b": 4, "c": 0}, ("1", 4, "a"))
    assert plan_exists(plan, 1)
    assert not plan_exists(plan, 2)


def test_one_vm_that_is_not_agile_makes_the_maximum_zero() -> None:
    tied = ProtectedVm("1", GIB, "a", agile=False)
    assert largest_tolerable_failures(PlanInput({"a": 8 * GIB, "b": 8 * GIB}, 2, (tied,))) == 0


def test_a_halted_protected_vm_is_placed_before_hosts_fail() -> None:
    assert plan_exists(a_plan({"a": 4, "b": 4}, ("1", 4, None)), 1)
    assert not plan_exists(a_plan({"a": 3, "b": 3}, ("1", 4, None)), 0)


def test_nothing_protected_survives_the_loss_of_all_hosts() -> None:
    assert largest_tolerable_failures(a_plan({"a": 4, "b": 4})) == 2


def test_the_failover_plan_names_the_emptiest_survivor() -> None:
    plan = a_plan({"a": 0, "b": 4, "c": 9}, ("1", 4, "a"), ("2", 9, "a"))
    assert failover_plan(plan, frozenset({"a"})) == {"2": "c", "1": "b"}


def test_a_vm_without_a_place_is_named_without_one() -> None:
    plan = a_plan({"a": 0, "b": 4}, ("1", 9, "a"))
    assert failover_plan(plan, frozenset({"a"})) == {"1": None}
