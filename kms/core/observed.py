"""Today's count of one host from its readings: what the host said, what its event log replays to, and how far to trust it.

Pure. A count at the cap is "at least"; a log that does not reach back over the window makes the replay a lower bound.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from msgspec.structs import replace

from estate.facts.kms import KmsContact, KmsReading
from estate.facts.unknown import UNKNOWN, Unknown
from kms.core.count import CountModel
from kms.core.policy import DEFAULT_POLICY, KmsPolicy, Threshold


class Quality(StrEnum):
    """How a count is meant: as is, at least (the cache is full), or resting on an incomplete or contradicting record."""

    EXACT = "exact"
    LOWER_BOUND = "lower_bound"
    PARTIAL = "partial"


@dataclass(frozen=True, slots=True)
class HostHistory:
    """One host and its readings, any order. `legacy` hosts (before Windows Server 2008 R2) never count virtual machines.

    `evidence_id` names the newest reading where it is stored, for whoever cites a verdict.
    """

    host_id: str
    name: str
    readings: tuple[KmsReading, ...]
    legacy: bool = False
    evidence_id: str = ""

    def latest(self, at: datetime, policy: KmsPolicy = DEFAULT_POLICY) -> KmsReading | None:
        """The newest reading collected at or before `at`. What it does not say of the computer, older ones do.

        An event log says no count: while a reading that does is no staler than a reading may be, that one is the newest.
        """
        taken = sorted((r for r in self.readings if r.collected_at <= at), key=lambda reading: reading.collected_at, reverse=True)
        if not taken:
            return None
        counted = next((reading for reading in taken if says_count(reading)), None)
        chosen = counted if counted and taken[0].collected_at - counted.collected_at <= policy.stale_after else taken[0]
        return _completed(chosen, taken)

    def contacts(self, at: datetime) -> tuple[KmsContact, ...]:
        """Every counted request up to `at`, in order of time, each once however many readings hold it."""
        unique = {(c.cmid, c.seen_at, c.machine_name): c for reading in self.readings for c in reading.contacts}
        counted = (contact for contact in unique.values() if contact.seen_at <= at and was_accepted(contact))
        return tuple(sorted(counted, key=lambda contact: contact.seen_at))

    def covered_from(self, at: datetime) -> datetime | None:
        """Since when the log at hand has no gap up to `at`; None where no event was read.

        Readings are chained: an older one extends the cover when it was collected after the newer one's oldest event. A log that
        is much older than the newest reading covers nothing up to it.
        """
        start: datetime | None = None
        newest = max((r.collected_at for r in self.readings if r.collected_at <= at), default=at)
        for reading in sorted(self.readings, key=lambda reading: reading.collected_at, reverse=True):
            begins = reading.log_covers_from
            reaches_to = newest - DEFAULT_POLICY.stale_after if start is None else start
            if isinstance(begins, Unknown) or begins > at or reading.collected_at < reaches_to:
                continue
            start = begins if start is None else min(start, begins)
        return start


def says_count(reading: KmsReading) -> bool:
    """Whether the reading is the host's own word: a count, that it keeps none yet, or that it is no host."""
    return not isinstance(reading.current_count, Unknown) or reading.is_kms_host is False


def _completed(reading: KmsReading, newest_first: list[KmsReading]) -> KmsReading:
    """The reading with the computer's name, UUID, version and edition where another one tells them."""
    changes = {}
    for name in ("smbios_uuid", "os_version", "edition", "description"):
        if isinstance(getattr(reading, name), Unknown):
            told = (getattr(other, name) for other in newest_first)
            changes[name] = next((value for value in told if not isinstance(value, Unknown)), UNKNOWN)
    if not reading.host_name:
        changes["host_name"] = next((other.host_name for other in newest_first if other.host_name), "")
    return replace(reading, **changes) if changes else reading


def is_legacy(os_version: str | Unknown) -> bool:
    """Whether a host of this version counts physical machines only: Windows before 6.1 (Server 2008 R2), e.g. `6.0.6002`.

    Source: Microsoft Learn "KMS activation planning". An unreadable version is taken as a present-day one.
    """
    found = None if isinstance(os_version, Unknown) else re.match(r"(\d{1,3})\.(\d{1,3})", os_version)
    return found is not None and (int(found[1]), int(found[2])) < (6, 1)


def is_client_edition(edition: str | Unknown) -> bool:
    """Whether a host key runs on a client Windows, which never activates servers. An edition not known here is taken as none.

    Source: Microsoft Learn "KMS activation planning" (a client host key activates clients only).
    """
    if isinstance(edition, Unknown):
        return False
    lowered = edition.lower()
    return "server" not in lowered and any(name in lowered for name in _CLIENT_EDITIONS)


_CLIENT_EDITIONS = ("professional", "enterprise", "education")


