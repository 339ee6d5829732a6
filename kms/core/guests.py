"""Each Windows guest after its move: pending, contacted, licensed, or in grace with the days left. Pure.

What the guest said itself and what it told a KMS host are one line of evidence; only what is newer than the move counts, and the
newest decides. Silence is never a pass. Source of the states: LicenseStatus of SoftwareLicensingProduct, MS Learn.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum

from estate.facts.kms import KmsContact, KmsGuestReading
from estate.facts.unknown import Unknown
from kms.core.machines import MachineAlias, MovedMachine, canonical_uuid, name_key

CRITICAL_DAYS = 3  # ours, as is the next
WARN_DAYS = 10
KMS_CLIENT = "VOLUME_KMSCLIENT"
_GRACE = frozenset({2, 3, 4, 6})


class Stage(StrEnum):
    """Where a guest is on its way. UNLICENSED: it says so itself, or its time has run out."""

    PENDING = "pending"
    CONTACTED = "contacted"
    LICENSED = "licensed"
    GRACE = "grace"
    UNLICENSED = "unlicensed"


class Alarm(StrEnum):
    """How urgent it is. UNKNOWN: it is in grace and nobody knows for how long."""

    NONE = "none"
    WARN = "warn"
    CRITICAL = "critical"
    UNKNOWN = "unknown"


class Confidence(IntEnum):
    """How sure it is that a reading is of a machine, best last: by name or CMID, by both, by the ledger's UUID."""

    POSSIBLE = 1
    PROBABLE = 2
    CERTAIN = 3


@dataclass(frozen=True, slots=True)
class Channel:
    """How a way of activation fares on Xen: what is wrong with it and what to do; both empty where nothing is."""

    detail: str = ""
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class FollowedGuest:
    """A moved machine and how its Windows stands.

    `days_left` is None while licensed for good or unknown; `because` says what it rests on; `confidence` and `reading_at` are of
    the newest reading of the guest itself, None without one. `channel_problem` is what is wrong with its way of activation.
    """

    moved: MovedMachine
    stage: Stage
    alarm: Alarm
    days_left: float | None
    because: str
    contacted_at: datetime | None = None
    reading_at: datetime | None = None
    confidence: Confidence | None = None
    channel: str = ""
    channel_problem: Channel = Channel()

    def lasts_until(self, until: datetime, at: datetime) -> bool | None:
        """Whether what it has now, grace or validity, reaches `until` without another activation; None while nobody knows."""
        if self.stage is Stage.UNLICENSED:
            return False
        if self.days_left is None:
            return True if self.stage is Stage.LICENSED else None
        return at + timedelta(days=self.days_left) >= until


@dataclass(frozen=True, slots=True)
class _Evidence:
    """One thing seen after the move: the state then, the minutes it still had, and whether the guest itself was read."""

    at: datetime
    status: int | Unknown
    minutes_left_min: int | Unknown
    of_guest: bool


