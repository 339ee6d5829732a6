"""Builders of stored estates: a confirmed source, a complete inventory of given facts, a pool with given facts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count

from msgspec.structs import replace

from estate.connection import Connection
from estate.facts.codec import to_json
from estate.facts.pool import PoolFacts
from estate.facts.source import SourceAbout, SourceFact, VmFacts
from migration.inventory.models import Inventory, Machine, Source
from migration.inventory.services import collecting
from migration.inventory.services.recognising import seen_vm
from project.backbone.accounts.policy import Actor
from project.backbone.clock import now
from project.backbone.models import Endpoint, Project
from readiness.models import Pool, PoolInventory
from tests.builders.estate import a_cluster, a_datastore, a_host, a_network, a_source_about

PIN = ":".join(["AB"] * 32)
SYSTEM = Actor.system("test")
_numbers = count(1)


def a_source(project: Project, *, confirmed: bool = True, name: str = "") -> Source:
    """A vCenter source; confirmed means a person has vouched for its certificate."""
    endpoint = Endpoint.objects.create(
        project=project,
        kind="vcenter",
        name=name or f"vc{next(_numbers)}",
        url="https://vc.corp.example",
        username="reader",
        pins=[PIN] if confirmed else [],
    )
    return Source.objects.create(project=project, kind="vcenter", endpoint=endpoint)


def estate_of(*vms: VmFacts) -> tuple[SourceFact, ...]:
    """The VMs with one host, cluster, datastore `san-a` and network `VM Network` around them."""
    return (a_host(), a_cluster(), a_datastore(), a_network(), *vms)


def an_inventory(source: Source, *vms: VmFacts) -> Inventory:
    """A complete inventory of the source with these VMs; its machines exist, and its assessment is asked for."""
    inventory = collecting.begin(source, job_id=None, actor=SYSTEM)
    collecting.add_page(inventory, estate_of(*vms))
    seen = {vm.native_id: seen_vm(vm) for vm in vms}
    about = replace(a_source_about(), instance_uuid=str(source.pk))  # each source is a vCenter of its own
    return collecting.complete(inventory, about=about, vms=seen, actor=SYSTEM)


def machine_named(name: str) -> Machine:
    return Machine.objects.get(name=name)


def a_pool_row(project: Project, facts: PoolFacts) -> Pool:
    """A collected pool of the project."""
    endpoint = Endpoint.objects.create(project=project, kind="pool", name=facts.name, url="https://xen.corp.example")
    pool = Pool.objects.create(project=project, endpoint=endpoint, name=facts.name)
    PoolInventory.objects.create(pool=pool, collected_at=now(), digest="0" * 64, facts=to_json(facts))
    return pool


def a_feed(*pages: Sequence[SourceFact], fails: Exception | None = None) -> Callable[..., SourceAbout]:
    """Stands in for a vSphere that hands over these pages, then answers who it is, or fails."""

    def feed(connection: Connection, *, on_page: Callable[..., None], alive: Callable[[], None]) -> SourceAbout:
        for page in pages:
            alive()
            on_page("vm", page)
        if fails is not None:
            raise fails
        return a_source_about()

    return feed
