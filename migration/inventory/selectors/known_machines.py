"""Reading machines by their stable identity, with their latest facts."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db.models import Exists, OuterRef, Prefetch, QuerySet

from estate.facts.source import PowerState, VmFacts
from estate.facts.unknown import Unknown
from migration.inventory.core.facets import TAGS, tag_mark
from migration.inventory.core.kinds import FactKind
from migration.inventory.core.merge import Origin, Telling, merge
from migration.inventory.models import InventoryEntry, Machine, Source, SourceKind
from migration.inventory.selectors.merged import SeenBy, seen_by
from project.backbone.models import Project


@dataclass(frozen=True, slots=True)
class MachineView:
    """A machine with its latest facts, merged from all who tell of it (core.merge); `provenance` says who told which field.

    `vm` is None when the newest inventory of its source does not hold it. `seen_by` begins with who acts on it.
    `endpoint_id` is None for a machine that only files tell of; one that is acted on through a package has its `package_path`.
    """

    id: UUID
    name: str
    source_id: UUID
    endpoint_id: UUID | None
    source_name: str
    native_id: str
    disposition: str
    application_id: UUID | None
    application_name: str
    note: str
    version: int
    vm: VmFacts | None
    inventory_id: UUID | None
    collected_at: datetime | None
    provenance: Mapping[str, Origin] = field(default_factory=dict)
    seen_by: tuple[SeenBy, ...] = ()
    package_path: str = ""


_SAID_OF_SOURCES = (
    "about", "privileges_missing", "hosts_unread", "latest__about", "latest__counts", "latest__note",
    "endpoint__pins", "endpoint__offered_pins", "endpoint__sealed_password",
)  # fmt: skip


def machines(project: Project) -> QuerySet[Machine]:
    """The project's machines with their source and application; what sources and inventories say of themselves is left unread."""
    sources = Source.objects.select_related("endpoint", "latest").defer(*_SAID_OF_SOURCES)
    return Machine.objects.filter(project=project).prefetch_related(Prefetch("source", sources), "application")


def in_power_state(rows: QuerySet[Machine], state: PowerState | Unknown) -> QuerySet[Machine]:
    """Those of these machines that their source's latest inventory saw in this power state, or did not see in any."""
    seen = _latest_entries()
    if isinstance(state, Unknown):
        return rows.exclude(Exists(seen.filter(facets__power_state__in=[known.value for known in PowerState])))
    return rows.filter(Exists(seen.filter(facets__power_state=state.value)))


def tagged(rows: QuerySet[Machine], tag: str) -> QuerySet[Machine]:
    """Those of these machines that bore this tag (`category:name`, in any case) in their source's latest inventory."""
    return rows.filter(Exists(_latest_entries().filter(**{f"facets__{TAGS}__icontains": tag_mark(tag)})))


def with_unknown_tags(rows: QuerySet[Machine]) -> QuerySet[Machine]:
    """Those of these machines whose tags their source's latest inventory does not know."""
    return rows.exclude(Exists(_latest_entries().filter(facets__has_key=TAGS)))


def _latest_entries() -> QuerySet[InventoryEntry]:
    """What the latest inventory of a machine's source says of it; for `Exists` over machines."""
    return InventoryEntry.objects.filter(
        inventory_id=OuterRef("source__latest_id"), kind=FactKind.VM.value, native_id=OuterRef("native_id")
    )


def machine_ids_held(project: Project, inventory_ids: Collection[UUID]) -> set[UUID]:
    """Ids of the project's machines that are acted on through the source of one of these inventories, and held by it. One query.

    A machine that moved to a better source since is not held by the inventory of the one it was first seen in.
    """
    holding = InventoryEntry.objects.filter(
        inventory_id__in=inventory_ids,
        kind=FactKind.VM.value,
        native_id=OuterRef("native_id"),
        inventory__source_id=OuterRef("source_id"),
    )
    held = Machine.objects.filter(Exists(holding), project=project).order_by()
    return set(held.values_list("id", flat=True))


def machine_views(rows: Iterable[Machine]) -> list[MachineView]:
    """Machines with their latest facts, in the order given. Three queries more; the rows must come from `machines`."""
    rows = list(rows)
    seen = seen_by(rows)
    return [_view(machine, seen.get(machine.id, [])) for machine in rows]


def _view(machine: Machine, told: list[tuple[SeenBy, Telling]]) -> MachineView:
    acting = next((telling for who, telling in told if who.source_id == machine.source_id), None)
    others = [telling for _, telling in told if telling is not acting]
    merged = merge(acting, others) if acting is not None and others else None
    latest = machine.source.latest
    return MachineView(
        id=machine.id,
        name=machine.name,
        source_id=machine.source_id,
        endpoint_id=machine.source.endpoint_id,
        source_name=str(machine.source),
        native_id=machine.native_id,
        disposition=machine.disposition,
        application_id=machine.application_id,
        application_name=machine.application.name if machine.application else "",
        note=machine.note,
        version=machine.version,
        vm=merged.vm if merged else acting.vm if acting else None,
        inventory_id=latest.id if latest else None,
        collected_at=latest.collected_at if latest else None,
        provenance=merged.provenance if merged else {},
        seen_by=tuple(who for who, _ in told),
        package_path=machine.source.path if machine.source.kind == SourceKind.OVA else "",
    )
