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

_RIGHTS_OF_A_FILE = Unknown("a file does not say with which rights it was made")


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
    pools = _target_pools(project)
    limits, guests = selectors.limits(project.target_product, project.policy_profile), selectors.guests()
    context = RuleContext(
        collected_at=inventory.collected_at or now(),
        asked_at=now(),
        limits=limits,
        guests=guests,
        estate=estate_of(own=facts, project_vms=project_vms),
        target=target_of(tuple(pools.values()), _aim(project), _names(facts, machines), limits, guests),
        modes=modes,
    )
    return Known(
        source_id=inventory.source_id,
        machines=machines,
        teller_names={row.id: str(row) for row in inventories.sources(project)} if others else {},
        hosts=_of(facts, HostFacts),
        clusters=_of(facts, ClusterFacts),
        source=_source(inventory, machines),
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


def _source(inventory: Inventory, machines: list[MergedVm]) -> SourceFacts:
    row = inventory.source
    return SourceFacts(
        native_id=str(row.id),
        name=str(row),
        kind=row.kind,
        about=from_json(inventory.about, SourceAbout) if inventory.about else UNKNOWN,
        collected_at=inventory.collected_at or now(),
        privileges_missing=_pairs(row.privileges_missing, "privilege", "purpose") if row.endpoint else _RIGHTS_OF_A_FILE,
        hosts_unread=_hosts_unread(inventory),
        pins_changed=_pins_changed(row.endpoint.pins if row.endpoint else None),
        disagreements=tuple((each.vm.name, name) for each in machines for name in each.disagreements),
    )


def _hosts_unread(inventory: Inventory) -> tuple[tuple[str, str], ...] | Unknown:
    """No host is asked for its certificate on behalf of a file."""
    row = inventory.source
    if row.endpoint is None:
        return ()
    return _pairs(row.hosts_unread, "host", "reason") if row.probed_at else Unknown("the source was not probed")


def _pins_changed(pins: list[str] | None) -> tuple[str, ...] | Unknown:
    """A file shows no certificate that could have changed; a server nobody vouched for might have had any."""
    return () if pins is None or pins else Unknown("no certificate of the source was confirmed")


def _pairs(rows: Any, first: str, second: str) -> tuple[tuple[str, str], ...] | Unknown:
    if rows is None:
        return Unknown("the account's rights were not read")
    if isinstance(rows, dict):
        return Unknown(rows.get("unknown", "not read"))
    return tuple((row[first], row[second]) for row in rows)
