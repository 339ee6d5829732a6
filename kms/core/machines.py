"""Which sightings are one machine: names as KMS events spell them, SMBIOS UUIDs in both byte orders, aliases handed down.

kms knows machines by ids and aliases only. Nothing in here asks the conversion ledger: its answer comes in as `MachineAlias`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from estate.facts.unknown import UNKNOWN, Unknown

NETBIOS_LENGTH = 15  # Source: NetBIOS names hold 15 characters; events may carry them cut there.
_EMPTY_UUIDS = frozenset({UUID(int=0), UUID(int=2**128 - 1)})


@dataclass(frozen=True, slots=True)
class MachineAlias:
    """One machine under every name and UUID it has had; before and after its conversion is one machine.

    `is_server` is what the guest's OS says (servers ask for 5, clients for 25), UNKNOWN where nobody knows.
    """

    machine_id: str
    names: tuple[str, ...] = ()
    smbios_uuids: tuple[str, ...] = ()
    cmids: tuple[str, ...] = ()
    is_server: bool | Unknown = UNKNOWN

    @property
    def label(self) -> str:
        """The name people know it by."""
        return self.names[0] if self.names else self.machine_id

    def is_computer(self, name: str, smbios_uuid: str | None) -> bool:
        """Whether a computer of this name and SMBIOS UUID is this machine: by its UUID where both have one, else by name."""
        own = _canonical(self.smbios_uuids) - {None}
        if smbios_uuid is not None and own:
            return smbios_uuid in own
        return self.goes_by(name)

    def goes_by(self, name: str) -> bool:
        """Whether `name` is one of this machine's names, short, full or cut."""
        return any(same_name(name, own) for own in self.names)


@dataclass(frozen=True, slots=True)
class MovedMachine:
    """A Windows machine that runs in the pool `since` then, and its networks there.

    `copy_uuid` is its copy's SMBIOS UUID by the conversion ledger, empty where that does not tell.
    """

    machine: MachineAlias
    network_ids: frozenset[str]
    since: datetime
    copy_uuid: str = ""


def same_name(one: str, other: str) -> bool:
    """Whether two names can be one machine: equal, short against full, or cut by the event log. Empty names match nothing."""
    shorter, longer = sorted((_folded(one), _folded(other)), key=len)
    if not shorter or not longer.startswith(shorter):
        return False
    if len(shorter) == len(longer) or longer[len(shorter)] == ".":
        return True
    return "." in shorter or len(shorter) >= NETBIOS_LENGTH


def name_key(name: str) -> str:
    """What all names that can be one machine have in common, to look them up by; `same_name` decides."""
    return _folded(name).partition(".")[0][:NETBIOS_LENGTH]


def _folded(name: str) -> str:
    return name.strip().rstrip(".").casefold()


def canonical_uuid(text: str) -> str | None:
    """One spelling for an SMBIOS UUID in either byte order; None for anything that identifies no machine."""
    try:
        uuid = UUID(text.strip())
    except ValueError:
        return None
    if uuid in _EMPTY_UUIDS:
        return None
    return min(str(uuid), str(UUID(bytes=uuid.bytes_le)))


@dataclass(frozen=True, slots=True)
class AliasBook:
    """The aliases of a project, looked up by UUID first (a name may be reused), then by name."""

    machines: tuple[MachineAlias, ...] = ()

    def find(self, *, name: str, smbios_uuid: str | None) -> MachineAlias | None:
        """The one machine this sighting belongs to; None when nobody or more than one fits."""
        by_uuid = [machine for machine in self.machines if smbios_uuid and smbios_uuid in _canonical(machine.smbios_uuids)]
        candidates = by_uuid or [machine for machine in self.machines if machine.goes_by(name)]
        return candidates[0] if len(candidates) == 1 else None


def _canonical(uuids: Iterable[str]) -> set[str | None]:
    return {canonical_uuid(uuid) for uuid in uuids}
