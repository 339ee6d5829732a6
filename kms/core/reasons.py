"""The sentences behind a KMS verdict, each with a stable code and the next step.

Codes are cited by gates and reports: never renamed, never reused.
"""

from __future__ import annotations

from collections.abc import Iterator

from estate.facts.unknown import Unknown
from kms.core.alarm import Level
from kms.core.duplicates import DuplicateCmid
from kms.core.guests import Channel
from kms.core.machines import MachineAlias
from kms.core.observed import Quality
from kms.core.verdict import HostVerdict, Reason

_READ_AGAIN = "Run the collection script on this host and upload its JSON; a reading holds for 24 hours."


_SHOWN_ONLY = frozenset({"kms_log_incomplete", "kms_host_moves"})
"""Reasons that stand beside a state and do not explain it."""


def reasons_for(
    hosts: tuple[HostVerdict, ...],
    duplicates: tuple[DuplicateCmid, ...],
    not_seen: tuple[MachineAlias, ...],
    *,
    hosts_known: int,
    wrong_channels: tuple[tuple[MachineAlias, Channel], ...] = (),
) -> tuple[Reason, ...]:
    """Everything a person should know beside the state itself, gravest first per host. `hosts_known`: of the whole project."""
    channels = tuple(Reason("kms_wrong_channel", each.label, problem.detail, problem.remedy) for each, problem in wrong_channels)
    if not hosts:
        return (_no_host(), *channels)
    return (
        *(reason for host in hosts for reason in _of_host(host)),
        *_of_moving_hosts(hosts, hosts_known),
        *channels,
        *(_of_duplicate(duplicate) for duplicate in duplicates),
        *(_of_not_seen(machine) for machine in not_seen),
        *_of_few_hosts(hosts, hosts_known),
    )


def headline(gravest: HostVerdict | None, reasons: tuple[Reason, ...]) -> tuple[str, str]:
    """The verdict in one sentence, and its next step (empty when all is well): the first reason of the gravest host."""
    of_host = (reason for reason in reasons if gravest is None or reason.subject == gravest.host_name)
    reason = next((reason for reason in of_host if reason.code not in _SHOWN_ONLY), None)
    if reason is not None:
        return f"{reason.subject}: {reason.detail}", reason.remedy
    return ("", "") if gravest is None else (f"{gravest.host_name}: {_figures(gravest)}", "")


def _of_moving_hosts(hosts: tuple[HostVerdict, ...], hosts_known: int) -> Iterator[Reason]:
    moving = [host.host_name for host in hosts if host.host_moves]
    for name in moving:
        yield Reason(
            "kms_host_moves",
            name,
            f"{name} moves itself: its cache may be lost, and it may have to be activated again before it answers",
            "Move it in a wave of its own, activate it, and see its count reach what is needed before anything else moves.",
        )
    if len(moving) == hosts_known:
        yield Reason(
            "kms_all_hosts_move",
            "project",
            f"every KMS host of the project moves in this wave ({', '.join(moving)}): nobody may answer afterwards",
            "Take all but one out of the wave; where there is one only, add a second and let it be counted up first.",
        )


def _of_few_hosts(hosts: tuple[HostVerdict, ...], hosts_known: int) -> Iterator[Reason]:
    if hosts_known == 1:
        name = hosts[0].host_name
        detail = f"{name} is the only KMS host: while it is away nobody activates or renews"
        yield Reason("kms_single_host", "project", detail, "Add a second host; it counts for itself, so let clients ask both.")


def _no_host() -> Reason:
    return Reason(
        "kms_no_host",
        "project",
        "no KMS host is known in this project, so nobody knows whether Windows will activate after the move",
        "Add the project's KMS hosts and upload a reading of each.",
    )


def _of_host(host: HostVerdict) -> Iterator[Reason]:
    if host.count.collected_at is None:
        yield Reason("kms_reading_missing", host.host_name, "there is no reading of this KMS host", _READ_AGAIN)
    elif not host.is_fresh:
        detail = f"the newest reading is of {host.count.collected_at:%Y-%m-%d %H:%M} UTC, older than 24 hours"
        yield Reason("kms_reading_stale", host.host_name, detail, _READ_AGAIN)
    elif isinstance(host.count.count, Unknown):
        yield Reason("kms_count_unknown", host.host_name, host.count.count.reason, _READ_AGAIN)
    else:
        yield from _of_level(host)
    if host.serves_clients_only:
        detail = f"{host.host_name} runs a client Windows: its host key activates no server, whatever it counts"
        yield Reason("kms_host_wrong_os", host.host_name, detail, "Install a server host key on a Windows Server.")
    if host.count.quality is Quality.PARTIAL:
        yield from (
            Reason("kms_log_incomplete", host.host_name, note, "Read the count with care: it is a lower bound.")
            for note in host.count.notes
        )


def _of_level(host: HostVerdict) -> Iterator[Reason]:
    code_and_remedy = _LEVELS.get(host.state)
    if code_and_remedy is None or host.lowest is None:
        return
    yield Reason(code_and_remedy[0], host.host_name, _figures(host), code_and_remedy[1])


def _figures(host: HostVerdict) -> str:
    today = "at least " if host.count.at_cap else ""
    needed = " and ".join(str(n) for n in host.needs) or "5 or 25"
    lowest = "not projected"
    if host.lowest is not None:
        low, high = host.lowest.lower, host.lowest.upper
        lowest = f"{low if low == high else f'{low} to {high}'} at its lowest (on {host.lowest.at:%Y-%m-%d})"
    return f"the count is {today}{host.count.count} today and {lowest}; needed: {needed}"


_LEVELS = {
    Level.LOW: (
        "kms_low",
        "Bring more clients to this host before the wave, or activate these machines by Active Directory or MAK.",
    ),
    Level.TIGHT: ("kms_tight", "Keep retired machines running until the wave is activated, or add clients."),
    Level.PARTIAL: ("kms_partial", "Increase the event log size, or pilot one machine to learn whether its CMID is kept."),
    Level.UNKNOWN: (
        "kms_need_unknown",
        "Say of each machine not seen whether its Windows is a server or a client.",
    ),
}


def _of_duplicate(duplicate: DuplicateCmid) -> Reason:
    machines = ", ".join(duplicate.machines)
    rearms = ", ".join(f"{name} {number}" for name, number in duplicate.rearms_left)
    return Reason(
        "kms_duplicate_cmid",
        duplicate.cmid,
        f"{machines} use one CMID and count once ({duplicate.kind.value.replace('_', ' ')})"
        + (f"; rearms left: {rearms}" if rearms else ""),
        duplicate.remedy,
    )


def _of_not_seen(machine: MachineAlias) -> Reason:
    return Reason(
        "kms_machine_not_seen",
        machine.label,
        f"{machine.label} has not asked any known KMS host in 30 days",
        "Check its activation channel (MAK, OEM and retail do not use KMS) and that port 1688 is open to it.",
    )
