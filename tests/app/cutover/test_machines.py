"""From a plan to conversions: what was resolved is frozen once, and machines that moved already hold up nobody."""

from __future__ import annotations

from uuid import uuid4

import pytest

from estate.errors import AskPerson
from estate.facts.unknown import UNKNOWN
from migration.conversion.core.states import State
from migration.conversion.models import Conversion
from migration.conversion.selectors import spec_of
from migration.cutover.services.machines import create_conversions
from migration.inventory.models import Source
from migration.planning import selectors as planning
from migration.planning.models import Mapping, Wave
from project.backbone.models import Job
from project.backbone.problems import Conflict
from tests.builders.conversions import SYSTEM
from tests.builders.estate import a_nic, a_vm
from tests.builders.inventory import a_pool_row, a_source, an_inventory, machine_named
from tests.builders.jobs import run_jobs
from tests.builders.people import People
from tests.builders.planning import a_target_pool, mapping_values

pytestmark = pytest.mark.django_db


@pytest.fixture
def source(people: People) -> Source:
    source = a_source(people.project)
    an_inventory(source, a_vm("app", nics=(a_nic(0),)), a_vm("web", nics=(a_nic(1),)))
    return source


@pytest.fixture
def wave(people: People, source: Source) -> Wave:
    """`app` and `web`, of which `app` gets another name in the pool."""
    renamed = {str(machine_named("app").id): {"name": "app-new"}}
    mapping = Mapping.objects.create(project=people.project, name="m", **mapping_values(overrides=renamed))
    pool = a_pool_row(people.project, a_target_pool())
    body = {"pool": str(pool.id), "mapping": str(mapping.id)}
    asked = people.client("owner").post(f"/api/v1/projects/{people.project.id}/plans", body)
    run_jobs(kind="planning.plan")
    job = Job.objects.get(pk=asked.json()["id"])
    assert job.state == "succeeded", job.error
    return Wave.objects.get()


def test_each_machine_is_frozen_with_what_the_plan_resolved(wave: Wave, source: Source) -> None:
    rows = {row.name: row for row in create_conversions(wave.pk, actor=SYSTEM)}
    spec = spec_of(rows["app"])

    assert sorted(rows) == ["app", "web"]
    assert (spec.name, spec.name_in_pool, spec_of(rows["web"]).name_in_pool) == ("app", "app-new", "web")
    assert spec.source_endpoint_id == str(source.endpoint_id)
    assert [disk.sr_uuid for disk in spec.disks] == ["sr-fast"]
    assert [(nic.mac_address, nic.network_uuid) for nic in spec.nics] == [("00:50:56:aa:00:00", "net-lan")]
    assert [disk.bytes_total for disk in rows["app"].disks.all()] == [10 << 30]


def test_a_machine_gone_from_the_source_after_its_move_holds_up_nobody(wave: Wave, source: Source) -> None:
    first = create_conversions(wave.pk, actor=SYSTEM)
    Conversion.objects.filter(name="app").update(state=State.DONE)
    an_inventory(source, a_vm("web", nics=(a_nic(1),)))

    assert [row.pk for row in create_conversions(wave.pk, actor=SYSTEM)] == [row.pk for row in first]
    moved = {row.machine_id for row in first if row.name == "app"}
    assert [machine.name for machine in planning.wave_machines(wave.pk, without=moved)] == ["web"]
    assert [vm.name for vm in planning.planned_vms(wave.pk, without=moved)] == ["web"]


def test_a_machine_gone_before_its_move_is_named(wave: Wave, source: Source) -> None:
    an_inventory(source, a_vm("web", nics=(a_nic(1),)))
    with pytest.raises(Conflict) as refused:
        create_conversions(wave.pk, actor=SYSTEM)
    assert (refused.value.code, "app" in refused.value.detail) == ("machine_gone", True)


def test_a_machine_whose_facts_went_missing_is_named_before_anything_is_made(wave: Wave, source: Source) -> None:
    an_inventory(source, a_vm("app", nics=(a_nic(0),), firmware=UNKNOWN), a_vm("web", nics=(a_nic(1),)))
    with pytest.raises(AskPerson) as refused:
        create_conversions(wave.pk, actor=SYSTEM)
    assert (refused.value.code, "app: firmware could not be read" in refused.value.message) == ("facts_missing", True)
    assert refused.value.next_step and not Conversion.objects.exists()


def test_a_machine_that_another_wave_takes_is_not_taken_a_second_time(wave: Wave) -> None:
    """Without interfaces, or with none whose address is known, nothing in the pool would tell the two apart."""
    [first, *_] = create_conversions(wave.pk, actor=SYSTEM)
    Conversion.objects.filter(pk=first.pk).update(wave_id=uuid4(), state=State.READY)
    with pytest.raises(AskPerson) as refused:
        create_conversions(wave.pk, actor=SYSTEM)
    assert (refused.value.code, f"{first.name} has a conversion that is ready" in refused.value.message) == (
        "machine_in_conversion", True,
    )  # fmt: skip
    Conversion.objects.filter(pk=first.pk).update(state=State.ROLLED_BACK)
    assert {row.name for row in create_conversions(wave.pk, actor=SYSTEM)} == {"app", "web"}
