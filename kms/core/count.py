"""The count of one KMS host for one application id: who asked, when it is forgotten, what the host answers.

Pure state and arithmetic; reads no host and no clock. What a client does with an answer is in client.py, what a reading
says of today's count in observed.py, days to come in forecast.py.
"""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime

from msgspec import Struct

from kms.core.policy import DEFAULT_POLICY, KmsPolicy, MaxNRule


class Reply(Struct, frozen=True, gc=False):
    """What the host answers one request: the count, and whether it reaches the N the client asked for."""

    count: int
    activated: bool


class CachedClient(Struct, frozen=True, gc=False):
    """One CMID in the host's cache."""

    cmid: str
    last_seen: datetime
    required_count: int


class TimeRanBackwards(ValueError):
    """Requests must be fed in order of time: the cache forgets by age, so an older one cannot be slipped in later."""


class CountModel:
    """The cache of one host for one application id.

    Requests come in order of time. An entry is dropped when it is exactly `policy.window` old (our choice of the boundary).
    A `legacy` host (before Windows Server 2008 R2) answers virtual machines but never stores them.

    Source: Microsoft Learn "KMS activation planning"; how largest N and eviction combine was checked against vectors V01-V18.
    """

    def __init__(self, policy: KmsPolicy = DEFAULT_POLICY, *, legacy: bool = False, max_n: int = 0) -> None:
        """`max_n`: the largest N already known to have been asked before the first request fed in."""
        self._policy = policy
        self._legacy = legacy
        self._sticky_max_n = max_n
        self._cache: OrderedDict[str, CachedClient] = OrderedDict()
        self._now: datetime | None = None

    @property
    def max_n(self) -> int:
        """Largest N asked for; under `MaxNRule.LIVE` only by clients still in the cache."""
        if self._policy.max_n_rule is MaxNRule.STICKY:
            return self._sticky_max_n
        return max((client.required_count for client in self._cache.values()), default=0)

    @property
    def cap(self) -> int:
        """How many clients the cache holds at most; 0 while nobody asked."""
        return self._policy.cap_factor * self.max_n

    def count(self, at: datetime) -> int:
        """How many clients are remembered at `at`. Raises TimeRanBackwards for a time before the last request."""
        self._purge(at)
        return len(self._cache)

    def clients(self, at: datetime) -> tuple[CachedClient, ...]:
        """The remembered clients at `at`, longest silent first. Raises TimeRanBackwards."""
        self._purge(at)
        return tuple(self._cache.values())

    def request(self, at: datetime, cmid: str, required_count: int, *, is_vm: bool = True) -> Reply:
        """A client asks. Raises TimeRanBackwards, and ValueError for an N below 1."""
        if required_count < 1:
            raise ValueError(f"client {cmid} asks for a count of {required_count}; N is at least 1")
        self._purge(at)
        if not (self._legacy and is_vm):
            self._store(CachedClient(cmid, at, required_count))
        return Reply(len(self._cache), len(self._cache) >= required_count)

    def copy(self) -> CountModel:
        """The same cache once more, to be fed another future."""
        twin = CountModel(self._policy, legacy=self._legacy, max_n=self._sticky_max_n)
        twin._cache = self._cache.copy()
        twin._now = self._now
        return twin

    def forget(self, at: datetime) -> None:
        """The host loses its cache and counts from 0 again; the largest N goes with it. Raises TimeRanBackwards."""
        self._purge(at)
        self._cache.clear()
        self._sticky_max_n = 0

    def _store(self, client: CachedClient) -> None:
        self._sticky_max_n = max(self._sticky_max_n, client.required_count)
        self._cache[client.cmid] = client
        self._cache.move_to_end(client.cmid)
        while len(self._cache) > self.cap:
            self._cache.popitem(last=False)

    def _purge(self, at: datetime) -> None:
        if self._now is not None and at < self._now:
            raise TimeRanBackwards(f"the model stands at {self._now.isoformat()} and was asked about {at.isoformat()}")
        self._now = at
        while self._cache:
            oldest = next(iter(self._cache.values()))
            if at - oldest.last_seen < self._policy.window:
                return
            self._cache.popitem(last=False)
