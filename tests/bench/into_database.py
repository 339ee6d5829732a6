"""A whole reading stored as a complete inventory, as the collecting job does it, in a database of the bench's own."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from estate.facts.source import SourceFact, VmFacts


def stored(read: Any) -> dict[str, Any]:
    """`read(on_page, alive)` reads the source. The database is the environment's, which has to be a new one."""
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    from migration.inventory.services import collecting
    from migration.inventory.services.recognising import seen_vm
    from migration.inventory.work.overlap import read_aside
    from project.backbone.models import Customer, Project
    from tests.builders.inventory import SYSTEM, a_source

    source = a_source(Project.objects.create(customer=Customer.objects.create(name="bench"), name="bench"))
    seen = {}
    began_s = time.monotonic()
    inventory = collecting.begin(source, job_id=None, actor=SYSTEM)

    def take(_kind: str, page: Sequence[SourceFact]) -> None:
        collecting.add_page(inventory, page)
        seen.update({fact.native_id: seen_vm(fact) for fact in page if isinstance(fact, VmFacts)})

    about = read_aside(read, on_page=take, alive=lambda: None)
    complete = collecting.complete(inventory, about=about, vms=seen, actor=SYSTEM)
    return {"seconds": time.monotonic() - began_s, "vms": complete.counts["vms"]}


def environment(var: Any) -> dict[str, str]:
    """What a process needs to store into a new database of its own below `var`."""
    return {"XENBOUND_VAR": str(var), "DATABASE_URL": "", "DJANGO_SETTINGS_MODULE": "project.settings"}
