"""Reading complete inventories: their objects as frozen facts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

import msgspec
from django.db.models import QuerySet

from estate.facts.source import NetworkFacts, VmFacts
from migration.inventory.core.blobs import fact_of
from migration.inventory.core.kinds import FactKind
from migration.inventory.core.states import InventoryState
from migration.inventory.models import FactBlob, Inventory, InventoryEntry, Source
from project.backbone.models import Project
from project.backbone.problems import Conflict, NotVisible


def inventory(inventory_id: UUID | str) -> Inventory:
    """One inventory by id, for jobs. Raises: NotVisible."""
    found = Inventory.objects.select_related("project", "source__endpoint").filter(pk=inventory_id).first()
    if found is None:
        raise NotVisible("inventory")
    return found


def latest_inventories(project: Project) -> list[Inventory]:
    """The newest complete inventory of each source."""
    return list(
        Inventory.objects.filter(latest_of__project=project)
        .select_related("project", "source__endpoint")
        .order_by("created_at", "id")
    )


def complete_inventories(source: Source) -> QuerySet[Inventory]:
    """The source's inventories that can be read, newest first."""
    rows = Inventory.objects.filter(source=source, state=InventoryState.COMPLETE)
    return rows.select_related("project", "source__endpoint").order_by("-collected_at", "-created_at")


def vms(inventory: Inventory) -> list[VmFacts]:
    """Every VM of an inventory, by name."""
    rows = entries(inventory, FactKind.VM).values_list("blob__body", "volatile")
    return [vm for body, volatile in rows if isinstance(vm := fact_of(FactKind.VM, body, volatile), VmFacts)]


def networks(project: Project) -> list[NetworkFacts]:
    """Every network of the project's latest inventories."""
    found = (facts_of(entry) for latest in latest_inventories(project) for entry in entries(latest, FactKind.NETWORK))
    return [network for network in found if isinstance(network, NetworkFacts)]


def entries(inventory: Inventory, kind: FactKind) -> QuerySet[InventoryEntry]:
    """The inventory's objects of one kind. Raises: Conflict `inventory_not_complete` (409)."""
    require_complete(inventory)
    return InventoryEntry.objects.filter(inventory=inventory, kind=kind.value).select_related("blob")


def require_complete(inventory: Inventory) -> None:
    """Pass for a complete inventory. Raises: Conflict `inventory_not_complete` (409)."""
    if inventory.state != InventoryState.COMPLETE:
        raise Conflict(
            f"This inventory is {inventory.state}; only a complete one can be read.",
            code="inventory_not_complete",
            next_step="Wait for its job, or collect the source again.",
        )


def facts_of(entry: InventoryEntry) -> object:
    """The facts object an entry points to."""
    return fact_of(FactKind(entry.kind), entry.blob.body, entry.volatile)


def network_names(inventory_id: UUID) -> dict[str, str]:
    """Native id to name, of the networks of one inventory."""
    return _names(inventory_id, FactKind.NETWORK)


def datastore_names(inventory_id: UUID) -> dict[str, str]:
    """Native id to name, of the datastores of one inventory."""
    return _names(inventory_id, FactKind.DATASTORE)


def _names(inventory_id: UUID, kind: FactKind) -> dict[str, str]:
    rows = InventoryEntry.objects.filter(inventory_id=inventory_id, kind=kind.value)
    return dict(rows.values_list("native_id", "name"))


def bodies(digests: Iterable[str]) -> dict[str, Any]:
    """Lasting facts by address, for showing what changed inside."""
    rows = FactBlob.objects.filter(digest__in=set(digests))
    return {digest: msgspec.json.decode(body) for digest, body in rows.values_list("digest", "body")}
