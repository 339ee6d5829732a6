"""The ESXi hosts of a whole project: what its sources show, and the server nobody has read, which may have any."""

from __future__ import annotations

import pytest

from estate.facts.unknown import Unknown
from migration.inventory.selectors.esxi_storage import esxi_storage
from tests.builders.estate import a_vm
from tests.builders.inventory import a_source, an_inventory
from tests.builders.people import People

pytestmark = pytest.mark.django_db


def test_a_server_that_was_never_collected_is_a_gap_beside_the_hosts_of_another(people: People) -> None:
    an_inventory(a_source(people.project), a_vm())
    late = a_source(people.project, name="vc-late")
    told = esxi_storage(people.project)
    assert not isinstance(told, Unknown)
    assert [(each.host, each.gap) for each in told if each.host == str(late)] == [("vc-late", "it was never collected")]


def test_a_project_whose_inventories_show_no_host_answers_nothing(people: People) -> None:
    a_source(people.project)
    assert isinstance(esxi_storage(people.project), Unknown)