class GuestBook:
    """The moved machines, looked up by their copy's UUID, names and CMIDs: a site has thousands.

    `cmid_of` holds the CMID that each machine id was last seen with.
    """

    def __init__(self, moved: Iterable[MovedMachine], cmid_of: Mapping[str, str]) -> None:
        self._by_uuid: dict[str, list[MovedMachine]] = defaultdict(list)
        self._by_name: dict[str, list[MovedMachine]] = defaultdict(list)
        self._by_cmid: dict[str, list[MovedMachine]] = defaultdict(list)
        for each in moved:
            uuid, seen_with = canonical_uuid(each.copy_uuid), cmid_of.get(each.machine.machine_id)
            if uuid is not None:
                self._by_uuid[uuid].append(each)
            for key in {name_key(name) for name in each.machine.names}:
                self._by_name[key].append(each)
            for cmid in {*each.machine.cmids, *([seen_with] if seen_with else [])}:
                self._by_cmid[cmid].append(each)

    def find(self, reading: KmsGuestReading) -> tuple[MovedMachine, Confidence] | None:
        """The one machine a reading is of; None when nobody or more than one fits.

        By the copy's UUID first (either byte order); where both sides have one and they differ, the names are of two computers:
        then the original was read, or another machine of that name.
        """
        uuid = None if isinstance(reading.smbios_uuid, Unknown) else canonical_uuid(reading.smbios_uuid)
        by_uuid = self._by_uuid.get(uuid, []) if uuid is not None else []
        if by_uuid:
            return (by_uuid[0], Confidence.CERTAIN) if len(by_uuid) == 1 else None
        likeness: dict[str, int] = defaultdict(int)
        fitting = {each.machine.machine_id: each for each in (*self.named(reading.computer_name), *self._using(reading.cmid))}
        for each in (*self.named(reading.computer_name), *self._using(reading.cmid)):
            if uuid is None or canonical_uuid(each.copy_uuid) is None:
                likeness[each.machine.machine_id] += 1
        best = max(likeness.values(), default=0)
        ids = [machine_id for machine_id, number in likeness.items() if number == best]
        return (fitting[ids[0]], Confidence(best)) if len(ids) == 1 else None

    def named(self, name: str | Unknown) -> list[MovedMachine]:
        """The machines that go by a name, short, full or cut."""
        if isinstance(name, Unknown):
            return []
        return [each for each in self._by_name.get(name_key(name), ()) if each.machine.goes_by(name)]

    def _using(self, cmid: str | Unknown) -> list[MovedMachine]:
        """A CMID that is known and differs takes nothing away: a move may regenerate it."""
        return [] if isinstance(cmid, Unknown) else self._by_cmid.get(cmid, [])


def is_of(machine: MachineAlias, reading: KmsGuestReading) -> bool:
    """Whether a reading is of this machine, before or after its move: by UUID where both have one, else by name."""
    uuid = None if isinstance(reading.smbios_uuid, Unknown) else canonical_uuid(reading.smbios_uuid)
    return machine.is_computer("" if isinstance(reading.computer_name, Unknown) else reading.computer_name, uuid)


def follow(
    moved: MovedMachine,
    readings: Iterable[tuple[KmsGuestReading, Confidence]],
    contacts: Iterable[KmsContact],
    *,
    at: datetime,
) -> FollowedGuest:
    """How the guest stands at `at`, by its own readings and its requests at KMS hosts, both of any time."""
    own = [(reading, sure) for reading, sure in readings if moved.since <= reading.collected_at <= at]
    newest, sure = max(own, key=lambda each: (each[0].collected_at, each[1]), default=(None, None))
    asked = [contact for contact in contacts if moved.since <= contact.seen_at <= at]
    last = max(asked, key=lambda contact: contact.seen_at, default=None)
    evidence = [_Evidence(r.collected_at, r.license_status, r.minutes_left_min, True) for r in ([newest] if newest else [])]
    evidence += [_Evidence(c.seen_at, c.license_state, c.minutes_to_expiration_min, False) for c in ([last] if last else [])]
    decides = max(evidence, key=lambda each: (each.at, each.of_guest), default=None)
    channel = "" if newest is None or isinstance(newest.channel, Unknown) else newest.channel
    problem = channel_problem(channel, newest.by_directory if newest else False)
    stage, days_left = _stage(decides, bool(asked), at)
    return FollowedGuest(
        moved=moved,
        stage=stage,
        alarm=_alarm(stage, days_left, problem, decides),
        days_left=days_left,
        because=_because(decides),
        contacted_at=last.seen_at if last else None,
        reading_at=newest.collected_at if newest else None,
        confidence=sure,
        channel=channel,
        channel_problem=problem,
    )


