"""Filling a wave: reasons for who stays behind, and an SR that is never overfilled."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estate.facts.unknown import UNKNOWN
from migration.planning.core.gaps import gaps
from migration.planning.core.reasons import ReasonCode
from migration.planning.core.waves import OpenFinding, fill
from tests.builders.estate import GIB, a_disk, a_vm
from tests.builders.planning import a_candidate, a_mapping, a_target, an_sr

RDM = OpenFinding("DSK-004", "critical", "true", "A disk is a raw device mapping in physical mode", "Move its content first.")


def test_a_clean_machine_comes_along_with_the_reasons_for_its_place() -> None:
    draft = fill([a_candidate()], a_mapping(), a_target())
    assert [included.candidate.name for included in draft.included] == ["app-01"]
    assert draft.left_out == ()
    assert draft.included[0].why


def test_a_critical_finding_leaves_the_machine_out_with_rule_and_remedy_in_one_sentence() -> None:
    draft = fill([a_candidate(findings=(RDM,))], a_mapping(), a_target())
    (left_out,) = draft.left_out
    (reason,) = left_out.reasons
    assert (reason.code, reason.rule_id) == (ReasonCode.CRITICAL_FINDING, "DSK-004")
    assert reason.sentence == "DSK-004: A disk is a raw device mapping in physical mode. Move its content first."


@pytest.mark.parametrize(("severity", "result"), [("critical", "unknown"), ("warning", "true"), ("warning", "unknown")])
def test_open_questions_and_warnings_come_along_and_are_told(severity: str, result: str) -> None:
    finding = OpenFinding("SNP-001", severity, result, "The machine has snapshots", "Delete them.")
    draft = fill([a_candidate(findings=(finding,))], a_mapping(), a_target())
    (included,) = draft.included
    assert included.why[-1].startswith(f"SNP-001 ({severity})")
    assert ("not known yet" in included.why[-1]) is (result == "unknown")


@pytest.mark.parametrize("disposition", ["rebuild", "retire", "retain", "exclude"])
def test_only_machines_to_migrate_come_along(disposition: str) -> None:
    (left_out,) = fill([a_candidate(disposition=disposition)], a_mapping(), a_target()).left_out
    assert left_out.reasons[0].code is ReasonCode.DISPOSITION


def test_a_template_stays_behind() -> None:
    (left_out,) = fill([a_candidate(vm=a_vm(is_template=True))], a_mapping(), a_target()).left_out
    assert [reason.code for reason in left_out.reasons] == [ReasonCode.IS_TEMPLATE]


def test_a_machine_only_a_file_tells_of_stays_behind_with_the_way_to_move_it() -> None:
    (left_out,) = fill([a_candidate(exportable=False)], a_mapping(), a_target()).left_out
    assert [reason.code for reason in left_out.reasons] == [ReasonCode.SOURCE_CANNOT_EXPORT]
    assert "vCenter" in left_out.reasons[0].remedy


def test_a_machine_the_latest_inventory_lacks_is_an_unknown() -> None:
    (left_out,) = fill([a_candidate(vm=None)], a_mapping(), a_target()).left_out
    assert (left_out.reasons[0].code, left_out.reasons[0].unknown) == (ReasonCode.NOT_IN_INVENTORY, True)


def test_a_full_sr_stops_the_machine_that_does_not_fit_and_lets_a_smaller_one_in() -> None:
    thick = a_target(an_sr("fast", kind="lvmoiscsi", free_bytes=25 * GIB))
    big = a_candidate("big", vm=a_vm("big", disks=(a_disk(capacity_bytes=16 * GIB),)))
    draft = fill([a_candidate("one"), big, a_candidate("two")], a_mapping(), thick)
    assert [included.candidate.name for included in draft.included] == ["one", "two"]
    (reason,) = draft.left_out[0].reasons
    assert (reason.code, reason.subject, reason.rule_id) == (ReasonCode.SR_FULL, "fast", "POL-010")
    assert "SR fast has 15.0 GiB left" in reason.detail


def test_an_sr_that_does_not_say_its_free_space_is_not_filled() -> None:
    draft = fill([a_candidate()], a_mapping(), a_target(an_sr("fast", free_bytes=UNKNOWN)))
    (reason,) = draft.left_out[0].reasons
    assert (reason.code, reason.unknown) == (ReasonCode.SR_FREE_UNKNOWN, True)


sizes = st.lists(st.integers(1, 40 * GIB), min_size=1, max_size=4)


@given(machines=st.lists(sizes, max_size=12), free_bytes=st.integers(0, 200 * GIB), kind=st.sampled_from(["nfs", "lvmohba"]))
def test_a_plan_never_overfills_an_sr_and_accounts_for_every_machine(
    machines: list[list[int]], free_bytes: int, kind: str
) -> None:
    candidates = [
        a_candidate(f"m{number}", vm=a_vm(f"m{number}", disks=tuple(a_disk(n, capacity_bytes=c) for n, c in enumerate(disks))))
        for number, disks in enumerate(machines)
    ]
    draft = fill(candidates, a_mapping(), a_target(an_sr("fast", kind=kind, free_bytes=free_bytes)))
    taken = sum(included.placement.bytes_by_sr["sr-fast"] for included in draft.included)
    assert taken <= free_bytes
    assert draft.free_after_bytes["sr-fast"] == free_bytes - taken
    assert len(draft.included) + len(draft.left_out) == len(candidates)


def test_gaps_name_each_missing_thing_once_with_the_machines_waiting() -> None:
    candidates = [a_candidate("b"), a_candidate("a"), a_candidate("gone", vm=None), a_candidate("old", disposition="retire")]
    (gap,) = gaps(candidates, a_mapping(networks={}), a_target())
    assert (gap.reason.code, gap.reason.subject, gap.machines) == (ReasonCode.NETWORK_UNMAPPED, "VM Network", ("a", "b"))


def test_a_complete_mapping_has_no_gaps() -> None:
    assert gaps([a_candidate()], a_mapping(), a_target()) == ()


def test_a_machine_made_from_a_gold_image_is_left_out_with_its_way_round() -> None:
    draft = fill([a_candidate("clone", gold_image="It is an instant clone.")], a_mapping(), a_target())
    (left,) = draft.left_out
    assert left.reasons[0].code == ReasonCode.GOLD_IMAGE_ROUTE
    assert "RISK-CLONE-CONVERTED" in left.reasons[0].remedy


def test_what_nobody_knows_of_the_way_is_a_note() -> None:
    (included,) = fill([a_candidate("vm", route_open="Its disks may hang on others.")], a_mapping(), a_target()).included
    assert any("not known: Its disks may hang on others." in why for why in included.why)


def test_mates_that_stay_behind_are_named_and_those_that_come_are_not() -> None:
    mates = {"app": "app", "db": "db", "gone": "witness"}
    members = [a_candidate(name, machine_id=name, mates=mates) for name in ("app", "db")]
    draft = fill([*members, a_candidate("lone")], a_mapping(), a_target())
    assert not any("belongs together" in why for each in draft.included if each.candidate.name == "lone" for why in each.why)
    why = " ".join(next(each.why for each in draft.included if each.candidate.name == "app"))
    assert "together with witness, not in this wave" in why
