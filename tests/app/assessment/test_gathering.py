"""What an assessment gathers around an inventory: how its server was met."""

from __future__ import annotations

import pytest

from estate.facts.unknown import Unknown
from migration.assessment.core.context import SourceFacts
from migration.assessment.services import gathering
from project.backbone.clock import now
from tests.builders.estate import a_vm
from tests.builders.inventory import PIN, a_source, an_inventory
from tests.builders.people import People

pytestmark = pytest.mark.django_db
OTHER = PIN.replace("A", "B")
HOST = {"address": "esx1.corp.example:443", "sha256": PIN}


def source_of(
    people: People, *offered: dict[str, str], hosts_unread: tuple[dict[str, str], ...] = (), probed: bool = True
) -> SourceFacts:
    row = a_source(people.project)
    row.endpoint.offered_pins, row.endpoint.offered_at = list(offered), now()
    row.endpoint.save()
    row.hosts_unread, row.probed_at = list(hosts_unread), now() if probed else None
    row.save()
    return gathering.gather(an_inventory(row, a_vm("web")), modes=frozenset()).source


def test_a_certificate_that_nobody_confirmed_is_another_one(people: People) -> None:
    found = source_of(people, {"address": "vc.corp.example:443", "sha256": OTHER}, HOST)
    assert found.pins_changed == ("vc.corp.example",)


def test_hosts_that_the_last_probe_asked_are_known_and_others_are_not(people: People) -> None:
    assert source_of(people, HOST).hosts_unread == ()
    assert source_of(people, {**HOST, "address": "esx-09:443"}).hosts_unread == Unknown("no probe has met esx1.corp.example")
    assert source_of(people, HOST, probed=False).hosts_unread == Unknown("the source was not probed")
    told = {"host": "esx1.corp.example", "reason": "no address"}
    assert source_of(people, hosts_unread=(told,)).hosts_unread == (("esx1.corp.example", "no address"),)
