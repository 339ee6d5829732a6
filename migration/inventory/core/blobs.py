"""Content addresses: equal facts have one digest, whoever collected them and whenever. Storing belongs to services."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from estate.facts.codec import from_json, to_json
from estate.facts.source import SourceFact
from migration.inventory.core.kinds import FACTS_CLASS, FactKind, kind_of
from migration.inventory.core.volatile import joined, split


@dataclass(frozen=True, slots=True)
class StoredFact:
    """One fact made ready for storing: `digest` addresses `body`, the volatile values travel beside it.

    `text` is the body in its one canonical spelling: it is made once, hashed and stored.
    """

    kind: FactKind
    native_id: str
    name: str
    digest: str
    body: dict[str, Any]
    text: str
    volatile: dict[str, Any]


_SPELL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode


def canonical_json(value: object) -> str:
    """One spelling per value: sorted keys, no blanks. Raises ValueError for NaN, which has no JSON form."""
    return _SPELL(value)


def digest_of(kind: FactKind, text: str) -> str:
    """SHA-256 (hex) over the kind and the canonical text of the body, so that two kinds never share an address."""
    return hashlib.sha256(f'["{kind.value}",{text}]'.encode()).hexdigest()


def stored(fact: SourceFact) -> StoredFact:
    """A fact in the form in which inventories keep it."""
    kind = kind_of(fact)
    body, volatile = split(kind, to_json(fact))
    text = canonical_json(body)
    return StoredFact(kind, fact.native_id, fact.name, digest_of(kind, text), body, text, volatile)


def fact_of(kind: FactKind, body: dict[str, Any], volatile: dict[str, Any]) -> SourceFact:
    """The facts object of stored parts. Raises what estate.facts.codec.from_json raises."""
    return from_json(joined(body, volatile), FACTS_CLASS[kind])