@dataclass(frozen=True, slots=True)
class HostCount:
    """One host's count at `at`.

    `count` is the figure to use; `observed` what the host itself said at `collected_at`, `modelled` what its log replays to.
    `unseen` clients are counted by the host but in no event at hand, `surplus` ones the other way round.
    """

    at: datetime
    count: int | Unknown
    observed: int | Unknown | None
    modelled: int
    cap: int
    quality: Quality
    collected_at: datetime | None = None
    unseen: int = 0
    surplus: int = 0
    covered_from: datetime | None = None
    notes: tuple[str, ...] = field(default=())

    @property
    def at_cap(self) -> bool:
        """Whether the figure means "at least"."""
        return self.cap > 0 and not isinstance(self.count, Unknown) and self.count >= self.cap


def was_accepted(contact: KmsContact) -> bool:
    """Whether the host took the request (HRESULT 0 and an N it can count for); refused ones never enter its cache."""
    return int(contact.result_code, 16) == 0 and contact.required_count >= 1


def replay(history: HostHistory, at: datetime, policy: KmsPolicy = DEFAULT_POLICY) -> CountModel:
    """The host's cache at `at`, from its log. An observed count above that log's cap shows a larger N asked before it began."""
    model = CountModel(policy, legacy=history.legacy, max_n=max_n_before(history, at, policy))
    _feed(model, history.contacts(at))
    return model


def _feed(model: CountModel, contacts: Iterable[KmsContact]) -> None:
    for contact in contacts:
        model.request(contact.seen_at, contact.cmid, contact.required_count, is_vm=contact.is_vm)


def _replay_past(
    history: HostHistory, reading: KmsReading | None, at: datetime, policy: KmsPolicy
) -> tuple[int, CountModel, bool]:
    """What the log replays to at the moment of the reading, the cache at `at`, and whether there was any request."""
    model = CountModel(policy, legacy=history.legacy, max_n=max_n_before(history, at, policy))
    contacts = history.contacts(at)
    read_at = at if reading is None else reading.collected_at
    _feed(model, (contact for contact in contacts if contact.seen_at <= read_at))
    then = model.count(read_at)
    _feed(model, (contact for contact in contacts if contact.seen_at > read_at))
    return then, model, bool(contacts)


def max_n_before(history: HostHistory, at: datetime, policy: KmsPolicy) -> int:
    """The largest N that must have been asked before the log begins, for an observed count to be as high as it is; else 0."""
    observed = [reading.current_count for reading in history.readings if reading.collected_at <= at]
    highest = max((count for count in observed if isinstance(count, int)), default=0)
    return min((n for n in Threshold if policy.cap_factor * n >= highest), default=Threshold.CLIENT) if highest else 0


def count_at(history: HostHistory, at: datetime, policy: KmsPolicy = DEFAULT_POLICY) -> HostCount:
    """The count of one host at `at`. `count` is UNKNOWN without any reading, or when the machine says it is no KMS host."""
    reading = history.latest(at, policy)
    then, model, was_asked = _replay_past(history, reading, at, policy)
    modelled, cap = model.count(at), model.cap
    observed = UNKNOWN if reading is None else reading.current_count
    covered_from = history.covered_from(at)
    notes = _notes(_unreadable(history, reading, at), covered_from, at, policy)
    count, gap = _figure(history.name, reading, modelled, then, was_asked)
    quality = Quality.PARTIAL if notes or gap else Quality.EXACT
    if cap and isinstance(count, int) and count >= cap:
        quality = Quality.LOWER_BOUND
    return HostCount(
        at=at,
        count=count,
        observed=observed,
        modelled=modelled,
        cap=cap,
        quality=quality,
        collected_at=reading.collected_at if reading else None,
        unseen=max(0, gap),
        surplus=max(0, -gap),
        covered_from=covered_from,
        notes=notes,
    )


def _figure(name: str, reading: KmsReading | None, modelled: int, then: int, was_asked: bool) -> tuple[int | Unknown, int]:
    """The count to use, and observed minus modelled (`then`) at the moment of the reading."""
    if reading is None:
        return (modelled if was_asked else Unknown("no reading of this host")), 0
    if reading.is_kms_host is False:
        return Unknown(f"{name} says it is not a KMS host"), 0
    if not isinstance(reading.current_count, int):
        return _without_observation(reading, modelled), 0
    return max(0, reading.current_count - max(0, then - modelled)), reading.current_count - then


def _without_observation(reading: KmsReading, modelled: int) -> int | Unknown:
    """A host that keeps no count yet has none; one whose count could not be read is known by its log only."""
    if reading.contacts or reading.current_count is None:
        return modelled
    return Unknown("the reading holds neither a count nor events")


def _unreadable(history: HostHistory, reading: KmsReading | None, at: datetime) -> int:
    """The events of the reading and of logs taken since that name no client."""
    since = at if reading is None else reading.collected_at
    return max((r.contacts_unreadable for r in history.readings if since <= r.collected_at <= at), default=0)


def _notes(unreadable: int, covered_from: datetime | None, at: datetime, policy: KmsPolicy) -> tuple[str, ...]:
    """What makes the replay incomplete, in words for people."""
    notes = []
    if covered_from is None:
        notes.append("no event 12290 was read")
    elif at - covered_from < policy.window:
        days = (at - covered_from) // timedelta(days=1)
        notes.append(f"the event log covers {days} of {policy.window.days} days: increase the log size of Key Management Service")
    if unreadable:
        notes.append(f"{unreadable} events name no client")
    return tuple(notes)
