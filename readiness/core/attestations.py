"""What an attestation must say to be of use, per kind. Pure: answers a list of faults, and the value in its stored form.

Whether the attested thing is good is a check's business; a bad trial is worth recording too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from estate.facts.pool import PoolFacts
from estate.facts.unknown import Unknown
from readiness.core.attested_values import SHAPES, About, Shape, faults_of, is_number
from readiness.core.case import heartbeat_sr
from readiness.core.evidence import EvidenceKind

TRIAL_METHODS = ("hard_power_cycle", "graceful")


@dataclass(frozen=True, slots=True)
class Attestation:
    """What a person hands in, before it is stored."""

    kind: EvidenceKind
    subject: str
    value: dict[str, Any]
    timeout_s: int | None = None
    storage_node: str = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """A field that cannot be used, and why."""

    field: str
    detail: str


def _host_uuid(facts: PoolFacts, text: Any) -> str | None:
    return next((host.uuid for host in facts.hosts if text in (host.uuid, host.name)), None)


def _sr_uuid(facts: PoolFacts, text: str) -> str | None:
    """The SR of this uuid or name; with no text the heartbeat SR."""
    if not text:
        sr = heartbeat_sr(facts)
        return None if isinstance(sr, Unknown) else sr.uuid
    found = [sr.uuid for sr in facts.srs if text in (sr.uuid, sr.name)]
    return found[0] if len(found) == 1 else None


def _hosts_given(value: dict[str, Any]) -> list[Any]:
    """The watched hosts as `[{host_uuid, fenced}]`, also when they came as two lists `watched_hosts` and `fenced_hosts`."""
    given, watched, fenced = value.get("hosts"), value.get("watched_hosts"), value.get("fenced_hosts")
    if isinstance(given, list):
        return given
    if not isinstance(watched, list) or not isinstance(fenced, list):
        return []
    named = dict.fromkeys(str(host) for host in [*watched, *fenced])
    return [{"host_uuid": host, "fenced": host in [str(each) for each in fenced]} for host in named]


def _watched(facts: PoolFacts, value: dict[str, Any]) -> tuple[list[dict[str, Any]], list[Fault]]:
    watched: dict[str, dict[str, Any]] = {}
    faults: list[Fault] = []
    for n, host in enumerate(_hosts_given(value)):
        said = host if isinstance(host, dict) else {}
        uuid = _host_uuid(facts, said.get("host_uuid"))
        if uuid is None:
            faults.append(Fault(f"value.hosts.{n}.host_uuid", "is no host of this pool"))
        elif not isinstance(said.get("fenced"), bool):
            faults.append(Fault(f"value.hosts.{n}.fenced", "must be true or false"))
        else:
            # A host named twice (by name and by uuid) fenced if either entry says so: a fence must not be lost.
            earlier = watched.get(uuid, {"fenced": False})
            watched[uuid] = {**earlier, **said, "host_uuid": uuid, "fenced": earlier["fenced"] or said["fenced"]}
    if not watched and not faults:
        text = "must list each watched host, [{host_uuid, fenced}], or give watched_hosts and fenced_hosts"
        faults.append(Fault("value.hosts", text))
    return list(watched.values()), faults


def _trial_faults(wanted: Attestation) -> list[Fault]:
    value, faults = wanted.value, []
    if value.get("method") not in TRIAL_METHODS:
        faults.append(Fault("value.method", f"must be one of {', '.join(TRIAL_METHODS)}"))
    for flag in ("statefile_lost", "mirror_in_sync"):
        if not isinstance(value.get(flag), bool):
            faults.append(Fault(f"value.{flag}", "must be true or false"))
    if value.get("max_latency_s", "") is not None and not is_number(value.get("max_latency_s")):
        text = "must be the highest latency seen, in seconds, or null where nobody measured it (the trial then proves nothing)"
        faults.append(Fault("value.max_latency_s", text))
    if value.get("failover_s") is not None and not is_number(value["failover_s"]):
        faults.append(Fault("value.failover_s", "must be seconds, or left out when it was not measured"))
    if wanted.timeout_s is None:
        faults.append(Fault("timeout_s", "must be the HA timeout the trial was made at, in seconds"))
    if not wanted.storage_node:
        faults.append(Fault("storage_node", "must name the node that was power-cycled"))
    return faults


def _without_lists(value: dict[str, Any]) -> dict[str, Any]:
    return {key: part for key, part in value.items() if key not in ("watched_hosts", "fenced_hosts")}


def _trial(facts: PoolFacts, wanted: Attestation) -> tuple[Attestation, list[Fault]]:
    hosts, faults = _watched(facts, wanted.value)
    sr_uuid = _sr_uuid(facts, "" if wanted.subject == wanted.storage_node else wanted.subject)
    if sr_uuid is None:
        faults.append(Fault("subject", "must be the uuid or name of the heartbeat SR (or be left out)"))
    stored = replace(wanted, subject=sr_uuid or "", value={**_without_lists(wanted.value), "hosts": hosts})
    return stored, faults + _trial_faults(wanted)


def _slave_uuid(facts: PoolFacts, text: str) -> str | None:
    """A PIF by uuid, or by `host/device` with the host's name or uuid."""
    host, _, device = text.rpartition("/")
    uuid = _host_uuid(facts, host)
    return next(
        (p.uuid for p in facts.pifs if p.uuid == text or (p.host_uuid == uuid and p.device == device and p.physical)), None
    )


