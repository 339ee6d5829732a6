"""Stored pools for tests: a confirmed one, one that was collected, and the attestations of a healthy one as rows."""

from __future__ import annotations

from collections.abc import Sequence

from estate.facts.pool import PoolFacts
from project.backbone.accounts.policy import Actor
from project.backbone.endpoints.services import confirm_pins, offer_certificates
from readiness.core.evidence import EvidenceItem
from readiness.models import Evidence, Pool, PoolInventory
from readiness.services.evidence import record_evidence
from readiness.services.pools import add_pool, store_facts
from tests.builders.people import People

PIN = ":".join(["AB"] * 32)


def a_confirmed_pool(people: People, *, ha_intent: str = "required", name: str = "pool01") -> Pool:
    """A pool whose certificate a person confirmed; nothing was read yet."""
    actor = people.actor("owner")
    pool = add_pool(
        people.project, url=f"https://{name}.example", username="root", password="x", ha_intent=ha_intent, name=name, actor=actor
    )
    offer_certificates(pool.endpoint, [{"subject": "CN=x", "sha256": PIN, "address": name}], actor=actor)
    confirm_pins(pool.endpoint, tls_thumbprints=[PIN], actor=actor)
    return pool


def collected(pool: Pool, facts: PoolFacts) -> PoolInventory:
    """The pool with these facts kept, as a collection keeps them."""
    return store_facts(pool, facts, actor=Actor.system("job:test"))


def attested(people: People, pool: Pool, items: Sequence[EvidenceItem]) -> list[Evidence]:
    """The items recorded by the owner."""
    return [
        record_evidence(
            pool,
            kind=item.kind.value,
            subject=item.subject,
            value=dict(item.value),
            tested_at=item.tested_at,
            who=item.who,
            timeout_s=item.timeout_s,
            storage_node=item.storage_node,
            actor=people.actor("owner"),
        )
        for item in items
    ]
