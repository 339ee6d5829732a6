"""How to reach one endpoint (vCenter, ESXi, pool, KMS host): the value that work rooms hand to an adapter.

Made by the backbone's endpoint selector just before the call; never stored, logged or put into job parameters.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Connection:
    """One endpoint with its opened secret. The password is kept out of `repr()` so that it cannot reach a log."""

    url: str
    username: str
    password: str = field(repr=False)
    pins: frozenset[str] = frozenset()
    """SHA-256 fingerprints a person confirmed, upper-case hex with colons; a certificate outside this set is refused."""
    name: str = ""
    """The endpoint's name as people know it, for messages."""
    endpoint_id: UUID | None = None
