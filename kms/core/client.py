"""What one KMS client does with an answer: how long it stays licensed and when it asks again.

Pure; the host's side is in count.py. Out-of-tolerance grace after `valid_until` differs per product and is read, not modelled.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from kms.core.count import Reply
from kms.core.policy import DEFAULT_POLICY, KmsPolicy


@dataclass(frozen=True, slots=True)
class ClientClock:
    """One client's clock: licensed until `valid_until` (None: never activated yet), asks again at `next_contact`."""

    valid_until: datetime | None
    next_contact: datetime

    def is_licensed(self, at: datetime) -> bool:
        """Whether the last activation still holds at `at`."""
        return self.valid_until is not None and at < self.valid_until


def after_reply(clock: ClientClock, at: datetime, reply: Reply, policy: KmsPolicy = DEFAULT_POLICY) -> ClientClock:
    """The client's clock after an answer: a refusal (0xC004F038) leaves the validity untouched and is retried soon.

    Source: Microsoft Learn "KMS activation planning" (180 days, renewal after 7 days, retry after 120 minutes).
    """
    if reply.activated:
        return ClientClock(at + policy.validity, at + policy.renewal)
    return ClientClock(clock.valid_until, at + policy.retry)
