"""What the gate looks at, gathered from the apps: who is asked for at KMS, who was assessed, whose power would change."""

from __future__ import annotations

from dataclasses import replace

import pytest

from estate.facts.source import PowerState, VmFacts
from estate.facts.unknown import Unknown
from migration.assessment.models import Assessment
from migration.cutover.core.gate import GateFacts
from migration.cutover.work.gate import _gather
from migration.inventory.models import Source
from project.backbone.clock import now
from readiness.selectors.evaluations import latest_evaluation
from tests.builders.inventory import an_inventory
from tests.builders.pages import World, a_world, some_vms
from tests.builders.people import People

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(people: People) -> World:
    return a_world(people, at=now())


def gathered(world: World) -> GateFacts:
    seen = latest_evaluation(world.pool.pk)
    assert seen is not None
    return _gather(world.wave, seen)


def collected_again(*vms: VmFacts) -> None:
    an_inventory(Source.objects.get(), *vms)


def test_a_machine_whose_guest_is_no_longer_known_is_still_asked_for_at_kms(world: World) -> None:
    before = gathered(world).windows_machines
    collected_again(*(replace(vm, guest_id=Unknown("no permission")) if vm.name == "web-01" else vm for vm in some_vms()))
    assert gathered(world).windows_machines == before + 1


def test_a_wave_is_assessed_only_while_its_latest_inventory_is(world: World) -> None:
    assert gathered(world).not_assessed == ()
    Assessment.objects.all().delete()
    assert set(gathered(world).not_assessed) == {machine.name for machine in world.wave.machines.all()}


def test_machines_that_are_off_at_their_source_are_named(world: World) -> None:
    off = {vm.name for vm in some_vms() if vm.power_state == PowerState.OFF}
    assert set(gathered(world).off_at_source) == off & {machine.name for machine in world.wave.machines.all()}
