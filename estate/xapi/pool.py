"""A pool's facts: one reading of all classes the product judges by, with uuids instead of references.

This module joins; hosts and networks are in pool_network.py, storage in pool_storage.py, VMs in pool_vms.py, what older pools
lack in pool_extras.py.
"""

from __future__ import annotations

import xmlrpc.client
from datetime import datetime, timedelta
from typing import Any

from msgspec.structs import replace

from estate.errors import AskPerson
from estate.facts.pool import HeartbeatLatencyFacts, PoolFacts, PoolMessageFacts
from estate.facts.unknown import Unknown
from estate.xapi import pool_certificates, pool_extras, pool_network, pool_storage, pool_vms
from estate.xapi.records import Record, Snapshot, Table
from estate.xapi.session import XapiSession
from estate.xapi.statistics import latencies

MESSAGES_OF = timedelta(days=30)


def read_facts(session: XapiSession, now: datetime, *, latencies_since: datetime | None = None) -> PoolFacts:
    """Read the pool. `now` (aware UTC) is when; messages are read for the 30 days before it.

    With `latencies_since` each live host is asked for its heartbeat latencies since then, which is one more request each.

    What this pool's version or this account does not offer is UNKNOWN and named in `unreadable`.

    Raises:
        EdgeError: the pool does not answer, or refuses for another reason than lacking something.
    """
    snapshot = Snapshot(session)
    pool = _the_pool(session, snapshot)
    facts = PoolFacts(
        uuid=pool.text("uuid"),
        name=pool.text("name_label") or session.name,
        coordinator_uuid=snapshot.table("host").uuid(pool.text("master")) or "",
        collected_at=now,
        ha_enabled=pool.maybe_flag("ha_enabled"),
        ha_configuration=pool.maybe_map("ha_configuration"),
        other_config=pool.maybe_map("other_config"),
        ha_host_failures_to_tolerate=pool.maybe_number("ha_host_failures_to_tolerate"),
        ha_plan_exists_for=pool.maybe_number("ha_plan_exists_for"),
        ha_overcommitted=pool.maybe_flag("ha_overcommitted"),
        ha_allow_overcommit=pool.maybe_flag("ha_allow_overcommit"),
        ha_cluster_stack=pool.maybe_text("ha_cluster_stack"),
        secure_boot_authority=pool_certificates.secure_boot_authority(pool),
        redo_log_enabled=pool.maybe_flag("redo_log_enabled"),
        wlb_enabled=pool.maybe_flag("wlb_enabled"),
        ha_reboot_vm_on_internal_shutdown=pool.maybe_flag("ha_reboot_vm_on_internal_shutdown"),
        certificates=pool_extras.certificates(snapshot),
        clusters=pool_extras.clusters(snapshot),
        vm_groups=pool_extras.vm_groups(snapshot),
        hosts=pool_network.hosts(snapshot),
        pifs=pool_network.pifs(snapshot),
        bonds=pool_network.bonds(snapshot),
        networks=pool_network.networks(snapshot),
        srs=pool_storage.srs(session, snapshot),
        pbds=pool_storage.pbds(snapshot),
        statefiles=_statefiles(snapshot, pool),
        vms=pool_vms.vms(snapshot),
        templates=pool_vms.templates(snapshot),
        messages=_messages(session, snapshot, now),
        unreadable=tuple(snapshot.unreadable),
    )
    return facts if latencies_since is None else replace(facts, latencies=_latencies(session, facts, latencies_since))


def _latencies(session: XapiSession, facts: PoolFacts, since: datetime) -> tuple[HeartbeatLatencyFacts, ...] | Unknown:
    """Latencies exist only while HA is on; a host that is away is left out, and so not known."""
    files = () if isinstance(facts.statefiles, Unknown) else facts.statefiles
    statefile = next((file.vdi_uuid for file in files if file.in_use and file.vdi_type != "redo_log"), None)
    if facts.ha_enabled is not True or statefile is None:
        return Unknown("HA is off, or its state file is not known")
    addresses = {host.uuid: host.address for host in facts.hosts if host.live is True and host.address}
    return latencies(session, addresses, statefile, since)


def _the_pool(session: XapiSession, snapshot: Snapshot) -> Record:
    for record in snapshot.table("pool"):
        return record
    raise AskPerson(
        f"{session.name}: the pool record cannot be read",
        code="pool_unreadable",
        next_step="Give the pool account at least the role read-only.",
        where=session.name,
    )


def _statefiles(snapshot: Snapshot, pool: Record) -> Any:
    if "ha_statefiles" not in pool.fields or not snapshot.is_known("VDI"):
        return Unknown("pool.ha_statefiles or the VDIs could not be read")
    return pool_storage.statefiles(snapshot, pool.refs("ha_statefiles"))


def _messages(session: XapiSession, snapshot: Snapshot, now: datetime) -> tuple[PoolMessageFacts, ...]:
    since = xmlrpc.client.DateTime((now - MESSAGES_OF).strftime("%Y%m%dT%H:%M:%SZ"))
    records = snapshot.attempt("message", lambda: session.call("message.get_since", since)) or {}
    facts = [_message(record) for record in Table(records)]
    return tuple(sorted(facts, key=lambda fact: (fact.at, fact.uuid)))


def _message(record: Record) -> PoolMessageFacts:
    return PoolMessageFacts(
        uuid=record.text("uuid"),
        name=record.text("name"),
        priority=record.number("priority"),
        cls=record.text("cls"),
        obj_uuid=record.text("obj_uuid"),
        body=record.text("body"),
        at=record.time("timestamp"),
    )
