"""Mappings, plans and approval over HTTP and jobs, and what the apps above are given of a wave."""

from __future__ import annotations

from typing import Any

import pytest

from estate.facts.source import DiskBacking
from estate.facts.unknown import UNKNOWN
from migration.conversion.core.spec import Targets, build_spec
from migration.planning import selectors
from migration.planning.models import Mapping, Plan, PlannedMachine, Wave
from project.backbone.accounts.policy import Role
from project.backbone.models import AuditEntry, Job
from project.backbone.problems import Conflict, NotVisible
from readiness.models import Pool
from tests.builders.estate import GIB, a_disk, a_nic, a_vm
from tests.builders.inventory import a_pool_row, a_source, an_inventory, machine_named
from tests.builders.jobs import run_jobs
from tests.builders.people import People, a_client, a_user
from tests.builders.planning import a_target_pool, an_sr, mapping_values

pytestmark = pytest.mark.django_db
RDM = (a_disk(backing=DiskBacking.RDM_PHYSICAL),)


@pytest.fixture
def pool(people: People) -> Pool:
    """Two machines, one of them with an RDM, and a pool with an NFS SR to move to."""
    an_inventory(a_source(people.project), a_vm("app", nics=(a_nic(0),)), a_vm("rdm", disks=RDM, nics=(a_nic(1),)))
    return a_pool_row(people.project, a_target_pool())


@pytest.fixture
def mapping(people: People) -> Mapping:
    return Mapping.objects.create(project=people.project, name="to berlin", **mapping_values())


def url(people: People, rest: str) -> str:
    return f"/api/v1/projects/{people.project.id}/{rest}"


def planned(people: People, pool: Pool, mapping: Mapping, **body: Any) -> Plan:
    asked = people.client("owner").post(url(people, "plans"), {"pool": str(pool.id), "mapping": str(mapping.id), **body})
    assert asked.status_code == 202, asked.content
    run_jobs(kind="planning.plan")
    job = Job.objects.get(pk=asked.json()["id"])
    assert job.state == "succeeded", job.error
    return Plan.objects.get(pk=job.result["plan_id"])


def test_a_plan_takes_the_ready_machine_and_leaves_the_rdm_out_in_one_sentence(
    people: People, pool: Pool, mapping: Mapping
) -> None:
    plan = planned(people, pool, mapping)
    shown = people.client("owner").get(url(people, f"plans/{plan.id}")).json()
    (wave,) = shown["waves"]
    assert [machine["name"] for machine in wave["machines"]] == ["app"]
    assert "Hard disk 1 (10.0 GiB) goes to SR fast." in wave["machines"][0]["why"]
    (left_out,) = shown["left_out"]
    (reason,) = left_out["reasons"]
    assert (left_out["name"], reason["rule_id"]) == ("rdm", "DSK-004")
    assert reason["sentence"].startswith("DSK-004: A disk is a raw device mapping in physical mode. Move its content")
    assert (shown["state"], shown["created_by"]) == ("draft", "job:planning.plan (owner)")
    assert AuditEntry.objects.filter(action="plan.made").count() == 1


def test_the_job_tells_plan_waves_and_figures_and_runs_twice_as_once(people: People, pool: Pool, mapping: Mapping) -> None:
    plan = planned(people, pool, mapping)
    job = Job.objects.get(kind="planning.plan")
    assert job.result == {
        "plan_id": str(plan.id), "wave_ids": [str(Wave.objects.get().id)], "included": 1, "left_out": 1,
    }  # fmt: skip
    Job.objects.filter(pk=job.pk).update(state="queued")
    run_jobs(kind="planning.plan")
    assert Plan.objects.count() == 1


def test_only_the_machines_named_are_planned(people: People, pool: Pool, mapping: Mapping) -> None:
    plan = planned(people, pool, mapping, machines=[str(machine_named("app").id)])
    assert list(plan.machines.values_list("name", flat=True)) == ["app"]


def test_retired_machines_are_not_planned_unless_named_and_then_left_out(people: People, pool: Pool, mapping: Mapping) -> None:
    machine = machine_named("app")
    machine.disposition = "retire"
    machine.save()
    assert not planned(people, pool, mapping).machines.filter(name="app").exists()
    named = planned(people, pool, mapping, machines=[str(machine.id)])
    assert named.machines.get().reasons[0]["code"] == "disposition"


