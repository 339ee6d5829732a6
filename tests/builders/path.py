"""Builders for the main path: a project whose vCenter and pool are the lab's, conversions of its machines, their jobs run here.

Everything is told to the product as its own jobs would have stored it; what runs over TLS afterwards is the product alone.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from estate.connection import Connection
from estate.facts.pool import PoolFacts
from estate.facts.source import VmFacts
from estate.vsphere.inventory.collect import collect
from estate.vsphere.session import VsphereSession
from estate.xapi.pool import read_facts
from estate.xapi.session import XapiSession
from migration.conversion.core.spec import ConversionSpec, Targets, build_spec
from migration.conversion.models import Conversion
from migration.conversion.services import lifecycle
from project.backbone.accounts.policy import Actor
from project.backbone.clock import now
from project.backbone.endpoints.services import confirm_pins, create_endpoint, offer_certificates
from project.backbone.jobs.states import UNFINISHED
from project.backbone.models import Endpoint, Job, Project
from readiness.models import Pool
from readiness.services.pools import add_pool, store_facts
from tests.builders.jobs import run_jobs

SYSTEM = Actor.system("test")
NETWORKS = {"dv-servers-120": "servers-120", "DMZ 110": "dmz-110", "dv-db-130": "databases-130", "Backup 300": "backup-300"}
TEMPLATE = "Debian Bookworm 12"


def source_pins(described: dict[str, Any]) -> list[str]:
    """Certificates of the lab's vCenter and every ESXi."""
    return [described["vcenter"]["sha256"], *(host["sha256"] for host in described["esxi"])]


def pool_pins(described: dict[str, Any]) -> list[str]:
    """Certificates of every host of the lab's pool."""
    return [host["sha256"] for host in described["pool"]["hosts"]]


def connection_to(described: dict[str, Any], side: str, pins: list[str]) -> Connection:
    """The tests' own way to a side of the lab (`vcenter` or `pool`)."""
    place = described[side]
    return Connection(place["url"], place["user"], place["password"], frozenset(pins), side)


@dataclass(frozen=True, slots=True)
class Site:
    """A project that reaches the lab: both endpoints confirmed, the source's machines and the pool's facts known."""

    project: Project
    source: Endpoint
    pool: Pool
    facts: PoolFacts
    machines: dict[str, VmFacts]
    wave_id: UUID = field(default_factory=uuid4)

    def spec(
        self, name: str, *, sr: str = "nfs-01", template: str = TEMPLATE, target_name: str = "", ha_restart_priority: str = ""
    ) -> ConversionSpec:
        """What would be made of a machine: all disks on one SR, networks by the lab's names."""
        vm = self.machines[name]
        srs = {one.name: one.uuid for one in self.facts.srs}
        networks = {one.name: one.uuid for one in self.facts.networks}
        targets = Targets(
            source_endpoint_id=str(self.source.pk),
            pool_endpoint_id=str(self.pool.endpoint_id),
            template_name=template,
            sr_by_disk={disk.device_key: srs[sr] for disk in vm.disks},  # type: ignore[union-attr]
            network_by_nic={nic.device_key: networks[NETWORKS[str(nic.network_name)]] for nic in vm.nics},  # type: ignore[union-attr]
            target_name=target_name,
            ha_restart_priority=ha_restart_priority,
        )
        return build_spec(str(uuid4()), vm, targets)

    def conversion(self, name: str, **changes: Any) -> Conversion:
        """A planned conversion of a machine."""
        specs = [self.spec(name, **changes)]
        (row,) = lifecycle.create(self.project, wave_id=self.wave_id, pool_id=self.pool.pk, specs=specs, actor=SYSTEM)
        return row


def a_site(project: Project, described: dict[str, Any]) -> Site:
    """The lab's two sides as endpoints of the project."""
    source = _endpoint(project, described["vcenter"], source_pins(described))
    pool = add_pool(
        project,
        name="pool01",
        url=described["pool"]["url"],
        username=described["pool"]["user"],
        password=described["pool"]["password"],
        actor=SYSTEM,
    )
    _confirm(pool.endpoint, pool_pins(described))
    with XapiSession(connection_to(described, "pool", pool_pins(described))) as session:
        facts = read_facts(session, now())
    store_facts(pool, facts, actor=SYSTEM)
    return Site(project, source, pool, facts, machines_of(described))


def _endpoint(project: Project, place: dict[str, Any], pins: list[str]) -> Endpoint:
    endpoint = create_endpoint(
        project, kind="vcenter", name="vc01", url=place["url"], username=place["user"], password=place["password"], actor=SYSTEM
    )
    _confirm(endpoint, pins)
    return endpoint


def _confirm(endpoint: Endpoint, pins: list[str]) -> None:
    offer_certificates(endpoint, [{"subject": "lab", "sha256": pin, "address": "lab"} for pin in pins], actor=SYSTEM)
    confirm_pins(endpoint, tls_thumbprints=pins, actor=SYSTEM)


def machines_of(described: dict[str, Any]) -> dict[str, VmFacts]:
    """The lab's machines by name, as they are now."""
    found: dict[str, VmFacts] = {}

    def keep(_kind: str, page: Any) -> None:
        found.update({fact.name: fact for fact in page if isinstance(fact, VmFacts)})

    with VsphereSession(connection_to(described, "vcenter", source_pins(described))) as session:
        collect(session, on_page=keep)
    return found


def settle(*, within_s: float = 90.0) -> list[Job]:
    """Run jobs until all have ended, bringing forward what was put off; the jobs that ran, in their order."""
    ran: list[Job] = []
    until = time.monotonic() + within_s
    while True:
        ran += run_jobs()
        if not Job.objects.filter(state__in=UNFINISHED).exists():
            return ran
        if time.monotonic() > until:
            raise AssertionError(f"unfinished after {within_s} s: {[(job.kind, job.message) for job in ran[-3:]]}")
        time.sleep(0.1)
        Job.objects.filter(state__in=UNFINISHED).update(run_at=now())


def prepared(row: Conversion) -> Conversion:
    """The conversion with its VM made in the pool."""
    lifecycle.start_preparing(row, actor=SYSTEM)
    settle()
    return again(row)


def copied(row: Conversion) -> Conversion:
    """The conversion after its copy job, whatever came of it."""
    lifecycle.start_copying(row, actor=SYSTEM)
    settle()
    return again(row)


def gone_live(row: Conversion) -> Conversion:
    """The conversion after its last job, whatever came of it."""
    lifecycle.start_going_live(row, actor=SYSTEM)
    settle()
    return again(row)


def again(row: Conversion) -> Conversion:
    """As it is in the database now."""
    return Conversion.objects.select_related("project").get(pk=row.pk)


def vdi_file(lab: Any, uuid: str) -> Path:
    """The file in which the lab keeps a VDI."""
    return Path(next(vdi["path"] for vdi in lab.control("GET", "/vdis") if vdi["uuid"] == uuid))
