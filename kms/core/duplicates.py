"""Duplicate CMIDs: clones that were never generalised count as one client, however many there are.

Pure. One CMID under two names may also be a rename; one machine before and after its conversion is joined by the aliases.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from itertools import groupby

from estate.facts.kms import KmsContact, KmsGuestReading
from kms.core.machines import AliasBook, canonical_uuid, same_name
from kms.core.policy import DEFAULT_POLICY, KmsPolicy

REMEDY = (
    "On each clone: check that RemainingWindowsReArmCount is 1 or more, run `slmgr /rearm`, reboot, run `slmgr /ato`; "
    "then generalise the image (`sysprep /generalize`, no SkipRearm)."
)


class DuplicateKind(StrEnum):
    """CERTAIN: two machines for sure. POSSIBLE_RENAME: one name simply followed the other.

    ROLLBACK_PAIR: one machine's old and new copy both ran, as a rollback test makes them; expected and harmless to the count.
    """

    CERTAIN = "certain"
    POSSIBLE_RENAME = "possible_rename"
    ROLLBACK_PAIR = "rollback_pair"


@dataclass(frozen=True, slots=True)
class Sighting:
    """One machine seen with a CMID, by an event of the host (no UUID in there) or by a reading of the guest."""

    cmid: str
    name: str
    seen_at: datetime
    smbios_uuid: str | None = None


@dataclass(frozen=True, slots=True)
class DuplicateCmid:
    """One CMID used by several machines within the window; all of them count once.

    `rearms_left`: how often each machine that was read can still be rearmed, by its name.
    """

    cmid: str
    machines: tuple[str, ...]
    kind: DuplicateKind
    remedy: str = REMEDY
    rearms_left: tuple[tuple[str, int], ...] = ()


def sightings_of(contacts: Iterable[KmsContact]) -> tuple[Sighting, ...]:
    """What a host's events say about who uses which CMID."""
    return tuple(Sighting(contact.cmid, contact.machine_name, contact.seen_at) for contact in contacts)


def sightings_of_guests(guests: Iterable[KmsGuestReading]) -> tuple[Sighting, ...]:
    """What guests say of themselves about who uses which CMID; an unnamed one or one without CMID says nothing."""
    return tuple(
        Sighting(
            guest.cmid, guest.computer_name, guest.collected_at, guest.smbios_uuid if isinstance(guest.smbios_uuid, str) else None
        )
        for guest in guests
        if isinstance(guest.cmid, str) and isinstance(guest.computer_name, str)
    )


def with_rearms(duplicate: DuplicateCmid, guests: Sequence[KmsGuestReading]) -> DuplicateCmid:
    """The duplicate with the rearms its machines have left by their newest readings, and what to do where there is none."""
    left: dict[str, int] = {}
    for guest in guests:
        if guest.cmid == duplicate.cmid and isinstance(guest.rearms_left, int) and isinstance(guest.computer_name, str):
            left[guest.computer_name] = guest.rearms_left
    spent = [name for name, number in left.items() if number < 1]
    more = f" No rearm is left on {', '.join(spent)}: make it anew from a generalised image." if spent else ""
    return replace(duplicate, rearms_left=tuple(sorted(left.items())), remedy=duplicate.remedy + more)


def duplicate_cmids(
    sightings: Iterable[Sighting], *, at: datetime, book: AliasBook, policy: KmsPolicy = DEFAULT_POLICY
) -> tuple[DuplicateCmid, ...]:
    """Every CMID seen with two or more machines in the window before `at`, by CMID."""
    by_cmid: dict[str, list[Sighting]] = defaultdict(list)
    for sighting in sightings:
        if at - policy.window < sighting.seen_at <= at:
            by_cmid[sighting.cmid].append(sighting)
    found = (_judge(cmid, by_cmid[cmid], book) for cmid in sorted(by_cmid))
    return tuple(duplicate for duplicate in found if duplicate is not None)


def _judge(cmid: str, sightings: list[Sighting], book: AliasBook) -> DuplicateCmid | None:
    if len({(sighting.name, sighting.smbios_uuid) for sighting in sightings}) == 1:
        return None
    ordered = sorted(sightings, key=lambda sighting: sighting.seen_at)
    machines = _machine_labels(ordered, book)
    distinct = tuple(dict.fromkeys(machines))
    if len(distinct) > 1:
        return DuplicateCmid(cmid, distinct, _kind(ordered, machines))
    uuids = [canonical_uuid(sighting.smbios_uuid) for sighting in ordered if sighting.smbios_uuid]
    if _alternates(uuids):
        return DuplicateCmid(cmid, distinct, DuplicateKind.ROLLBACK_PAIR)
    return None


def _machine_labels(ordered: list[Sighting], book: AliasBook) -> list[str]:
    """One label per sighting; sightings of one machine get the same label, whichever of its names they carry."""
    label_by_uuid: dict[str, str] = {}
    labels: list[str] = []
    for sighting in ordered:
        uuid = canonical_uuid(sighting.smbios_uuid) if sighting.smbios_uuid else None
        known = book.find(name=sighting.name, smbios_uuid=uuid)
        if known is not None:
            label = known.label
        elif uuid is not None:
            label = label_by_uuid.setdefault(uuid, _label_of_event(sighting.name, labels, label_by_uuid))
        else:
            label = next((seen for seen in labels if same_name(seen, sighting.name)), sighting.name)
        labels.append(label)
    return labels


def _label_of_event(name: str, labels: list[str], label_by_uuid: dict[str, str]) -> str:
    """The label that events gave this name, who know no UUID, unless another UUID has it already; else the name itself."""
    taken = set(label_by_uuid.values())
    return next((seen for seen in labels if seen not in taken and same_name(seen, name)), name)


def _kind(ordered: list[Sighting], machines: list[str]) -> DuplicateKind:
    uuids = {canonical_uuid(sighting.smbios_uuid) for sighting in ordered if sighting.smbios_uuid}
    if len(set(machines)) > 2 or _alternates(machines) or len(uuids) > 1:
        return DuplicateKind.CERTAIN
    return DuplicateKind.POSSIBLE_RENAME


def _alternates(labels: list[str] | list[str | None]) -> bool:
    """Whether a label comes back after another one was seen: a renamed machine never does."""
    runs = [label for label, _ in groupby(labels)]
    return len(runs) > len(set(runs))