def test_the_same_idempotency_key_makes_one_plan(people: People, pool: Pool, mapping: Mapping) -> None:
    body = {"pool": str(pool.id), "mapping": str(mapping.id)}
    owner = people.client("owner")
    first, again = (owner.post(url(people, "plans"), body, HTTP_IDEMPOTENCY_KEY="k1") for _ in range(2))
    other = owner.post(url(people, "plans"), {**body, "kind": "poc"}, HTTP_IDEMPOTENCY_KEY="k1")
    assert first.json()["id"] == again.json()["id"]
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")


def test_bad_requests_for_a_plan_are_refused_with_the_field(people: People, pool: Pool, mapping: Mapping) -> None:
    owner, good = people.client("owner"), {"pool": str(pool.id), "mapping": str(mapping.id)}
    nobody = "00000000-0000-4000-8000-000000000000"
    cases = [
        ({}, 400), ({**good, "kind": "x"}, 400), ({**good, "pool": "x"}, 400), ({**good, "machines": []}, 400),
        ({**good, "constraints": {"batch": 3}}, 400),
        ({**good, "machines": [nobody]}, 400), ({**good, "pool": nobody}, 404), ({**good, "mapping": nobody}, 404),
    ]  # fmt: skip
    for body, status in cases:
        answer = owner.post(url(people, "plans"), body)
        assert answer.status_code == status, (body, answer.content)
    assert not Job.objects.filter(kind="planning.plan").exists()


def test_a_pool_nobody_collected_cannot_be_planned_for(people: People, pool: Pool, mapping: Mapping) -> None:
    pool.inventories.all().delete()
    answer = people.client("owner").post(url(people, "plans"), {"pool": str(pool.id), "mapping": str(mapping.id)})
    assert (answer.status_code, answer.json()["code"]) == (409, "pool_not_collected")


def test_somebody_else_with_the_right_approves_and_then_nothing_changes(people: People, pool: Pool, mapping: Mapping) -> None:
    plan = planned(people, pool, mapping)
    approve = url(people, f"plans/{plan.id}/approve")
    chief = people.client("admin").post(approve)
    assert (chief.status_code, chief.json()["role_needed"]) == (403, "approver")
    approved = people.client("teammate").post(approve)
    assert (approved.status_code, approved.json()["state"], approved.json()["approved_by"]) == (200, "approved", "teammate")
    assert approved["ETag"] == '"2"'
    again = people.client("teammate").post(approve)
    assert (again.status_code, again.json()["code"]) == (409, "wrong_state")
    Mapping.objects.update(networks={})
    assert Plan.objects.get().mapping_values["networks"] == {"VM Network": "LAN"}


def test_who_made_the_plan_cannot_approve_it(people: People, pool: Pool, mapping: Mapping) -> None:
    people.project.memberships.filter(user=people.owner).update(is_approver=True)
    plan = planned(people, pool, mapping)
    answer = people.client("owner").post(url(people, f"plans/{plan.id}/approve"))
    assert (answer.status_code, answer.json()["code"]) == (409, "own_request")


def test_an_empty_wave_is_not_approved(people: People, pool: Pool, mapping: Mapping) -> None:
    plan = planned(people, pool, mapping, machines=[str(machine_named("rdm").id)])
    answer = people.client("teammate").post(url(people, f"plans/{plan.id}/approve"))
    assert (answer.status_code, answer.json()["code"]) == (409, "plan_empty")


def test_an_approval_of_another_version_is_refused(people: People, pool: Pool, mapping: Mapping) -> None:
    plan = planned(people, pool, mapping)
    answer = people.client("teammate").post(url(people, f"plans/{plan.id}/approve"), HTTP_IF_MATCH='"7"')
    assert answer.status_code == 412


