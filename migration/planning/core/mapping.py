"""A mapping: which network, SR and template of the pool stand in for the ones of the source, by name, with overrides.

The table and its look-ups; whether a name exists in the pool is asked in target.py, what one machine gets in placement.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from dataclasses import replace as replace_table
from typing import Any

from msgspec.structs import replace

from estate.facts.source import VmFacts
from estate.facts.unknown import Unknown

ANY = "*"
"""Key of a table for whatever has no row of its own."""
UNPROTECTED = "none"
"""An override's word against a mapping that protects all."""
LINUX_PREFIXES = (
    "rhel", "centos", "oraclelinux", "sles", "debian", "ubuntu", "almalinux", "rockylinux", "amazonlinux", "fedora", "opensuse",
    "vmwarephoton", "coreos", "flatcar", "asianux", "other24", "other26", "other3x", "other4x", "other5x", "other6x", "other7x",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Said:
    """Facts that a person gave for a machine whose source may not tell them; empty where they gave none."""

    guest_id: str = ""
    firmware: str = ""
    cores_per_socket: int = 0
    secure_boot: str = ""

    def given(self) -> dict[str, str | int]:
        """What was given, by the name of the fact."""
        return {fact: value for fact in SAYABLE if (value := getattr(self, fact))}


SAYABLE = tuple(part.name for part in fields(Said))


@dataclass(frozen=True, slots=True)
class Override:
    """What one machine gets instead of the table's answer; empty means: as the table says.

    `guest_id` (vSphere's), `firmware` (`bios`, `efi`), `cores_per_socket` and `secure_boot` (`on`, `off`) are what a
    person says of a machine whose source does not tell it; what the source tells goes before them.
    `vtpm` (`on`) gives it a new, empty TPM, and `vif_locking` (`unlocked`, `disabled`) sets how its interfaces are locked.
    `ha_restart_priority` (`restart`, `best-effort`, `none`) says what HA does for it once it runs in the pool.
    """

    networks: Mapping[str, str] = field(default_factory=dict)
    sr: str = ""
    template: str = ""
    name: str = ""
    guest_id: str = ""
    firmware: str = ""
    cores_per_socket: int = 0
    secure_boot: str = ""
    vtpm: str = ""
    vif_locking: str = ""
    ha_restart_priority: str = ""

    @property
    def said(self) -> Said:
        return Said(self.guest_id, self.firmware, self.cores_per_socket, self.secure_boot)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a batch asks for one machine: SR of all its disks, networks by the source's names, its name in the pool."""

    sr: str = ""
    networks: Mapping[str, str] = field(default_factory=dict)
    name: str = ""


@dataclass(frozen=True, slots=True)
class MappingTable:
    """Names of the source to names of the pool. `templates` is keyed by guest id, family (`windows`, `linux`) or `*`.

    `*` in `datastores` is for datastores without a row and for disks in packages, which are on none.
    """

    networks: Mapping[str, str] = field(default_factory=dict)
    datastores: Mapping[str, str] = field(default_factory=dict)
    templates: Mapping[str, str] = field(default_factory=dict)
    overrides: Mapping[str, Override] = field(default_factory=dict)
    """Machine id to its override."""
    ha_restart_priority: str = ""
    """What HA does for machines without a word of their own, as XAPI spells it; empty for nothing."""

    def override(self, machine_id: str) -> Override:
        return self.overrides.get(machine_id, Override())

    def ha_restart_priority_of(self, machine_id: str) -> str:
        """`restart`, `best-effort`, or empty where HA shall leave the machine alone."""
        said = self.override(machine_id).ha_restart_priority or self.ha_restart_priority
        return "" if said == UNPROTECTED else said

    def template_for(self, guest_id: str) -> str | None:
        """The template's name for a guest id: itself first, then its family, then `*`."""
        keys = (guest_id, family_of(guest_id), ANY)
        return next((self.templates[key] for key in keys if key in self.templates), None)

    def sr_for(self, datastore: str) -> str | None:
        """The SR's name for a datastore, itself first, then `*`; an empty name is on none."""
        return self.datastores.get(datastore) or self.datastores.get(ANY)


def with_wishes(table: MappingTable, wishes: Mapping[str, Wish]) -> MappingTable:
    """The table with what was wished for single machines, by machine id; a wish goes before the table's own override."""
    merged = {machine: _wished(table.override(machine), wish) for machine, wish in wishes.items()}
    return replace_table(table, overrides={**table.overrides, **merged})


def _wished(override: Override, wish: Wish) -> Override:
    return replace_table(
        override,
        networks={**override.networks, **wish.networks},
        sr=wish.sr or override.sr,
        name=wish.name or override.name,
    )


def with_said(vm: VmFacts, said: Said) -> VmFacts:
    """The machine with what a person said of it where the source does not tell."""
    fill: dict[str, Any] = {fact: value for fact, value in said.given().items() if isinstance(getattr(vm, fact), Unknown)}
    if "secure_boot" in fill:
        fill["secure_boot"] = fill["secure_boot"] == "on"
    return replace(vm, **fill) if fill else vm


def family_of(guest_id: str) -> str:
    """`windows`, `linux` or `other`, from a vSphere guest id."""
    lowered = guest_id.lower()
    if lowered.startswith("win"):
        return "windows"
    return "linux" if lowered.startswith(LINUX_PREFIXES) else "other"


def is_windows(guest_id: str | Unknown) -> bool | Unknown:
    """Whether a guest id names a Windows; unknown where the id is, which is not a no."""
    return guest_id if isinstance(guest_id, Unknown) else family_of(guest_id) == "windows"


def table_from(values: Mapping[str, Any]) -> MappingTable:
    """A table from its JSON form, whose shape the API has checked."""
    return MappingTable(
        networks=values.get("networks", {}),
        datastores=values.get("datastores", {}),
        templates=values.get("templates", {}),
        overrides={machine: Override(**changes) for machine, changes in values.get("overrides", {}).items()},
        ha_restart_priority=values.get("ha_restart_priority", ""),
    )
