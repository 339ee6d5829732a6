"""The verdict on a wave: which hosts its machines rely on, what each will count at its lowest, and the worst of it.

Pure. The values are in verdict.py, the sentences in reasons.py, the days to come in forecast.py.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from estate.facts.kms import KmsContact
from estate.facts.unknown import Unknown
from kms.core.alarm import Level, level_of
from kms.core.duplicates import DuplicateCmid, duplicate_cmids, sightings_of, sightings_of_guests, with_rearms
from kms.core.forecast import Forecast, ForecastDay, forecast
from kms.core.guests import Channel, channel_problem, is_of
from kms.core.machines import MachineAlias, canonical_uuid, name_key
from kms.core.observed import HostHistory, Quality, is_client_edition
from kms.core.placement import shared_fates
from kms.core.plan import Plan, PlannedMove
from kms.core.policy import DEFAULT_POLICY, KmsPolicy, Threshold
from kms.core.reasons import headline, reasons_for
from kms.core.verdict import HostVerdict, KmsVerdict, Reason, VerdictQuestion

_WORST_FIRST = (Level.LOW, Level.UNKNOWN, Level.PARTIAL, Level.TIGHT, Level.OK)
_WORST_QUALITY_FIRST = (Quality.PARTIAL, Quality.LOWER_BOUND, Quality.EXACT)


def judge(question: VerdictQuestion, histories: Sequence[HostHistory], policy: KmsPolicy = DEFAULT_POLICY) -> KmsVerdict:
    """The verdict on `question`. Without machines it holds for every client the hosts count today."""
    rolls = [_Roll.of(history, question, policy) for history in histories]
    seen = {roll_machine for roll in rolls for roll_machine in (*roll.cmid_by_machine, *roll.own_machines)}
    not_seen = tuple(planned.machine for planned in question.machines if planned.machine.machine_id not in seen)
    hosts = tuple(_judge_host(roll, not_seen, question, policy) for roll in _concerned(rolls, bool(not_seen)))
    duplicates = _duplicates(histories, question, policy)
    fates = tuple(shared_fates(histories, question.placements, question.now))
    return _combine(question, hosts, duplicates, not_seen, fates, hosts_known=len(histories))


@dataclass(frozen=True, slots=True)
class _Roll:
    """One host's list of clients: the last contact of every CMID in the window, and the planned machines found among them."""

    history: HostHistory
    last_contact: dict[str, KmsContact]
    cmid_by_machine: dict[str, str]
    own_machines: tuple[str, ...]

    @property
    def host_moves(self) -> bool:
        """Whether the KMS host itself is one of the machines that move."""
        return bool(self.own_machines)

    @staticmethod
    def of(history: HostHistory, question: VerdictQuestion, policy: KmsPolicy) -> _Roll:
        recent = (c for c in history.contacts(question.now) if question.now - c.seen_at < policy.window)
        last_contact = {contact.cmid: contact for contact in recent}
        by_name: dict[str, list[KmsContact]] = defaultdict(list)
        for contact in last_contact.values():
            by_name[name_key(contact.machine_name)].append(contact)
        found = {p.machine.machine_id: _cmid_of(p.machine, last_contact, by_name) for p in question.machines}
        cmid_by_machine = {machine: cmid for machine, cmid in found.items() if cmid is not None}
        return _Roll(history, last_contact, cmid_by_machine, _own_machines(history, question))


def _own_machines(history: HostHistory, question: VerdictQuestion) -> tuple[str, ...]:
    """The machines of the wave that are the KMS host itself: they answer, and ask nobody."""
    reading = history.latest(question.now)
    name = history.name if reading is None else reading.host_name or history.name
    uuid = None if reading is None or isinstance(reading.smbios_uuid, Unknown) else canonical_uuid(reading.smbios_uuid)
    return tuple(p.machine.machine_id for p in question.machines if p.machine.is_computer(name, uuid))


