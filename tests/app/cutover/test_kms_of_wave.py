"""What KMS is asked of a wave by its id: the same machines as the gate asks for, out of the plan and the conversion ledger."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from estate.facts.unknown import Unknown
from kms import selectors as kms
from kms.services.hosts import add_host
from migration.conversion.core.states import State
from migration.conversion.models import Conversion, ConversionEvent
from migration.cutover.windows import WavesOfPlans
from project.backbone.clock import now
from readiness.selectors import pools
from tests.builders.inventory import SYSTEM
from tests.builders.jobs import run_jobs
from tests.builders.kms import script_event, script_output
from tests.builders.pages import World, a_world, in_state, signed_in
from tests.builders.people import People

pytestmark = pytest.mark.django_db
TARGET = "5d7c0a8e-0000-4000-8000-00000000abcd"


@pytest.fixture
def world(people: People) -> World:
    return a_world(people, at=now())


def asked(people: People, world: World, who: str = "owner", **query: Any) -> Any:
    return people.client(who).get(f"/api/v1/projects/{world.wave.plan.project_id}/kms/verdict", query)


def test_verdict_of_a_wave_is_for_its_windows_machines(people: People, world: World) -> None:
    windows = WavesOfPlans().planned(world.wave.plan.project, str(world.wave.pk))
    assert windows
    answer = asked(people, world, wave=str(world.wave.pk))
    assert answer.status_code == 200, answer.data
    told = {machine.machine.label for machine in windows}
    assert set(answer.data["machines_not_seen"]) == told
    assert asked(people, world).data["machines_not_seen"] == []
    assert (answer.data["state"], answer.data["closes_gate"]) == ("unknown", True)


def test_copy_of_a_machine_in_the_pool_is_one_machine_with_its_original(world: World) -> None:
    project = world.wave.plan.project
    row = Conversion.objects.filter(wave_id=world.wave.pk).first() or Conversion.objects.create(
        project=project, wave_id=world.wave.pk, machine_id=world.wave.machines.first().machine_id,
        pool_id=world.pool.pk, name="x", spec={}, updated_at=now(),
    )  # fmt: skip
    Conversion.objects.filter(pk=row.pk).update(target_vm_uuid=TARGET)
    (alias,) = [each for each in WavesOfPlans().aliases(project) if each.machine_id == str(row.machine_id)]
    assert TARGET in alias.smbios_uuids
    book = kms.AliasBook((alias,))
    assert book.find(name="renamed", smbios_uuid=kms.canonical_uuid("8e0a7c5d-0000-0040-8000-00000000abcd")) is alias


@pytest.mark.parametrize("wave", ["nothing", "00000000-0000-4000-8000-000000000000"])
def test_wave_that_is_not_the_projects_is_not_there(people: People, world: World, wave: str) -> None:
    assert asked(people, world, wave=wave).status_code == 404
    assert asked(people, world, who="stranger", wave=str(world.wave.pk)).status_code == 404


@pytest.mark.parametrize("moves_at", ["soon", "2026-03-12T10:00:00", "2099-01-01T00:00:00Z"])
def test_moment_of_a_move_that_cannot_be_is_refused_by_name(people: People, world: World, moves_at: str) -> None:
    answer = asked(people, world, wave=str(world.wave.pk), moves_at=moves_at)
    assert (answer.status_code, answer.data["errors"][0]["field"]) == (400, "moves_at")


def findings(people: People, world: World, **query: Any) -> list[dict[str, Any]]:
    answer = people.client("owner").get(f"/api/v1/projects/{world.wave.plan.project_id}/kms/network", query)
    assert answer.status_code == 200, answer.content
    return [dict(finding) for finding in answer.data["findings"] if finding["code"].startswith("kms_network")]


def test_networks_a_wave_moves_into_are_asked_about_until_a_machine_there_has_asked_kms(people: People, world: World) -> None:
    assert findings(people, world) == []
    (asked_of,) = findings(people, world, wave=str(world.wave.pk))
    assert (asked_of["code"], asked_of["grade"]) == ("kms_network_unproven", "question")
    assert asked_of["subject"] == "LAN, VLAN 10"
    row = in_state("app-01", State.DONE)
    Conversion.objects.filter(pk=row.pk).update(target_vm_uuid=TARGET)
    ConversionEvent.objects.create(conversion=row, at=now() - timedelta(days=2), to_state="done", message="runs")
    (moved,) = WavesOfPlans().moved(world.wave.plan.project)
    assert moved.machine.label == "app-01" and len(moved.network_ids) == 1
    host = add_host(people.project, name="KMS01", actor=SYSTEM)
    event = script_event("app-01", 0) | {"t": (now() - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")}
    reading = script_output(0, [event], 1) | {"now": now().strftime("%Y-%m-%dT%H:%M:%SZ")}
    path = f"/api/v1/projects/{people.project.id}/kms/hosts/{host.pk}/readings"
    assert people.client("owner").post(path, json.dumps(reading), content_type="application/json").status_code == 202
    run_jobs()
    assert findings(people, world, wave=str(world.wave.pk)) == []


def test_networks_of_a_wave_of_another_project_are_not_told(people: People, world: World) -> None:
    path = f"/api/v1/projects/{world.wave.plan.project_id}/kms/network"
    assert people.client("owner").get(path, {"wave": "00000000-0000-4000-8000-000000000000"}).status_code == 404
    assert people.client("owner").get(path, {"wave": "nothing"}).status_code == 404


def test_the_page_asks_of_the_chosen_wave_s_networks(people: People, world: World) -> None:
    page = signed_in(people.owner).get(f"/projects/{people.project.id}/kms?wave={world.wave.pk}").content.decode()
    assert "LAN, VLAN 10" in page and "kms_network_unproven" in page


def test_vms_of_the_pools_are_told_with_their_server_and_srs(world: World) -> None:
    placed = WavesOfPlans().placements(world.wave.plan.project)
    facts = pools.latest_facts(world.pool.pk)
    assert {each.vm_uuid for each in placed} == {vm.uuid for vm in facts.vms if not vm.is_control_domain}
    assert placed
    assert all(isinstance(each.server, Unknown) or each.server.endswith(f" of pool {facts.name}") for each in placed)
