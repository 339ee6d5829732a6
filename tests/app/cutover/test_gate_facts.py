"""What the gate looks at, gathered from the apps: who is asked for at KMS, who was assessed, whose power would change."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from estate.facts.codec import to_json
from estate.facts.source import PowerState, SourceAbout, VmFacts
from estate.facts.unknown import Unknown
from migration.assessment.models import Assessment, Finding
from migration.cutover.core.gate_facts import GateFacts
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


@pytest.mark.parametrize(
    ("lacking", "told"),
    [
        ((), False),
        ((("certificate", "x"),), False),
        ((("manifest", "x"),), True),
        ((("manifest: a.vmdk", "x"),), True),
        (None, True),
    ],
)
def test_machines_of_a_package_that_proves_nothing_are_named(world: World, lacking: Any, told: bool) -> None:
    assert gathered(world).unproven == ()
    about = None if lacking is None else to_json(SourceAbout("OVF", "1", "", "ovf-1", is_vcenter=False, lacking=lacking))
    Source.objects.update(kind="ova", endpoint=None, name="web", path="web.ova", about=about)
    facts = gathered(world)
    assert facts.unproven == (facts.from_packages if told else ()) and facts.from_packages


def a_critical_finding(rule_id: str, kind: str, subject: str) -> None:
    assessment = Assessment.objects.get()
    Finding.objects.create(
        project=assessment.project, assessment=assessment, subject_kind=kind, subject=subject, subject_name=f"the {kind}",
        rule_id=rule_id, severity="critical", result="true",
    )  # fmt: skip


def test_what_stands_against_the_waves_own_source_host_and_pool_counts_but_not_the_reuse_of_a_host(world: World) -> None:
    source = Source.objects.get().pk
    Finding.objects.exclude(subject_kind="machine").delete()
    a_critical_finding("SRC-007", "source", f"source:{source}")
    a_critical_finding("SRC-001", "host", f"host:{source}:host-1")
    a_critical_finding("HST-001", "host", f"host:{source}:host-1")
    a_critical_finding("SRC-001", "host", f"host:{source}:host-elsewhere")
    a_critical_finding("POL-011", "pool", f"pool:{world.pool.pk}")
    around = {(found.rule_id, found.subject) for found in gathered(world).findings if found.subject.startswith("the ")}
    assert around == {("SRC-007", "the source"), ("SRC-001", "the host"), ("POL-011", "the pool")}