def _stage(decides: _Evidence | None, has_asked: bool, at: datetime) -> tuple[Stage, float | None]:
    if decides is None or isinstance(decides.status, Unknown):
        return (Stage.CONTACTED if has_asked else Stage.PENDING), None
    endless = decides.status == 1 and decides.minutes_left_min == 0
    days_left = None if endless else _days_left(decides, at)
    if days_left is not None and days_left <= 0 and decides.status in _GRACE | {1}:
        return Stage.UNLICENSED, 0.0
    if decides.status == 1:
        return Stage.LICENSED, days_left
    if not decides.of_guest:
        # The request tells the state before the answer; whether the host activated it is not in the event.
        return Stage.CONTACTED, days_left if decides.status in _GRACE else None
    return (Stage.GRACE, days_left) if decides.status in _GRACE else (Stage.UNLICENSED, 0.0)


def _days_left(evidence: _Evidence, at: datetime) -> float | None:
    if isinstance(evidence.minutes_left_min, Unknown):
        return None
    left = evidence.at + timedelta(minutes=evidence.minutes_left_min) - at
    return max(0.0, left / timedelta(days=1))


def _alarm(stage: Stage, days_left: float | None, problem: Channel, decides: _Evidence | None) -> Alarm:
    if stage is Stage.UNLICENSED:
        return Alarm.CRITICAL
    if stage is Stage.LICENSED:
        return Alarm.NONE if days_left is None or days_left > WARN_DAYS else alarm_of(days_left)
    if days_left is not None:
        return Alarm.WARN if problem.detail and alarm_of(days_left) is Alarm.NONE else alarm_of(days_left)
    if stage is Stage.GRACE or (decides is not None and isinstance(decides.status, Unknown)):
        return Alarm.UNKNOWN
    return Alarm.WARN if problem.detail or stage is Stage.CONTACTED else Alarm.NONE


def alarm_of(days_left: float) -> Alarm:
    """The alarm of a time that runs out: critical at 3 days or less, a warning at 10 or less."""
    if days_left <= CRITICAL_DAYS:
        return Alarm.CRITICAL
    return Alarm.WARN if days_left <= WARN_DAYS else Alarm.NONE


def _because(decides: _Evidence | None) -> str:
    if decides is None:
        return "neither a reading of the guest nor a request at a KMS host since it moved"
    if decides.of_guest:
        return f"the guest was read at {decides.at:%Y-%m-%d %H:%M} UTC"
    return f"it asked a KMS host at {decides.at:%Y-%m-%d %H:%M} UTC and said its state then"


def channel_problem(channel: str, by_directory: bool) -> Channel:
    """What is wrong with a way of activation after a move to Xen, and what to do. Source: MS Learn, "KMS activation planning"."""
    if by_directory or channel in ("", KMS_CLIENT):
        return Channel()
    told = (text for begin, *text in _CHANNELS if channel.startswith(begin))
    detail, remedy = next(told, ("this channel is not known to use KMS", "Check how this Windows is to be activated."))
    return Channel(detail, remedy)


_CHANNELS = (
    (
        "VOLUME_MAK",
        "it uses a MAK, asks no KMS host and counts for none; new hardware may need one more activation",
        "Check how many activations the MAK has left, or install the KMS client key of its edition and run `slmgr /ato`.",
    ),
    (
        "VOLUME_KMS_",
        "it carries a KMS host key and is a KMS host itself",
        "A KMS host moves alone; activate it again after the move.",
    ),
    (
        "OEM_",
        "its OEM licence belongs to the hardware it came with and does not go along",
        "Licence it anew: install the KMS client key of its edition and let it ask KMS.",
    ),
    (
        "RETAIL",
        "its retail key asks no KMS host and has to be activated again on new hardware",
        "Activate it again, or install the KMS client key.",
    ),
    (
        "VIRTUAL_MACHINE_ACTIVATION",
        "it is activated by its Hyper-V host (AVMA), which Xen cannot do",
        "Install the KMS client key of its edition (`slmgr /ipk`) and run `slmgr /ato`.",
    ),
    (
        "TIMEBASED_",
        "it is an evaluation, which KMS never activates",
        "Convert the edition (`dism /online /set-edition`), then install the KMS client key.",
    ),
)