def _cmid_of(machine: MachineAlias, last_contact: dict[str, KmsContact], by_name: dict[str, list[KmsContact]]) -> str | None:
    """The CMID the machine used last: by its known CMIDs, else by name."""
    known = [last_contact[cmid] for cmid in machine.cmids if cmid in last_contact]
    keys = {name_key(name) for name in machine.names}
    alike = (contact for key in keys for contact in by_name.get(key, ()))
    candidates = known or [contact for contact in alike if machine.goes_by(contact.machine_name)]
    latest = max(candidates, key=lambda contact: contact.seen_at, default=None)
    return latest.cmid if latest is not None else None


def _concerned(rolls: list[_Roll], some_not_seen: bool) -> list[_Roll]:
    """The hosts that know the wave's machines or move with them; all of them while one machine may turn to any."""
    knowing = [roll for roll in rolls if roll.cmid_by_machine or roll.host_moves]
    return knowing if knowing and not some_not_seen else rolls


def _judge_host(roll: _Roll, not_seen: tuple[MachineAlias, ...], question: VerdictQuestion, policy: KmsPolicy) -> HostVerdict:
    projected = _project(roll, question, policy)
    reading_age = None if projected.start.collected_at is None else question.now - projected.start.collected_at
    is_fresh = reading_age is not None and reading_age <= policy.stale_after
    lowest = projected.lowest(question.moves_at, question.moves_at + policy.horizon) if is_fresh else None
    server, client = (_projected_level(lowest, n) for n in Threshold)
    needs = _needs(roll, not_seen, question)
    refuses_servers = _serves_clients_only(roll.history, question)
    if refuses_servers and Threshold.SERVER in needs:
        server = Level.LOW
    return HostVerdict(
        host_id=roll.history.host_id,
        host_name=roll.history.name,
        state=_state(server, client, needs),
        server=server,
        client=client,
        count=projected.start,
        is_fresh=is_fresh,
        lowest=lowest,
        needs=tuple(sorted(n for n in needs if n is not None)),
        evidence_id=roll.history.evidence_id,
        host_moves=roll.host_moves,
        serves_clients_only=refuses_servers,
    )


def _serves_clients_only(history: HostHistory, question: VerdictQuestion) -> bool:
    reading = history.latest(question.now)
    return reading is not None and is_client_edition(reading.edition)


def _project(roll: _Roll, question: VerdictQuestion, policy: KmsPolicy) -> Forecast:
    days = days_ahead(question.now, question.moves_at, policy)
    return forecast(roll.history, now=question.now, days=days, plan=_plan(roll, question), policy=policy)


