"""`manage.py web`: one web process (granian, ASGI) that serves the API and the pages."""

from __future__ import annotations

import os
import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from granian import Granian
from granian.constants import Interfaces

from project.backbone import processes


class Command(BaseCommand):
    help = "Serve the API and the pages."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
        parser.add_argument("--port", type=int, default=8000, help="port to listen on (8000)")
        parser.add_argument("--workers", type=int, default=1, help="web worker processes (1)")

    def handle(self, *args: Any, **options: Any) -> None:
        watch = threading.Thread(target=processes.miss_parent, args=(os.getppid(), _end_self), name="parent watch", daemon=True)
        watch.start()
        server = Granian(
            "project.asgi:application",
            address=options["host"],
            port=options["port"],
            workers=options["workers"],
            interface=Interfaces.ASGINL,
            websockets=False,
            respawn_failed_workers=True,
            log_access=False,
        )
        server.serve()


def _end_self() -> None:
    os.kill(os.getpid(), signal.SIGTERM)
