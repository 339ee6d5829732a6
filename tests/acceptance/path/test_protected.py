"""What HA is told of a machine once it runs in the pool: nothing before, and a refusal is heard of."""

from __future__ import annotations

import pytest

from migration.conversion.models import Conversion
from migration.conversion.services import lifecycle
from tests.builders.path import SYSTEM, Site, again, copied, gone_live, prepared, settle
from tests.builders.path_looks import Looks

pytestmark = pytest.mark.django_db(transaction=True)  # disks are copied by threads with connections of their own


def protection(looks: Looks, row: Conversion) -> tuple[str, bool]:
    record = looks.vm_record(row)
    return record["ha_restart_priority"], record["ha_always_run"]


@pytest.mark.parametrize(("priority", "always"), [("restart", True), ("best-effort", False), ("", False)])
def test_ha_is_told_once_the_vm_runs_and_not_before(site: Site, looks: Looks, priority: str, always: bool) -> None:
    row = copied(prepared(site.conversion("git01", ha_restart_priority=priority)))
    assert protection(looks, row) == ("", False)
    row = gone_live(row)

    assert (row.state, row.boot_proof["ha_restart_priority"]) == ("done", priority)
    assert protection(looks, row) == (priority, always)
    assert row.events.filter(step="protect").exists() is bool(priority)


def test_a_vm_that_is_rolled_back_is_not_started_again_by_ha(site: Site, looks: Looks) -> None:
    row = gone_live(copied(prepared(site.conversion("git01", ha_restart_priority="restart"))))
    lifecycle.roll_back(row, actor=SYSTEM)
    settle()

    assert (again(row).state, protection(looks, row)) == ("rolled_back", ("", False))
    assert looks.vm_record(row)["power_state"] == "Halted"


def test_a_pool_that_cannot_protect_it_is_heard_of_and_the_machine_runs(site: Site, looks: Looks) -> None:
    """A VM whose disk not every host reaches cannot be restarted anywhere: protecting it would break the pool's plan."""
    row = copied(prepared(site.conversion("git01", ha_restart_priority="restart")))
    with looks.pool() as session:
        (sr,) = session.call("SR.get_by_name_label", "nfs-01")
        session.call("PBD.unplug", session.call("SR.get_PBDs", sr)[-1])
    row = gone_live(row)

    assert (row.state, row.error, row.boot_proof["ha_restart_priority"]) == ("done", None, "")
    assert "HA would no longer survive" in row.boot_proof["unprotected_because"]
    assert row.events.filter(message__startswith="HA does not protect it").exists()
    assert protection(looks, row) == ("", False)
