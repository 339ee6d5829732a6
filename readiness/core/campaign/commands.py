"""The exact commands of a campaign, filled in with this pool's uuids, for a person to run. Nothing here runs them.

What a pool calls itself is quoted for a shell.
Source: rules TMO-12 to TMO-14 and HA-09; xen-api CLI (`pool-ha-enable`, `host-emergency-ha-disable`).
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from estate.facts.pool import PoolFacts, SrFacts
from estate.facts.unknown import Unknown
from readiness.core.case import Case, heartbeat_sr, pbd_of, statefiles_in_use
from readiness.core.timeouts import derive

EMERGENCY = "xe host-emergency-ha-disable --force"


@dataclass(frozen=True, slots=True)
class Command:
    """One line to type: where, what, and what to see before going on."""

    where: str
    line: str
    expect: str = ""


def _coordinator(facts: PoolFacts) -> str:
    name = next((host.name for host in facts.hosts if host.uuid == facts.coordinator_uuid), "the pool coordinator")
    return f"SSH to {name}"


def _scsi_id(case: Case, sr: SrFacts) -> str | None:
    ids = {pbd.scsi_id for host in case.facts.hosts if (pbd := pbd_of(case.facts, sr, host)) is not None and pbd.scsi_id}
    return ids.pop() if len(ids) == 1 else None


def lookup_commands(case: Case) -> tuple[Command, ...]:
    """How to look the heartbeat SR's uuid up by hand: by its SCSI id, or by uuid where the SR has none (NFS)."""
    where, sr = _coordinator(case.facts), heartbeat_sr(case.facts)
    if isinstance(sr, Unknown):
        line = "xe sr-list shared=true params=uuid,type,name-label"
        return (Command(where, line, f"choose the heartbeat SR by hand: {sr.reason}"),)
    scsi_id = _scsi_id(case, sr)
    if scsi_id is None:
        line = f"xe sr-list uuid={shlex.quote(sr.uuid)} params=uuid,type,name-label"
        return (Command(where, line, f"one SR, {sr.name} of type {sr.kind}"),)
    hosts = len(case.facts.hosts)
    text = f"{hosts} blocks, one per host, each attached, and in all of them sr-uuid {sr.uuid}"
    line = f"xe pbd-list device-config:SCSIid={shlex.quote(scsi_id)} params=host-uuid,sr-uuid,currently-attached"
    return (Command(where, line, text),)


def timeout_commands(case: Case, timeout_s: int) -> tuple[Command, ...]:
    """Look the SR up, keep the value as the pool's default, switch HA off and on with it, and look that it is in force.

    A product generation that loses the default on re-enable is given no default.
    """
    facts, where, sr = case.facts, _coordinator(case.facts), heartbeat_sr(case.facts)
    sr_uuid = "<heartbeat-sr-uuid>" if isinstance(sr, Unknown) else shlex.quote(sr.uuid)
    pool_uuid = shlex.quote(facts.uuid)
    keep = Command(where, f"xe pool-param-set uuid={pool_uuid} other-config:default_ha_timeout={timeout_s}")
    off = Command(where, "xe pool-ha-disable", "it returns without an error; HA is off from here on")
    on = Command(where, f"xe pool-ha-enable heartbeat-sr-uuids={sr_uuid} ha-config:timeout={timeout_s}", "it returns in minutes")
    look = Command(
        where,
        f"xe pool-list uuid={pool_uuid} params=ha-enabled,ha-configuration",
        f"ha-enabled true and timeout: {timeout_s} within {derive(timeout_s).join_s} s; do not restart the toolstack",
    )
    first = (keep,) if case.policy.default_survives_reenable else ()
    return (*lookup_commands(case), *first, *((off,) if facts.ha_enabled is not False else ()), on, look)


def latency_commands(case: Case) -> tuple[Command, ...]:
    """How to have each host keep its state-file latency, which it does not by itself; none while the state file is not known."""
    files = statefiles_in_use(case.facts)
    if isinstance(files, Unknown) or not files:
        return ()
    source = shlex.quote(f"statefile/{files[0].vdi_uuid}/latency")
    text = "then a trial's latency is read from the host's statistics; without it a person has to measure it"
    lines = (f"xe host-data-source-record uuid={shlex.quote(host.uuid)} data-source={source}" for host in case.facts.hosts)
    return tuple(Command(_coordinator(case.facts), line, text) for line in lines)


def emergency_runbook(facts: PoolFacts) -> tuple[Command, ...]:
    """The way out of endless fencing, per host. The service never runs it: hosts that disagree on who lives destroy disks."""
    text = "two people agree, and know that the other hosts are down or do the same; HA stays off until it is enabled anew"
    return tuple(Command(f"console of {host.name} ({host.address}, uuid {host.uuid})", EMERGENCY, text) for host in facts.hosts)
