"""The ticker process of both modes: sweeps the job table every second, clears away what has expired, asks for periodic work."""

from __future__ import annotations

import threading
import time

import structlog
from django.conf import settings
from django.core.management import call_command
from django.db import Error as DatabaseFault
from django.db import connections

from project.backbone.accounts.tokens import remove_expired_tokens
from project.backbone.jobs.periodic import ask_due
from project.backbone.jobs.sweep import sweep

CLEAR_EVERY_S = 3600.0
log = structlog.get_logger("xenbound.jobs")


def tick_until(stopping: threading.Event) -> None:
    """Sweep until told to stop. A database that does not answer is asked again at the next tick."""
    cleared_at = float("-inf")
    while not stopping.is_set():
        try:
            sweep()
            if time.monotonic() - cleared_at > CLEAR_EVERY_S:
                cleared_at = time.monotonic()
                remove_expired_tokens()
                call_command("clearsessions")
                ask_due()
        except DatabaseFault as fault:
            log.warning("tick_failed", error=str(fault))
            connections.close_all()
        stopping.wait(settings.JOBS_TICK_S)
    connections.close_all()