def days_ahead(now: datetime, moves_at: datetime, policy: KmsPolicy = DEFAULT_POLICY) -> int:
    """How many days a forecast has to look ahead to judge a move: until the horizon behind it."""
    return max(0, -((now - moves_at - policy.horizon) // timedelta(days=1)))


def plan_of(history: HostHistory, question: VerdictQuestion, policy: KmsPolicy = DEFAULT_POLICY) -> Plan:
    """What the question's machines mean for one host: the clients of it that move, and whether the host itself does."""
    return _plan(_Roll.of(history, question, policy), question)


def _plan(roll: _Roll, question: VerdictQuestion) -> Plan:
    policies = {planned.machine.machine_id: planned.cmid_policy for planned in question.machines}
    moves = tuple(PlannedMove(cmid, question.moves_at, policies[machine]) for machine, cmid in roll.cmid_by_machine.items())
    return Plan(moves, host_moves_at=question.moves_at if roll.host_moves else None)


def _projected_level(lowest: ForecastDay | None, required_count: int) -> Level:
    """PARTIAL where the bounds lie on both sides of N: the projection cannot tell."""
    if lowest is None:
        return Level.UNKNOWN
    level = level_of(lowest.lower, required_count)
    return Level.PARTIAL if level is Level.LOW and lowest.upper >= required_count else level


def _needs(roll: _Roll, not_seen: tuple[MachineAlias, ...], question: VerdictQuestion) -> frozenset[int | None]:
    """The N of every kind of machine concerned; None stands for a machine of which nobody knows server or client."""
    of_wave = {roll.last_contact[cmid].required_count for cmid in roll.cmid_by_machine.values()}
    needs = of_wave | {_need_of(machine) for machine in not_seen}
    if not question.machines or roll.host_moves:
        # A host that moves is away from everybody it serves, not from the wave alone.
        needs |= {contact.required_count for contact in roll.last_contact.values()}
    return frozenset(needs) or frozenset({Threshold.SERVER})


def _need_of(machine: MachineAlias) -> int | None:
    if isinstance(machine.is_server, Unknown):
        return None
    return Threshold.SERVER if machine.is_server else Threshold.CLIENT


def _state(server: Level, client: Level, needs: frozenset[int | None]) -> Level:
    """The worst level among the needs. A machine of unknown kind passes only where a client would."""
    level_by_need = {Threshold.SERVER.value: server, Threshold.CLIENT.value: client, None: _either(server, client)}
    return worst(level_by_need[None if need is None else _threshold_for(need)] for need in needs)


def _threshold_for(need: int) -> int:
    """The known threshold that covers an N; products so far ask for 5 or 25."""
    return Threshold.SERVER.value if need <= Threshold.SERVER else Threshold.CLIENT.value


def _either(server: Level, client: Level) -> Level:
    if Level.LOW in (server, client):
        return Level.LOW if server is Level.LOW else Level.UNKNOWN
    return client


def worst(levels: Iterable[Level]) -> Level:
    """The worst of some levels; UNKNOWN of none."""
    return min(levels, key=_WORST_FIRST.index, default=Level.UNKNOWN)


def _duplicates(histories: Sequence[HostHistory], question: VerdictQuestion, policy: KmsPolicy) -> tuple[DuplicateCmid, ...]:
    contacts = [contact for history in histories for contact in history.contacts(question.now)]
    sightings = (*sightings_of(contacts), *sightings_of_guests(question.guests))
    found = duplicate_cmids(sightings, at=question.now, book=question.book, policy=policy)
    return tuple(with_rearms(duplicate, question.guests) for duplicate in found)


def _wrong_channels(question: VerdictQuestion) -> tuple[tuple[MachineAlias, Channel], ...]:
    """The machines of the wave whose newest reading shows a way of activation that fails after the move."""
    found = []
    for planned in question.machines:
        own = [guest for guest in question.guests if is_of(planned.machine, guest)]
        newest = max(own, key=lambda guest: guest.collected_at, default=None)
        channel = "" if newest is None or isinstance(newest.channel, Unknown) else newest.channel
        problem = channel_problem(channel, by_directory=newest is not None and newest.by_directory)
        if problem.detail:
            found.append((planned.machine, problem))
    return tuple(found)


def _combine(
    question: VerdictQuestion,
    hosts: tuple[HostVerdict, ...],
    duplicates: tuple[DuplicateCmid, ...],
    not_seen: tuple[MachineAlias, ...],
    fates: tuple[Reason, ...],
    *,
    hosts_known: int,
) -> KmsVerdict:
    count = _smallest(hosts)
    gravest = min(hosts, key=lambda host: _WORST_FIRST.index(host.state), default=None)
    reasons = reasons_for(hosts, duplicates, not_seen, hosts_known=hosts_known, wrong_channels=_wrong_channels(question))
    detail, remedy = headline(gravest, reasons)
    reasons = (*reasons, *fates)
    lowest = [host.lowest for host in hosts if host.lowest is not None]
    return KmsVerdict(
        at=question.now,
        moves_at=question.moves_at,
        state=worst(host.state for host in hosts),
        quality=min((host.count.quality for host in hosts), key=_WORST_QUALITY_FIRST.index, default=None),
        count=count,
        server_ok=None if count is None else count >= Threshold.SERVER,
        client_ok=None if count is None else count >= Threshold.CLIENT,
        server=worst(host.server for host in hosts),
        client=worst(host.client for host in hosts),
        lowest=min(lowest, key=lambda day: day.lower, default=None),
        hosts=hosts,
        duplicates=duplicates,
        machines_not_seen=tuple(machine.label for machine in not_seen),
        reasons=reasons,
        detail=detail,
        remedy=remedy,
        evidence_id=gravest.evidence_id if gravest else "",
    )


def _smallest(hosts: tuple[HostVerdict, ...]) -> int | None:
    """Today's smallest count; None as soon as one host's is stale or unknown."""
    counts: list[int] = []
    for host in hosts:
        if not host.is_fresh or isinstance(host.count.count, Unknown):
            return None
        counts.append(host.count.count)
    return min(counts, default=None)
