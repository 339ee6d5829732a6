"""A machine that several sources show is asked once, on what all of them know; what people decided on it survives."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from estate.facts.source import SourceFact, VmFacts
from estate.facts.unknown import UNKNOWN
from migration.assessment import selectors
from migration.assessment.api.machine_serializers import (
    MachineDetailSerializer,
    MachineFindingSerializer,
    MachineSerializer,
    SeenBySerializer,
)
from migration.assessment.models import Finding
from migration.assessment.services import attesting
from migration.inventory.models import Inventory, Machine, Source
from migration.inventory.services import collecting
from migration.inventory.services.recognising import seen_vm
from project.backbone.clock import now
from project.backbone.models import Waiver
from tests.builders.estate import SEEN_AT, a_nic, a_snapshot, a_source_about, a_vm
from tests.builders.inventory import SYSTEM, a_source, estate_of
from tests.builders.jobs import run_jobs
from tests.builders.people import People

pytestmark = pytest.mark.django_db
WEB = a_vm("web", native_id="vm-1", instance_uuid="u1", nics=(a_nic(0),))


def a_book(people: People) -> Source:
    return Source.objects.create(project=people.project, kind="rvtools", name="book", path="0/book.xlsx")


def told(source: Source, *vms: VmFacts, **about: Any) -> Inventory:
    """A complete inventory of the vCenter `vc`, however it was read, assessed."""
    facts: tuple[SourceFact, ...] = estate_of(*vms)
    inventory = collecting.begin(source, job_id=None, actor=SYSTEM)
    collecting.add_page(inventory, facts)
    says = replace(a_source_about(), instance_uuid="vc", is_vcenter=True, **about)
    collecting.complete(inventory, about=says, vms={vm.native_id: seen_vm(vm) for vm in vms}, actor=SYSTEM)
    run_jobs(kind="assessment.assess")
    return inventory


def rules_on(machine: Machine) -> dict[str, str]:
    return dict(Finding.objects.filter(subject=str(machine.id)).values_list("rule_id", "result"))


def test_what_the_workbook_left_open_is_answered_by_the_vcenter(people: People) -> None:
    told(a_book(people), replace(WEB, snapshots=UNKNOWN, firmware=UNKNOWN))
    machine = Machine.objects.get()
    assert rules_on(machine)["SNP-001"] == "unknown"
    told(a_source(people.project), replace(WEB, snapshots=()))
    assert "SNP-001" not in rules_on(machine)
    assert Finding.objects.filter(subject=str(machine.id)).values("assessment").distinct().count() == 1


def test_what_only_the_workbook_knows_counts_and_the_evidence_names_it(people: People) -> None:
    live = a_source(people.project)
    told(live, replace(WEB, snapshots=UNKNOWN))
    told(a_book(people), replace(WEB, snapshots=(a_snapshot(),)), taken_at=SEEN_AT - timedelta(days=2))
    finding = Finding.objects.get(rule_id="SNP-001", subject=str(Machine.objects.get().id))
    assert finding.result == "true"
    assert finding.assessment.inventory_id == Source.objects.get(pk=live.pk).latest_id
    assert {each["told_by"] for each in finding.evidence} == {"book"}
    assert finding.evidence[0]["at"] == (SEEN_AT - timedelta(days=2)).isoformat()


def test_one_machine_of_two_sources_does_not_share_its_addresses_with_itself(people: People) -> None:
    told(a_source(people.project), WEB)
    told(a_book(people), replace(WEB, name="web (old name)"), taken_at=SEEN_AT - timedelta(days=2))
    assert not {"NIC-003", "FW-008"} & rules_on(Machine.objects.get()).keys()


def test_a_machine_that_moved_to_the_vcenter_is_unknown_until_that_is_assessed(people: People) -> None:
    told(a_book(people), WEB)
    inventory = collecting.begin(a_source(people.project), job_id=None, actor=SYSTEM)
    collecting.add_page(inventory, estate_of(WEB))
    about = replace(a_source_about(), instance_uuid="vc", is_vcenter=True)
    collecting.complete(inventory, about=about, vms={WEB.native_id: seen_vm(WEB)}, actor=SYSTEM)
    assert set(selectors.verdicts(people.project, at=now()).values()) == {"unknown"}


def test_waivers_and_statements_on_the_workbooks_machine_hold_for_the_live_one(people: People) -> None:
    unread = replace(WEB, snapshots=UNKNOWN)
    told(a_book(people), unread)
    machine = Machine.objects.get()
    Waiver.objects.create(
        project=people.project, rule_id="SNP-001", subject=str(machine.id), reason="agreed", expires_at=now() + timedelta(days=9),
        requested_by=people.owner, approved_by=people.teammate, approved_at=now() - timedelta(hours=1),
    )  # fmt: skip
    attesting.attest(
        people.project, rule_id="GST-001", answer=False, who="Eve", subjects=[str(machine.id)], actor=people.actor("owner")
    )
    told(a_source(people.project), unread)
    assert Machine.objects.get().id == machine.id
    found = {view.rule_id: view for view in selectors.findings_by_machine(people.project, at=now())[machine.id]}
    assert found["SNP-001"].waived
    assert "GST-001" not in found


def test_sources_that_disagree_are_named_on_the_acting_one(people: People) -> None:
    live = a_source(people.project)
    told(live, WEB)
    told(a_book(people), replace(WEB, vcpus=64, name="web"), taken_at=SEEN_AT - timedelta(days=2))
    finding = Finding.objects.get(rule_id="SRC-011", subject=f"source:{live.id}")
    assert (finding.result, finding.params["parts"][-1]["machines"]) == ("true", ["web: vcpus"])


def test_the_machine_shows_who_told_which_field_and_when(people: People) -> None:
    live = a_source(people.project)
    told(live, replace(WEB, firmware=UNKNOWN))
    book = a_book(people)
    told(book, replace(WEB, vcpus=64, firmware="efi"), taken_at=SEEN_AT - timedelta(days=2))
    machine = Machine.objects.get()
    shown = people.client("owner").get(f"/api/v1/projects/{people.project.id}/machines/{machine.id}").json()
    assert (shown["facts"]["firmware"], shown["facts"]["vcpus"]) == ("efi", 2)
    assert (shown["provenance"]["firmware"]["source"], shown["provenance"]["vcpus"]["source"]) == (str(book.id), str(live.id))
    assert [(each["source_name"], each["kind"]) for each in shown["seen_by"]] == [(str(live), "vcenter"), ("book", "rvtools")]


def test_a_machine_is_shown_with_exactly_the_members_that_are_declared(people: People) -> None:
    told(a_source(people.project), WEB)
    base = f"/api/v1/projects/{people.project.id}/machines"
    (row,) = people.client("owner").get(base).json()["results"]
    detail = people.client("owner").get(f"{base}/{row['id']}").json()
    assert list(row) == list(MachineSerializer().fields)
    assert set(detail) == set(MachineDetailSerializer().fields)
    assert set(row["seen_by"][0]) == set(SeenBySerializer().fields)
    assert row["findings"] and set(row["findings"][0]) == set(MachineFindingSerializer().fields)
