"""How a worker learns of a queued job: worker processes that look (embedded mode) or a Celery message (full mode)."""

from __future__ import annotations

from importlib import import_module
from typing import Protocol, cast
from uuid import UUID

from django.conf import settings


class Courier(Protocol):
    """A courier carries an id and nothing else; it may lose it, or bring it twice."""

    def wake(self, job_id: UUID, queue: str) -> None:
        """Let some worker of `queue` try to claim the job soon. Never raises because the line is down."""


def courier() -> Courier:
    """The courier of this mode (`settings.JOBS_COURIER` names its module)."""
    return cast(Courier, import_module(settings.JOBS_COURIER))
