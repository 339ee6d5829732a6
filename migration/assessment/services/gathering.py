"""Everything one assessment looks at, read once: the inventory's objects, the estate around them, pools, and the mapping."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from estate.facts.codec import from_json
from estate.facts.pool import PoolFacts
from estate.facts.source import ClusterFacts, DatastoreFacts, HostFacts, NetworkFacts, SourceAbout, SourceFact, VmFacts
from estate.facts.unknown import UNKNOWN, Unknown, is_known
from migration.assessment import selectors
from migration.assessment.core.aim import Aim, Names, target_of
from migration.assessment.core.contact import Probed, certificates_changed, hosts_out_of_reach
from migration.assessment.core.context import RuleContext, SourceFacts
from migration.assessment.core.estate_index import estate_of
from migration.assessment.core.registry import When
from migration.assessment.models import AssessmentTarget
from migration.inventory import selectors as inventories
from migration.inventory.core.kinds import FactKind
from migration.inventory.selectors import Inventory, MergedVm
from project.backbone.clock import now
from project.backbone.models import Project
from readiness.selectors import pools as readiness

_VCENTER = "vcenter"
_RIGHTS_OF_A_FILE = Unknown("a file does not say with which rights it was made")
_NOBODY_ASKED = Unknown("no host is asked on behalf of a file", everywhere=True)
_NOT_PROBED = Unknown("the source was not probed")
_NOT_CONFIRMED = Unknown("no certificate of the source was confirmed")


@dataclass(frozen=True, slots=True)
class Known:
    """One inventory as rules are asked about it. `pools` are the project's, by id.

    `machines` are those that are acted on through its source, each with what all sources tell of it: a machine is asked once,
    however many sources show it. `teller_names` are the names of those sources, by id.
    """

    source_id: UUID
    machines: list[MergedVm]
    teller_names: Mapping[UUID, str]
    hosts: list[HostFacts]
    clusters: list[ClusterFacts]
    source: SourceFacts
    pools: Mapping[UUID, PoolFacts]
    context: RuleContext


def gather(inventory: Inventory, *, modes: frozenset[When]) -> Known:
    """Read all of it. Raises: Conflict `inventory_not_complete` (409)."""
    project = inventory.project
    facts = _facts(inventory)
    machines = inventories.merged_vms(inventory, _of(facts, VmFacts))
    others = [other for other in inventories.latest_inventories(project) if other.source_id != inventory.source_id]
    elsewhere = (each.vm for other in others for each in inventories.merged_vms(other))
    project_vms = [*(each.vm for each in machines), *elsewhere]
    pools, about = _target_pools(project), _about(inventory)
    limits, guests = selectors.limits(project.target_product, project.policy_profile), selectors.guests()
    context = RuleContext(
        collected_at=inventory.collected_at or now(),
        asked_at=now(),
        limits=limits,
        guests=guests,
        estate=estate_of(
            own=facts, project_vms=project_vms, behind_vcenter=about if isinstance(about, Unknown) else about.is_vcenter
        ),
        target=target_of(tuple(pools.values()), _aim(project), _names(facts, machines), limits, guests),
        modes=modes,
    )
    return Known(
        source_id=inventory.source_id,
        machines=machines,
        teller_names={row.id: str(row) for row in inventories.sources(project)} if others else {},
        hosts=_of(facts, HostFacts),
        clusters=_of(facts, ClusterFacts),
        source=_source(inventory, machines, _of(facts, HostFacts)),
        pools=pools,
        context=context,
    )


def _facts(inventory: Inventory) -> list[SourceFact]:
    kinds = (kind for kind in FactKind if kind is not FactKind.VM)
    rest = [inventories.facts_of(entry) for kind in kinds for entry in inventories.entries(inventory, kind)]
    return [*inventories.vms(inventory), *rest]  # type: ignore[list-item]  # an entry holds one kind of source fact


def _of(facts: list[SourceFact], kind: type[Any]) -> list[Any]:
    return [fact for fact in facts if isinstance(fact, kind)]


def _names(facts: list[SourceFact], machines: list[MergedVm]) -> Names:
    return Names(
        networks={fact.native_id: fact.name for fact in _of(facts, NetworkFacts)},
        datastores={fact.native_id: fact.name for fact in _of(facts, DatastoreFacts)},
        guest_ids=frozenset(each.vm.guest_id for each in machines if is_known(each.vm.guest_id)),
    )


def _aim(project: Project) -> Aim | None:
    row = AssessmentTarget.objects.filter(project=project).first()
    return None if row is None else Aim(row.networks, row.srs, row.templates)


def _target_pools(project: Project) -> dict[UUID, PoolFacts]:
    """The pool that is aimed at, else every pool that was collected."""
    wanted = AssessmentTarget.objects.filter(project=project).values_list("pool_id", flat=True).first()
    readings = ((pool.id, readiness.latest_inventory(pool.id)) for pool in readiness.pools(project) if wanted in (None, pool.id))
    return {pool_id: readiness.facts_of(reading) for pool_id, reading in readings if reading is not None}


def _about(inventory: Inventory) -> SourceAbout | Unknown:
    return from_json(inventory.about, SourceAbout) if inventory.about else UNKNOWN


def _source(inventory: Inventory, machines: list[MergedVm], hosts: list[HostFacts]) -> SourceFacts:
    row = inventory.source
    hosts_unread, pins_changed = _met(inventory, hosts)
    return SourceFacts(
        native_id=str(row.id),
        name=str(row),
        kind=row.kind,
        about=_about(inventory),
        collected_at=inventory.collected_at or now(),
        privileges_missing=_pairs(row.privileges_missing, "privilege", "purpose") if row.endpoint else _RIGHTS_OF_A_FILE,
        hosts_unread=hosts_unread,
        pins_changed=pins_changed,
        disagreements=tuple((each.vm.name, name) for each in machines for name in each.disagreements),
    )


def _met(inventory: Inventory, hosts: list[HostFacts]) -> tuple[tuple[tuple[str, str], ...] | Unknown, tuple[str, ...] | Unknown]:
    """Hosts out of reach and changed certificates. A server nobody vouched for might have shown any certificate."""
    row, endpoint = inventory.source, inventory.source.endpoint
    if endpoint is None:
        return _NOBODY_ASKED, _NOBODY_ASKED
    probed = Probed(
        offered={str(each.get("address", "")): str(each["sha256"]) for each in endpoint.offered_pins},
        offered_at=endpoint.offered_at,
        unread=tuple((each["host"], each["reason"]) for each in row.hosts_unread),
        asks_hosts=row.kind == _VCENTER,
    )
    collected_at, pins = inventory.collected_at or now(), frozenset(endpoint.pins)
    return (
        hosts_out_of_reach(probed, hosts) if row.probed_at else _NOT_PROBED,
        certificates_changed(probed, hosts, collected_at=collected_at, pins=pins) if pins else _NOT_CONFIRMED,
    )


def _pairs(rows: Any, first: str, second: str) -> tuple[tuple[str, str], ...] | Unknown:
    if rows is None:
        return Unknown("the account's rights were not read")
    if isinstance(rows, dict):
        return Unknown(rows.get("unknown", "not read"))
    return tuple((row[first], row[second]) for row in rows)
