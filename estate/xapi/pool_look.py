"""A short look at a pool: a fixed handful of calls, for watching it every few seconds while storage is pulled."""

from __future__ import annotations

import xmlrpc.client
from datetime import datetime, timedelta

from msgspec.structs import replace

from estate.connection import Connection
from estate.errors import EdgeError, Retry
from estate.facts.pool_look import HostLook, MessageLook, PoolLook
from estate.facts.unknown import Unknown
from estate.tls import host_and_port
from estate.xapi.pool_network import boot_time_of
from estate.xapi.pool_storage import path_counts_of
from estate.xapi.records import Record, Snapshot, Table
from estate.xapi.session import XapiSession
from estate.xapi.statistics import max_statefile_latency_s
from estate.xapi.transport import join_address, split_address

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
    first: EdgeError | None = None
    port = host_and_port(connection.url)[1]
    for address in ("", *members):
        url = f"https://{join_address(split_address(address, port)[0], port)}" if address else connection.url
        through = Connection(url=url, username=connection.username, password=connection.password, pins=connection.pins,
                             name=connection.name, endpoint_id=connection.endpoint_id)  # fmt: skip
        try:
            with XapiSession(through, timeout_s=PATIENCE_S) as session:
                look = _look(session, sr_uuid, since, now)
                return _with_latencies(session, look, statefile_uuid, since) if statefile_uuid else look
        except Retry as error:  # this host does not answer; what asks a person would be refused by every host
            first = first or error
    assert first is not None
    raise first


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
    hosts, messages = _hosts(snapshot, sr_uuid), _messages(session, snapshot, since)
    return replace(read_ha(session, now), hosts=hosts, messages=messages)


def _with_latencies(session: XapiSession, look: PoolLook, statefile_uuid: str, since: datetime) -> PoolLook:
    addresses = {row.text("uuid"): row.text("address") for row in Snapshot(session).table("host")}

    def asked(host: HostLook) -> HostLook:
        if host.live is not True or not addresses.get(host.uuid):
            return host
        return replace(host, latency_s=max_statefile_latency_s(session, addresses[host.uuid], statefile_uuid, since))

    return replace(look, hosts=tuple(asked(host) for host in look.hosts))


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


def _messages(session: XapiSession, snapshot: Snapshot, since: datetime) -> tuple[MessageLook, ...] | None:
    moment = xmlrpc.client.DateTime((since - MESSAGES_OF).strftime("%Y%m%dT%H:%M:%SZ"))
    records = snapshot.attempt("message", lambda: session.call("message.get_since", moment))
    if records is None:
        return None
    found = [MessageLook(m.text("uuid"), m.text("name"), m.text("obj_uuid"), m.time("timestamp")) for m in Table(records)]
    return tuple(sorted(found, key=lambda message: (message.at, message.uuid)))