def _switch(facts: PoolFacts, wanted: Attestation) -> tuple[Attestation, list[Fault]]:
    pif, faults = _slave_uuid(facts, wanted.subject), []
    if pif is None:
        faults.append(Fault("subject", "must be the uuid of a NIC (PIF) of this pool, or host/device"))
    switch = wanted.value.get("switch") or wanted.value.get("chassis_id")
    if not isinstance(switch, str) or not switch.strip():
        faults.append(Fault("value.switch", "must name the switch the NIC hangs on"))
    if wanted.value.get("source", "attested") not in ("lldp", "attested"):
        faults.append(Fault("value.source", "must be lldp or attested"))
    return replace(wanted, subject=pif or ""), faults


def _node_is_named(node: Any) -> bool:
    if not isinstance(node, dict) or not isinstance(node.get("name"), str) or not node["name"].strip():
        return False
    portals = node.get("portals", [])
    return isinstance(portals, list) and all(isinstance(portal, str) for portal in portals)


def _nodes(facts: PoolFacts, wanted: Attestation) -> tuple[Attestation, list[Fault]]:
    sr_uuid, faults = _sr_uuid(facts, wanted.subject), []
    if sr_uuid is None:
        faults.append(Fault("subject", "must be the uuid or name of an SR of this pool"))
    nodes = wanted.value.get("nodes")
    if not isinstance(nodes, list) or not nodes or not all(_node_is_named(node) for node in nodes):
        faults.append(Fault("value.nodes", "must list the storage nodes: [{name, portals: [address or IQN or WWN]}]"))
    return replace(wanted, subject=sr_uuid or ""), faults


def _host(facts: PoolFacts, wanted: Attestation) -> tuple[Attestation, list[Fault]]:
    uuid = _host_uuid(facts, wanted.subject)
    faults = [] if uuid else [Fault("subject", "must be the uuid or name of a host of this pool")]
    return replace(wanted, subject=uuid or ""), faults


def _xhad(facts: PoolFacts, wanted: Attestation) -> tuple[Attestation, list[Fault]]:
    stored, faults = _host(facts, wanted)
    seconds = wanted.value.get("timeout_s")
    if not isinstance(seconds, int) or isinstance(seconds, bool):
        faults.append(Fault("value.timeout_s", "must be HeartbeatTimeout as the host's xhad configuration has it, in seconds"))
    return stored, faults


def _runbook(facts: PoolFacts, wanted: Attestation) -> tuple[Attestation, list[Fault]]:
    wants = {"owner": "must name who restarts the VMs", "alternatives": "must say which alternatives were weighed"}
    return wanted, [Fault(f"value.{key}", text) for key, text in wants.items() if not wanted.value.get(key)]


def _subject(facts: PoolFacts, about: About, text: str) -> tuple[str, list[Fault]]:
    """The subject as it is stored, and what keeps it from being of use. A VM may still be on its way, so any name will do."""
    if about is About.FREE:
        return text, []
    if about is About.VM:
        found = [vm.uuid for vm in facts.vms if text in (vm.uuid, vm.name)]
        return (found[0] if len(found) == 1 else text), ([] if text else [Fault("subject", "must name the VM")])
    uuids = {About.HOST: _host_uuid(facts, text), About.SR: _sr_uuid(facts, text)}
    message = next((each.uuid for each in facts.messages if each.uuid == text), None)
    uuid = uuids.get(about, message)
    return (uuid or ""), ([] if uuid else [Fault("subject", f"must be the uuid or name of a {about} of this pool")])


def _shaped(shape: Shape, facts: PoolFacts, wanted: Attestation) -> tuple[Attestation, list[Fault]]:
    subject, faults = _subject(facts, shape.about, wanted.subject)
    return replace(wanted, subject=subject), faults + [
        Fault(f"value.{key}", words) for key, words in faults_of(shape, wanted.value)
    ]


_RULES: dict[EvidenceKind, Callable[[PoolFacts, Attestation], tuple[Attestation, list[Fault]]]] = {
    EvidenceKind.FAILOVER_TEST: _trial,
    EvidenceKind.SWITCH_OF_SLAVE: _switch,
    EvidenceKind.STORAGE_NODES: _nodes,
    EvidenceKind.XHAD_TIMEOUT: _xhad,
    EvidenceKind.MAINTENANCE: _host,
    EvidenceKind.MANUAL_RESTART_RUNBOOK: _runbook,
    EvidenceKind.OTHER: lambda facts, wanted: (wanted, []),
}


def examined(facts: PoolFacts, wanted: Attestation) -> tuple[Attestation, list[Fault]]:
    """The attestation with names turned into the pool's uuids, and every fault that keeps it from being stored."""
    if wanted.kind in SHAPES:
        return _shaped(SHAPES[wanted.kind], facts, wanted)
    return _RULES[wanted.kind](facts, wanted)
