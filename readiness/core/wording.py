"""Pool facts and attestations in words, with the pool's own names in place of its uuids. Pages and reports share it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from estate.facts.pool import PoolFacts
from readiness.core.evidence import EvidenceItem


@dataclass(frozen=True, slots=True)
class Attested:
    """One attestation in force, in words."""

    kind: str
    subject: str
    value: str
    who: str
    tested_at: datetime


def attested(evidence: Iterable[EvidenceItem], names: dict[str, str]) -> list[Attested]:
    """What people attest: what was tested in front of what was seen."""
    return [
        Attested(str(item.kind), names.get(item.subject, item.subject), _said(item, names), item.who, item.tested_at)
        for item in evidence
    ]


def _said(item: EvidenceItem, names: dict[str, str]) -> str:
    return plain({"timeout_s": item.timeout_s, "storage_node": item.storage_node, **item.value}, names)


def names_of(facts: PoolFacts) -> dict[str, str]:
    """Names by uuid: hosts, NICs as `host device`, SRs."""
    hosts = {host.uuid: host.name for host in facts.hosts}
    nics = {nic.uuid: f"{hosts.get(nic.host_uuid, nic.host_uuid)} {nic.device}" for nic in facts.pifs}
    return {**hosts, **nics, **{sr.uuid: sr.name for sr in facts.srs}}


def plain(value: Any, names: dict[str, str]) -> str:
    """JSON of whatever shape, as one line; what is empty is left out. A database may have changed the order of its keys."""
    if isinstance(value, dict):
        parts = {key: plain(value[key], names) for key in sorted(value, key=_telling_first)}
        return ", ".join(_labelled(key, part) for key, part in parts.items() if part)
    if isinstance(value, list):
        return "; ".join(plain(part, names) for part in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else names.get(str(value), str(value))


_TELLING = ("timeout_s", "storage_node", "method", "watched_hosts", "hosts", "host_uuid", "host", "name", "switch")


def _telling_first(key: str) -> tuple[int, str]:
    """What a line is about comes before what was seen of it."""
    return (_TELLING.index(key) if key in _TELLING else len(_TELLING), key)


def _labelled(key: str, part: str) -> str:
    """`failover_s`, `70.0` as `failover: 70 s`; a uuid's key without the word, for its value has become a name."""
    if key.endswith("_s"):
        return f"{key[:-2].replace('_', ' ')}: {part.removesuffix('.0')} s"
    return f"{key.removesuffix('_uuid').replace('_', ' ')}: {part}"
