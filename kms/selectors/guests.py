"""Reading the guests that moved: each with its newest readings and its requests at the project's KMS hosts."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from estate.facts.kms import KmsContact, KmsGuestReading
from estate.facts.unknown import Unknown
from kms import waves
from kms.core.guests import Alarm, Confidence, FollowedGuest, follow, link
from kms.core.machines import MovedMachine, name_key
from kms.selectors import history_of, hosts
from kms.selectors.guest_readings import guest_readings
from project.backbone.models import Project

_WORST_FIRST = (Alarm.CRITICAL, Alarm.UNKNOWN, Alarm.WARN, Alarm.NONE)


@dataclass(frozen=True, slots=True)
class GuestsNow:
    """Every Windows machine that moved, the most urgent first, and the computers whose readings are of none of them."""

    guests: tuple[FollowedGuest, ...]
    not_linked: tuple[str, ...]


def guests_now(project: Project, *, at: datetime) -> GuestsNow:
    """How each guest stands at `at`."""
    moved = waves.moved(project)
    asked = [contact for host in hosts(project) for contact in history_of(host, at=at).contacts(at)] if moved else []
    contacts, nameless = _by_name(asked, moved)
    cmid_of = {machine_id: max(own, key=lambda c: c.seen_at).cmid for machine_id, own in contacts.items()}
    readings: dict[str, list[tuple[KmsGuestReading, Confidence]]] = defaultdict(list)
    not_linked: dict[str, None] = {}
    for reading in guest_readings(project, at=at):
        found = link(reading, moved, cmid_of)
        if found is None:
            not_linked["unnamed" if isinstance(reading.computer_name, Unknown) else reading.computer_name] = None
            continue
        readings[found[0].machine.machine_id].append((reading, found[1]))
        contacts[found[0].machine.machine_id] += [contact for contact in nameless if contact.cmid == reading.cmid]
    followed = [follow(m, readings[m.machine.machine_id], contacts[m.machine.machine_id], at=at) for m in moved]
    ordered = sorted(followed, key=lambda each: (_WORST_FIRST.index(each.alarm), each.moved.machine.label.casefold()))
    return GuestsNow(tuple(ordered), tuple(sorted(not_linked, key=str.casefold)))


def _by_name(asked: list[KmsContact], moved: list[MovedMachine]) -> tuple[dict[str, list[KmsContact]], list[KmsContact]]:
    """The requests of each machine by its names, and those that carry no moved machine's name: a CMID may tell whose they are."""
    by_name: dict[str, list[MovedMachine]] = defaultdict(list)
    for each in moved:
        for key in {name_key(name) for name in each.machine.names}:
            by_name[key].append(each)
    found: dict[str, list[KmsContact]] = defaultdict(list)
    nameless: list[KmsContact] = []
    for contact in asked:
        owners = [m for m in by_name.get(name_key(contact.machine_name), ()) if m.machine.goes_by(contact.machine_name)]
        if len(owners) == 1:
            found[owners[0].machine.machine_id].append(contact)
        elif not owners:
            nameless.append(contact)
    return found, nameless
