"""Content addresses: equal facts have one digest, whoever collected them and whenever. Storing belongs to services."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from estate.facts.codec import canonical_json, from_text
from estate.facts.source import SourceFact
from migration.inventory.core.facets import facets_of
from migration.inventory.core.kinds import FACTS_CLASS, FactKind, kind_of
from migration.inventory.core.volatile import joined, split


@dataclass(frozen=True, slots=True)
class StoredFact:
    """One fact made ready for storing, in canonical JSON: `digest` addresses `body`, the volatile values travel beside it."""

    kind: FactKind
    native_id: str
    name: str
    digest: str
    body: str
    volatile: str
    facets: str


def digest_of(kind: FactKind, text: str) -> str:
    """SHA-256 (hex) over the kind and the canonical text of the body, so that two kinds never share an address."""
    return hashlib.sha256(f'["{kind.value}",{text}]'.encode()).hexdigest()


def stored(fact: SourceFact) -> StoredFact:
    """A fact in the form in which inventories keep it."""
    kind = kind_of(fact)
    lasting, volatile = split(kind, fact)
    body = canonical_json(lasting)
    return StoredFact(
        kind=kind,
        native_id=fact.native_id,
        name=fact.name,
        digest=digest_of(kind, body),
        body=body,
        volatile=canonical_json(volatile),
        facets=canonical_json(facets_of(lasting)),
    )


def fact_of(kind: FactKind, body: str, volatile: str) -> SourceFact:
    """The facts object of stored parts. Raises what estate.facts.codec.from_text raises."""
    return from_text(joined(body, volatile), FACTS_CLASS[kind])
