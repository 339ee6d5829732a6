"""Rows of the inventory: sources, their immutable inventories, content-addressed facts, and machines with a stable identity.

Fields and constraints only. `state` is written by services.collecting alone; facts are read back through selectors.
"""

from __future__ import annotations

from migration.inventory.models.applications import Application, Criticality
from migration.inventory.models.identity import IdentityAnswer, IdentityQuestion
from migration.inventory.models.inventories import FactBlob, Inventory, InventoryEntry, MadeBy
from migration.inventory.models.machines import Disposition, Machine, Sighting
from migration.inventory.models.sources import Source, SourceKind
from migration.inventory.models.watches import SourceWatch

__all__ = [
    "Application", "Criticality", "Disposition", "FactBlob", "IdentityAnswer", "IdentityQuestion", "Inventory", "InventoryEntry",
    "Machine", "MadeBy", "Sighting", "Source", "SourceKind", "SourceWatch",
]  # fmt: skip
