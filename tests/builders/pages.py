"""A project with something on every page: an assessed inventory, an evaluated pool, an approved wave, conversions, a gate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.test import Client
from msgspec.structs import replace

from estate.facts.pool import PbdFacts, PifFacts, PoolFacts, PoolNetworkFacts, TemplateFacts
from estate.facts.source import DiskBacking, DiskFacts, PowerState, VmFacts
from estate.facts.unknown import Unknown
from migration.conversion.core.states import State
from migration.conversion.models import Conversion, DiskCopy
from migration.cutover.core.gate import GateDecision, GateState
from migration.cutover.core.gate_facts import Reason
from migration.cutover.models import GateDecisionRow, Phase
from migration.cutover.services import gate
from migration.cutover.services.machines import create_conversions
from migration.planning.models import Mapping, Plan, Wave
from migration.planning.services import plans
from migration.planning.services.plans import PlanRequest
from project.backbone.models import User
from readiness.models import Pool
from readiness.services.evaluation import evaluate
from tests.builders import estate, planning
from tests.builders import pools as xen
from tests.builders.evidence import full_evidence
from tests.builders.inventory import SYSTEM, a_source, an_inventory
from tests.builders.jobs import run_jobs
from tests.builders.people import People
from tests.builders.readiness import a_confirmed_pool, attested, collected

HOSTILE = "<script>alert('x')</script>"
DRIFTED = Reason(
    "HA-020",
    "xen-pool",
    "the HA timeout is 60 s; a storage failover takes 70 s",
    "disable HA and enable it again with timeout 120",
    "pool[pool-1].ha_configuration",
)


@dataclass(frozen=True, slots=True)
class World:
    """What was built; rows are as they were when made."""

    people: People
    pool: Pool
    plan: Plan
    wave: Wave


def signed_in(user: User) -> Client:
    """A browser in which this person has signed in."""
    client = Client()
    client.force_login(user)
    return client


def own_disk(machine: str, number: int, **changes: Any) -> DiskFacts:
    """A disk that no other machine shares."""
    return estate.a_disk(number, file_name=f"[san-a] {machine}/{number}.vmdk", disk_uuid=f"{machine}-{number}", **changes)


def some_vms() -> tuple[VmFacts, ...]:
    """Seven machines: movable ones, a physical RDM, a running one, and one that nobody could read."""
    rdm = (own_disk("ora-01", 0), own_disk("ora-01", 1, backing=DiskBacking.RDM_PHYSICAL))
    lost = Unknown("the vCenter lost the connection to its host")
    return (
        estate.a_vm("app-01", nics=(estate.a_nic(1),)),
        estate.a_vm(
            "db-01", nics=(estate.a_nic(2),), disks=(own_disk("db-01", 0), own_disk("db-01", 1, capacity_bytes=200 * estate.GIB))
        ),
        estate.a_vm("file-01", nics=(estate.a_nic(3),), power_state=PowerState.ON),
        estate.a_vm("ora-01", nics=(estate.a_nic(4),), disks=rdm),
        estate.a_vm("web-01", nics=(estate.a_nic(5),), guest_id="debian12_64Guest", guest_full_name="Debian GNU/Linux 12"),
        estate.a_vm("web-02", nics=(estate.a_nic(6),), snapshots=(estate.a_snapshot(),), power_state=PowerState.SUSPENDED),
        VmFacts(native_id="vm-lost", name="legacy-07", power_state=lost, vcpus=lost, connection_state="disconnected"),
    )


def a_pool_to_move_to(**changes: Any) -> PoolFacts:
    """The healthy pool of the readiness tests with what planning maps onto: network LAN, SR `fast`, templates."""
    facts = xen.a_pool(**changes)
    hosts = xen.host_ids(3)
    vlan = tuple(PifFacts(f"{h}-lan", h, "bond0", "net-lan", 10, False, False, "None", "", True) for h in hosts)
    return replace(
        facts,
        srs=(*facts.srs, planning.an_sr("fast")),
        pbds=(*facts.pbds, *(PbdFacts(f"{h}-pbd-fast", h, "sr-fast", True) for h in hosts)),
        pifs=(*facts.pifs, *vlan),
        networks=(*facts.networks, PoolNetworkFacts("net-lan", "LAN", "xapi2", 1500, tuple(pif.uuid for pif in vlan))),
        templates=(
            TemplateFacts("tpl-2019", "Windows Server 2019 (64-bit)", "uefi"),
            TemplateFacts("tpl-other", "Other install media", "bios"),
        ),
    )


def a_world(people: People, *, at: datetime, vms: Sequence[VmFacts] = (), timeout_s: int = 120) -> World:
    """All of it up to the approved wave, whose conversions are planned. The pool was tested at 120 s, whatever it runs at."""
    an_inventory(a_source(people.project, name="vc01"), *(vms or some_vms()))
    pool = a_confirmed_pool(people)
    facts = replace(a_pool_to_move_to(timeout_s=timeout_s), collected_at=at - timedelta(minutes=10))
    collected(pool, facts)
    attested(people, pool, full_evidence(facts))
    evaluate(pool.pk, at=at, actor=SYSTEM)
    mapping = Mapping.objects.create(project=people.project, name="to xen-pool", **planning.mapping_values())
    wanted = PlanRequest("migration", pool.pk, mapping.pk, None, "First plan", {})
    plans.ask(people.project, wanted, actor=people.actor("owner"))
    run_jobs()
    plan = plans.approve(Plan.objects.get(), actor=people.actor("teammate"))
    wave = Wave.objects.get(plan=plan)
    create_conversions(wave.pk, actor=people.actor("owner"))
    return World(people, pool, plan, wave)


def answered(
    world: World,
    *reasons: Reason,
    at: datetime,
    by: str = "owner",
    warnings: Sequence[Reason] = (),
    phase: Phase = Phase.ASKED,
    signed_as: UUID | None = None,
) -> GateDecisionRow:
    """The gate of the wave answered at this time: closed by the reasons, open without any."""
    decision = GateDecision(GateState.CLOSED if reasons else GateState.OPEN, at, reasons, tuple(warnings))
    project, actor = world.people.project, world.people.actor(by)
    return gate.record(
        project, wave_id=world.wave.pk, phase=phase, decision=decision, fact_ids={}, actor=actor, signed_as=signed_as
    )


def in_state(name: str, state: State, *, copied: float = 0.0, step: str = "", error: dict[str, str] | None = None) -> Conversion:
    """The conversion of this machine in a state, with this share of every disk copied; a done one is verified and runs."""
    row = Conversion.objects.get(name=name)
    done = state is State.DONE
    proof = {"power_state": "Running"} if done else None
    Conversion.objects.filter(pk=row.pk).update(state=state.value, step=step, error=error, boot_proof=proof)
    for disk in row.disks.all():
        moved = int(disk.bytes_total * copied)
        DiskCopy.objects.filter(pk=disk.pk).update(
            bytes_copied=moved,
            bytes_sent=moved // 4,
            bytes_zero=moved - moved // 4,
            verified=done,
            compared="full" if done else "",
            digest="ab" * 32 if done else "",
        )
    row.refresh_from_db()
    return row