def test_a_wave_gives_the_apps_above_all_they_need(people: People, pool: Pool, mapping: Mapping) -> None:
    plan = planned(people, pool, mapping)
    wave = Wave.objects.get()
    assert selectors.wave(people.project.id, wave.id).plan == plan
    with pytest.raises(NotVisible):
        selectors.wave(people.other_project.id, wave.id)
    assert selectors.is_approved(wave.id) is False
    (machine,) = selectors.wave_machines(wave.id)
    app = machine_named("app")
    assert (machine.machine_id, machine.native_id, machine.vm.name) == (app.id, "vm-app", "app")
    assert (machine.source_endpoint_id, machine.pool_endpoint_id) == (app.source.endpoint_id, pool.endpoint_id)
    assert (dict(machine.sr_by_disk), dict(machine.network_by_nic)) == ({2000: "sr-fast"}, {4000: "net-lan"})
    assert (machine.template_name, machine.firmware) == ("Windows Server 2019 (64-bit)", "uefi")
    targets = Targets("s", "p", machine.template_name, machine.sr_by_disk, machine.network_by_nic)
    assert build_spec(str(machine.machine_id), machine.vm, targets).disks[0].sr_uuid == "sr-fast"


def test_planned_vms_tell_memory_room_macs_and_family(people: People, pool: Pool, mapping: Mapping) -> None:
    planned(people, pool, mapping)
    (vm,) = selectors.planned_vms(Wave.objects.get().id)
    assert (vm.name, vm.memory_bytes, vm.vcpus, vm.is_windows) == ("app", 4 * GIB, 2, True)
    assert vm.disk_bytes_by_sr == (("sr-fast", 4 * GIB),)
    assert vm.mac_addresses == ("00:50:56:aa:00:00",)


def test_what_ha_shall_do_goes_from_the_mapping_into_the_wave_and_its_questions(
    people: People, pool: Pool, mapping: Mapping
) -> None:
    Mapping.objects.filter(pk=mapping.pk).update(ha_restart_priority="restart")
    mapping.refresh_from_db()
    planned(people, pool, mapping)
    wave = Wave.objects.get()
    assert [machine.ha_restart_priority for machine in selectors.wave_machines(wave.id)] == ["restart"]
    assert [vm.ha_restart_priority for vm in selectors.planned_vms(wave.id)] == ["restart"]


def test_a_machine_that_is_gone_is_named(people: People, pool: Pool, mapping: Mapping) -> None:
    planned(people, pool, mapping)
    an_inventory(machine_named("app").source, a_vm("other"))
    with pytest.raises(Conflict, match="no longer holds app"):
        selectors.wave_machines(Wave.objects.get().id)


def test_a_full_sr_leaves_machines_out_rather_than_overfill(people: People, mapping: Mapping) -> None:
    an_inventory(a_source(people.project), *(a_vm(f"m{n}", nics=(a_nic(n),)) for n in range(3)))
    small = a_pool_row(people.project, a_target_pool(an_sr("fast", kind="lvmoiscsi", free_bytes=25 * GIB)))
    plan = planned(people, small, mapping)
    assert plan.machines.filter(wave__isnull=False).count() == 2
    assert PlannedMachine.objects.get(wave=None).reasons[0]["code"] == "sr_full"
    assert Wave.objects.get().free_after_bytes["sr-fast"] < 5 * GIB


def test_unread_facts_leave_a_machine_out_as_unknown(people: People, mapping: Mapping) -> None:
    an_inventory(a_source(people.project), a_vm("blind", disks=UNKNOWN))
    plan = planned(people, a_pool_row(people.project, a_target_pool()), mapping)
    (reason,) = PlannedMachine.objects.get(plan=plan).reasons
    assert (reason["code"], reason["unknown"]) == ("fact_unknown", True)


def test_a_mapping_is_made_edited_and_guarded_by_its_version(people: People, pool: Pool) -> None:
    planner = a_client(a_user(Role.PLANNER, project=people.project))
    created = planner.post(url(people, "mappings"), {"name": "m", "pool": str(pool.id)})
    assert (created.status_code, created["ETag"]) == (201, '"1"')
    path = url(people, f"mappings/{created.json()['id']}")
    changed = planner.patch(path, {"networks": {"VM Network": "LAN"}}, HTTP_IF_MATCH='"1"')
    assert (changed.json()["version"], changed.json()["networks"]) == (2, {"VM Network": "LAN"})
    assert planner.patch(path, {"networks": {}}, HTTP_IF_MATCH='"1"').status_code == 412
    taken = planner.post(url(people, "mappings"), {"name": "m"})
    assert (taken.status_code, taken.json()["code"]) == (409, "name_taken")
    viewer = a_client(a_user(Role.VIEWER, project=people.project))
    assert viewer.get(path).status_code == 200
    assert viewer.patch(path, {"networks": {}}).status_code == 403
    assert AuditEntry.objects.get(action="mapping.changed").after["version"] == 2


