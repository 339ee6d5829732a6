"""Reading the guests that moved: each with its newest readings and its requests at the project's KMS hosts."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from estate.facts.kms import KmsContact, KmsGuestReading
from estate.facts.unknown import Unknown
from kms import waves
from kms.core.guests import Alarm, Confidence, FollowedGuest, GuestBook, follow
from kms.core.machines import MovedMachine
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
    contacts, nameless = _by_machine(asked, moved)
    book = GuestBook(moved, {machine_id: max(own, key=lambda c: c.seen_at).cmid for machine_id, own in contacts.items()})
    readings: dict[str, list[tuple[KmsGuestReading, Confidence]]] = defaultdict(list)
    not_linked: dict[str, None] = {}
    for reading in guest_readings(project, at=at):
        found = book.find(reading)
        if found is None:
            not_linked["unnamed" if isinstance(reading.computer_name, Unknown) else reading.computer_name] = None
            continue
        machine_id = found[0].machine.machine_id
        readings[machine_id].append((reading, found[1]))
        contacts[machine_id] += nameless.get(reading.cmid, ()) if isinstance(reading.cmid, str) else ()
    followed = [follow(m, readings[m.machine.machine_id], contacts[m.machine.machine_id], at=at) for m in moved]
    ordered = sorted(followed, key=lambda each: (_WORST_FIRST.index(each.alarm), each.moved.machine.label.casefold()))
    return GuestsNow(tuple(ordered), tuple(sorted(not_linked, key=str.casefold)))


def _by_machine(
    asked: list[KmsContact], moved: list[MovedMachine]
) -> tuple[dict[str, list[KmsContact]], dict[str, list[KmsContact]]]:
    """The requests of each machine by its names, and by CMID those that carry no moved machine's name."""
    book = GuestBook(moved, {})
    found: dict[str, list[KmsContact]] = defaultdict(list)
    nameless: dict[str, list[KmsContact]] = defaultdict(list)
    for contact in asked:
        owners = book.named(contact.machine_name)
        if len(owners) == 1:
            found[owners[0].machine.machine_id].append(contact)
        elif not owners:
            nameless[contact.cmid].append(contact)
    return found, nameless
