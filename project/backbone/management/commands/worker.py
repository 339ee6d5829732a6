"""`manage.py worker`: one worker process of embedded mode. Full mode starts Celery workers instead."""

from __future__ import annotations

import os
import socket
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from project.backbone.jobs.queue import WorkerName
from project.backbone.jobs.worker import Worker
from project.backbone.processes import stop_on_signals

GRACE_S = 10.0


class Command(BaseCommand):
    help = "Run due jobs until stopped."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--queue", action="append", choices=sorted(settings.JOBS_SLOTS), help="only this queue (repeatable)")

    def handle(self, *args: Any, **options: Any) -> None:
        names = options["queue"] or list(settings.JOBS_SLOTS)
        slots = {name: settings.JOBS_SLOTS[name] for name in names}
        worker = Worker(slots, WorkerName(host=socket.gethostname(), pid=os.getpid()))
        stop_on_signals(worker.stop)
        worker.run()
        if not worker.join(GRACE_S):
            self.stderr.write("Some jobs did not stop in time; another worker takes them over when their leases end.")
