"""The hash that chains audit entries. Pure: the same entry gives the same hash on every machine and database."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

FIRST = "0" * 64
INSTALLATION = "installation"


@dataclass(frozen=True, slots=True)
class Link:
    """What one entry says, and the two hashes it carries."""

    chain: str
    number: int
    at: datetime
    actor: str
    actor_id: str
    action: str
    subject: str
    before: Any
    after: Any
    previous_hash: str
    hash: str = ""

    def computed_hash(self) -> str:
        """SHA-256 over every field but `hash`, as canonical JSON."""
        members = [
            self.chain, self.number, self.at.astimezone(UTC).isoformat(timespec="microseconds"), self.actor, self.actor_id,
            self.action, self.subject, self.before, self.after, self.previous_hash,
        ]  # fmt: skip
        canonical = json.dumps(members, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(canonical.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class ChainVerdict:
    """Whether a chain is whole. `broken_at` is the first number that does not fit, `reason` says how."""

    whole: bool
    entries: int
    head: str
    broken_at: int | None = None
    reason: str = ""


def verify_links(links: Iterable[Link]) -> ChainVerdict:
    """Walk the links in the order of their numbers and stop at the first that does not fit."""
    previous, count = FIRST, 0
    for link in links:
        count += 1
        if link.number != count:
            return ChainVerdict(False, count - 1, previous, count, f"entry {count} is missing")
        if link.previous_hash != previous:
            return ChainVerdict(False, count - 1, previous, count, f"entry {count} does not follow the entry before it")
        if link.computed_hash() != link.hash:
            return ChainVerdict(False, count - 1, previous, count, f"entry {count} was changed after it was written")
        previous = link.hash
    return ChainVerdict(True, count, previous)
