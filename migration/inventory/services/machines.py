"""What people decide on machines: their disposition."""

from __future__ import annotations

from django.db import transaction

from migration.inventory.models import Disposition, Machine
from project.backbone.accounts.policy import Actor, Role
from project.backbone.audit.services import record
from project.backbone.problems import Invalid


@transaction.atomic
def set_disposition(machine: Machine, *, disposition: str, actor: Actor) -> Machine:
    """Say what shall become of a machine. Raises: RoleTooLow (planner), NotVisible, Invalid."""
    actor.require(machine.project_id, Role.PLANNER)
    if disposition not in Disposition.values:
        detail = f"{disposition[:50]!r} is no disposition: {', '.join(Disposition.values)}."
        raise Invalid(detail, errors=[{"field": "disposition", "code": "invalid_choice", "detail": detail}])
    before, machine.disposition = machine.disposition, disposition
    if before != disposition:
        machine.save(update_fields=["disposition"])
        after = {"disposition": disposition}
        record(actor, "machine.disposition_set", machine, project=machine.project, before={"disposition": before}, after=after)
    return machine
