"""Reading the inventory: sources, complete inventories, facts as frozen values, machines with their latest facts.

Other apps read inventories through these functions alone. Each costs a constant number of queries.
"""

from __future__ import annotations

from migration.inventory.models import Application, Inventory, Machine  # other apps know these two rows by this door
from migration.inventory.selectors.changes import Difference, Moved, Opened, Value, difference
from migration.inventory.selectors.identity import Resemblance, identities_waiting, identity_questions, resemblances
from migration.inventory.selectors.inventories import (
    bodies,
    complete_inventories,
    datastore_names,
    entries,
    facts_of,
    inventory,
    latest_inventories,
    network_names,
    networks,
    require_complete,
    vms,
)
from migration.inventory.selectors.known_applications import (
    application_layers,
    applications,
    applications_in_cycles,
    dependencies,
)
from migration.inventory.selectors.known_machines import (
    MachineView,
    in_power_state,
    machine_ids_held,
    machine_views,
    machines,
    tagged,
    with_unknown_tags,
)
from migration.inventory.selectors.known_sources import (
    collected_again,
    is_being_collected,
    said_of_themselves,
    source,
    sources,
    watch_of,
)
from migration.inventory.selectors.merged import MergedVm, SeenBy, merged_vms, true_at

__all__ = [
    "Application",
    "Difference",
    "Inventory",
    "Machine",
    "MachineView",
    "MergedVm",
    "Moved",
    "Opened",
    "Resemblance",
    "SeenBy",
    "Value",
    "application_layers",
    "applications",
    "applications_in_cycles",
    "bodies",
    "collected_again",
    "complete_inventories",
    "datastore_names",
    "dependencies",
    "difference",
    "entries",
    "facts_of",
    "identities_waiting",
    "identity_questions",
    "in_power_state",
    "inventory",
    "is_being_collected",
    "latest_inventories",
    "machine_ids",
    "machine_ids_held",
    "machine_views",
    "machines",
    "merged_vms",
    "network_names",
    "networks",
    "require_complete",
    "resemblances",
    "said_of_themselves",
    "source",
    "sources",
    "tagged",
    "true_at",
    "vms",
    "watch_of",
    "with_unknown_tags",
]
