"""The sentences behind a KMS verdict, each with a stable code and the next step.

Codes are cited by gates and reports: never renamed, never reused.
"""

from __future__ import annotations

from collections.abc import Iterator

from estate.facts.unknown import Unknown
from kms.core.alarm import Level
from kms.core.duplicates import DuplicateCmid
from kms.core.machines import MachineAlias
from kms.core.observed import Quality
from kms.core.verdict import HostVerdict, Reason

_READ_AGAIN = "Run the collection script on this host and upload its JSON; a reading holds for 24 hours."


def reasons_for(
    hosts: tuple[HostVerdict, ...], duplicates: tuple[DuplicateCmid, ...], not_seen: tuple[MachineAlias, ...]
) -> tuple[Reason, ...]:
    """Everything a person should know beside the state itself, gravest first per host."""
    if not hosts:
        return (_no_host(),)
    of_hosts = (reason for host in hosts for reason in _of_host(host))
    return (*of_hosts, *(_of_duplicate(duplicate) for duplicate in duplicates), *(_of_not_seen(m) for m in not_seen))


def headline(gravest: HostVerdict | None, reasons: tuple[Reason, ...]) -> tuple[str, str]:
    """The verdict in one sentence, and its next step (empty when all is well): the first reason of the gravest host."""
    of_host = (reason for reason in reasons if gravest is None or reason.subject == gravest.host_name)
    reason = next((reason for reason in of_host if reason.code != "kms_log_incomplete"), None)
    if reason is not None:
        return f"{reason.subject}: {reason.detail}", reason.remedy
    return ("", "") if gravest is None else (f"{gravest.host_name}: {_figures(gravest)}", "")


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
    return Reason(
        "kms_duplicate_cmid",
        duplicate.cmid,
        f"{machines} use one CMID and count once ({duplicate.kind.value.replace('_', ' ')})",
        duplicate.remedy,
    )


def _of_not_seen(machine: MachineAlias) -> Reason:
    return Reason(
        "kms_machine_not_seen",
        machine.label,
        f"{machine.label} has not asked any known KMS host in 30 days",
        "Check its activation channel (MAK, OEM and retail do not use KMS) and that port 1688 is open to it.",
    )
