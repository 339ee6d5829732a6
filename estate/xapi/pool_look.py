"""A short look at a pool: a fixed handful of calls, for watching it every few seconds while storage is pulled."""

from __future__ import annotations

import xmlrpc.client
from datetime import datetime, timedelta

from msgspec.structs import replace

from estate.connection import Connection
from estate.facts.pool_look import HostLook, MessageLook, PoolLook
from estate.facts.unknown import Unknown
from estate.xapi.members import asked_of_any
from estate.xapi.pool_network import boot_time_of
from estate.xapi.pool_storage import path_counts_of
from estate.xapi.records import Record, Snapshot, Table
from estate.xapi.session import XapiSession
from estate.xapi.statistics import latencies

MESSAGES_OF = timedelta(hours=1)
"""Longer than the clocks of pool and collector may differ; which messages are new is told by their uuids."""
PATIENCE_S = 10.0


def look_at(
    connection: Connection,
    members: tuple[str, ...],
    sr_uuid: str,
    since: datetime,
    now: datetime,
    *,
    statefile_uuid: str = "",
) -> PoolLook:
    """One look at the pool behind `connection`, or through whichever of its `members` (addresses) answers first.

    `sr_uuid` is the SR whose paths are counted; messages are read from `since` on. With `statefile_uuid` every live host is asked
    for the highest latency of that state file since then, which is one more request each.

    Raises:
        EdgeError: no host of the pool answered; the error is that of the first one asked.
    """

    def ask(session: XapiSession) -> PoolLook:
        look = _look(session, sr_uuid, since, now)
        return _with_latencies(session, look, statefile_uuid, since) if statefile_uuid else look

    return asked_of_any(connection, members, ask, patience_s=PATIENCE_S)


def read_ha(session: XapiSession, now: datetime) -> PoolLook:
    """How HA is set, without hosts and messages. Raises: EdgeError."""
    snapshot = Snapshot(session)
    pool = next(iter(snapshot.table("pool")), None)
    enabled = pool.maybe_flag("ha_enabled") if pool else None
    return PoolLook(
        at=now,
        ha_enabled=None if isinstance(enabled, Unknown) else enabled,
        ha_configuration=_map(pool, "ha_configuration"),
        other_config=_map(pool, "other_config"),
        hosts=(),
        messages=None,
    )


def _look(session: XapiSession, sr_uuid: str, since: datetime, now: datetime) -> PoolLook:
    snapshot = Snapshot(session)
    hosts, messages = _hosts(snapshot, sr_uuid), read_messages(session, snapshot, since)
    return replace(read_ha(session, now), hosts=hosts, messages=messages)


def _with_latencies(session: XapiSession, look: PoolLook, statefile_uuid: str, since: datetime) -> PoolLook:
    addresses = {row.text("uuid"): row.text("address") for row in Snapshot(session).table("host")}
    asked = {host.uuid: addresses[host.uuid] for host in look.hosts if host.live is True and addresses.get(host.uuid)}
    highest = {told.host_uuid: told.statefile_max_s for told in latencies(session, asked, statefile_uuid, since)}
    return replace(look, hosts=tuple(replace(host, latency_s=_known(highest.get(host.uuid))) for host in look.hosts))


def _known(value: float | Unknown | None) -> float | None:
    return None if isinstance(value, Unknown) else value


def _map(pool: Record | None, name: str) -> dict[str, str] | None:
    found = pool.maybe_map(name) if pool else None
    return None if isinstance(found, Unknown) else found


def _hosts(snapshot: Snapshot, sr_uuid: str) -> tuple[HostLook, ...]:
    paths = _paths(snapshot, sr_uuid)
    return snapshot.collect("host", lambda host: _host(snapshot, host, paths.get(host.ref)))


def _host(snapshot: Snapshot, host: Record, paths_active: int | None) -> HostLook:
    metrics = snapshot.table("host_metrics").get(host.fields.get("metrics"))
    live, booted = metrics.maybe_flag("live") if metrics else None, boot_time_of(host)
    return HostLook(
        uuid=host.text("uuid"),
        live=None if isinstance(live, Unknown) else live,
        boot_time=None if isinstance(booted, Unknown) else booted,
        paths_active=paths_active,
    )


def _paths(snapshot: Snapshot, sr_uuid: str) -> dict[str, int]:
    """Active paths to the SR by host reference, of hosts that keep a counter."""
    found = {}
    for pbd in snapshot.table("PBD"):
        if snapshot.table("SR").uuid(pbd.fields.get("SR")) != sr_uuid:
            continue
        active, _ = path_counts_of(snapshot, pbd)
        if not isinstance(active, Unknown):
            found[str(pbd.fields.get("host"))] = active
    return found


def read_messages(session: XapiSession, snapshot: Snapshot, since: datetime) -> tuple[MessageLook, ...] | None:
    """Messages from an hour before `since` on, oldest first; None where this account may not read them. Raises: EdgeError."""
    moment = xmlrpc.client.DateTime((since - MESSAGES_OF).strftime("%Y%m%dT%H:%M:%SZ"))
    records = snapshot.attempt("message", lambda: session.call("message.get_since", moment))
    if records is None:
        return None
    found = [MessageLook(m.text("uuid"), m.text("name"), m.text("obj_uuid"), m.time("timestamp")) for m in Table(records)]
    return tuple(sorted(found, key=lambda message: (message.at, message.uuid)))
