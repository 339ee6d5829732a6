"""What may be removed from a pool: what was cancelled, what was rolled back by name, and nothing else."""

from __future__ import annotations

import pytest

from migration.conversion.core.leftovers import Tagged, Verdict, chosen, sort_out
from migration.conversion.core.states import State

VM, VDI = Tagged("vm", "u1", "app", "c1"), Tagged("vdi", "u2", "app disk", "c1", size_bytes=5)


@pytest.mark.parametrize("state", list(State))
def test_only_cancelled_and_rolled_back_conversions_may_lose_their_objects(state: State) -> None:
    (found,) = sort_out([VM, VDI], {"c1": ("app", state)})
    expected = {State.CANCELLED: Verdict.REMOVE, State.ROLLED_BACK: Verdict.ON_REQUEST}.get(state, Verdict.KEEP)
    assert (found.verdict, found.objects, bool(found.why)) == (expected, (VM, VDI), True)


def test_a_tag_nobody_knows_is_kept() -> None:
    (found,) = sort_out([VM], {})
    assert (found.verdict, found.state) == (Verdict.KEEP, "unknown")


def test_a_running_vm_is_kept_whatever_its_conversion_says() -> None:
    runs = Tagged("vm", "u1", "app", "c1", runs=True)
    assert sort_out([runs, VDI], {"c1": ("app", State.CANCELLED)})[0].verdict is Verdict.KEEP


def test_a_vm_that_ran_goes_by_name_only_although_its_conversion_was_cancelled() -> None:
    ran = Tagged("vm", "u1", "app", "c1", has_run=True)
    found = sort_out([ran, VDI], {"c1": ("app", State.CANCELLED)})
    assert (found[0].verdict, "has run" in found[0].why) == (Verdict.ON_REQUEST, True)
    assert chosen(found, []) == [] and chosen(found, ["c1"]) == found


def test_without_names_what_was_cancelled_goes_and_by_name_nothing_that_is_kept() -> None:
    known = {"c1": ("a", State.CANCELLED), "c2": ("b", State.ROLLED_BACK), "c3": ("c", State.DONE)}
    found = sort_out([Tagged("vm", key, key, key) for key in known], known)
    assert [each.conversion_id for each in chosen(found, [])] == ["c1"]
    assert [each.conversion_id for each in chosen(found, ["c2", "c3", "c9"])] == ["c2"]


def test_a_ledger_that_was_never_closed_is_told_too() -> None:
    (found,) = sort_out([], {"c1": ("app", State.CANCELLED)}, ["c1"])
    assert (found.verdict, found.objects) == (Verdict.REMOVE, ())