@pytest.mark.parametrize(
    "body",
    [{"networks": []}, {"networks": {"a": {}}}, {"overrides": {"m": "x"}}, {"overrides": {"m": {"ram": "1"}}}, {"pool": "x"},
     {"name": ""}, {"overrides": {"m": {"networks": 1}}}],
)  # fmt: skip
def test_bad_mappings_are_refused(people: People, body: dict[str, Any]) -> None:
    assert people.client("owner").post(url(people, "mappings"), body).status_code == 400


def test_gaps_and_suggestions_lead_to_a_complete_mapping(people: People, pool: Pool) -> None:
    owner = people.client("owner")
    mid = owner.post(url(people, "mappings"), {"name": "m"}).json()["id"]
    unnamed = owner.get(url(people, f"mappings/{mid}/gaps"))
    assert (unnamed.status_code, unnamed.json()["errors"][0]["field"]) == (400, "pool")
    found = owner.get(url(people, f"mappings/{mid}/gaps?pool={pool.id}")).json()
    assert (found["complete"], {gap["code"] for gap in found["gaps"]}) == (
        False, {"network_unmapped", "datastore_unmapped", "template_unmapped"},
    )  # fmt: skip
    proposal = owner.get(url(people, f"mappings/{mid}/suggest?pool={pool.id}")).json()
    assert (proposal["datastores"], proposal["open"]) == ({"san-a": "fast"}, ["VM Network"])
    table = {key: proposal[key] for key in ("datastores", "templates")} | {"networks": {"VM Network": "LAN"}}
    owner.patch(url(people, f"mappings/{mid}"), {**table, "pool": str(pool.id)})
    assert owner.get(url(people, f"mappings/{mid}/gaps")).json() == {"complete": True, "gaps": []}


def test_two_plans_are_compared_by_machine(people: People, pool: Pool, mapping: Mapping) -> None:
    app = str(machine_named("app").id)
    old = planned(people, pool, mapping, machines=[str(machine_named("rdm").id)])
    new = planned(people, pool, mapping)
    found = people.client("owner").get(url(people, f"plans/{new.id}/compare?other={old.id}")).json()
    assert (found["added"], found["removed"], found["moved"]) == ([{"vm": app, "name": "app"}], [], [])
    assert people.client("owner").get(url(people, f"plans/{new.id}/compare?other=x")).status_code == 400


def test_strangers_see_no_mapping_plan_or_wave(people: People, pool: Pool, mapping: Mapping) -> None:
    plan = planned(people, pool, mapping)
    stranger = people.client("stranger")
    for rest in ("mappings", f"mappings/{mapping.id}", "plans", f"plans/{plan.id}", "waves", f"waves/{Wave.objects.get().id}"):
        assert stranger.get(url(people, rest)).status_code == 404
    foreign = f"/api/v1/projects/{people.other_project.id}/plans"
    body = {"pool": str(pool.id), "mapping": str(mapping.id)}
    assert stranger.post(foreign, body).status_code == 404


def test_lists_of_plans_and_waves_never_need_more_queries(
    people: People, pool: Pool, mapping: Mapping, django_assert_max_num_queries: Any
) -> None:
    counts = []
    for _ in range(2):
        planned(people, pool, mapping)
        for rest in ("plans", "waves"):
            with django_assert_max_num_queries(9) as captured:
                assert people.client("owner").get(url(people, rest)).status_code == 200
            counts.append(len(captured))
    assert counts[:2] == counts[2:]


def test_a_machine_only_a_file_tells_of_is_left_out_and_never_handed_on(people: People, pool: Pool, mapping: Mapping) -> None:
    planned(people, pool, mapping)
    wave, app = Wave.objects.get(), machine_named("app")
    endpoint = app.source.endpoint
    type(app.source).objects.filter(pk=app.source_id).update(kind="rvtools", endpoint=None, name="exports", path="book.xlsx")
    with pytest.raises(Conflict, match="known from a workbook alone") as refused:
        selectors.wave_machines(wave.id)
    assert refused.value.code == "source_cannot_export"
    assert endpoint is not None
    again = planned(people, pool, mapping, name="again")
    codes = {reason["code"] for reason in again.machines.get(machine_id=app.id).reasons}
    assert "source_cannot_export" in codes
