"""`manage.py ticker`: the process that brings lost jobs back. One is enough; more do no harm."""

from __future__ import annotations

import threading
from typing import Any

from django.core.management.base import BaseCommand

from project.backbone.jobs.ticker import tick_until
from project.backbone.processes import stop_on_signals


class Command(BaseCommand):
    help = "Sweep the job table every second until stopped."

    def handle(self, *args: Any, **options: Any) -> None:
        stopping = threading.Event()
        stop_on_signals(stopping.set)
        tick_until(stopping)
