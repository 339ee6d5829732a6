"""`manage.py up`: the whole product in embedded mode: one web process, worker processes and one ticker, kept alive."""

from __future__ import annotations

import signal
import socket
import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from project.backbone.processes import Child, Supervisor


class Command(BaseCommand):
    help = "Run everything: web on 127.0.0.1:8000, worker processes, ticker. Ctrl-C stops it cleanly."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address the web process listens on (127.0.0.1)")
        parser.add_argument("--port", type=int, default=8000, help="port the web process listens on (8000)")
        parser.add_argument("--workers", type=int, default=2, help="worker processes (2)")
        parser.add_argument("--no-migrate", action="store_true", help="leave the database's tables as they are")

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.REDIS_URL:
            raise CommandError(
                "REDIS_URL is set, so this is full mode: start web, Celery workers and ticker as services instead."
            )
        _require_free(options["host"], options["port"])
        if not options["no_migrate"]:
            call_command("migrate", verbosity=0, interactive=False)
        supervisor = Supervisor(str(Path(sys.argv[0]).resolve()), _children(options))
        signal.signal(signal.SIGTERM, lambda *_: supervisor.stopping.set())
        signal.signal(signal.SIGINT, lambda *_: supervisor.stopping.set())
        self.stdout.write(f"Xenbound on http://{options['host']}:{options['port']}/ (Ctrl-C stops it)")
        self.stdout.flush()
        supervisor.run()


def _require_free(host: str, port: int) -> None:
    """Refuse a port that is taken: granian shares its port, so two sites would answer by turns under one address."""
    try:
        socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET).close()
    except OSError as refused:
        raise CommandError(
            f"Nothing can listen on {host}:{port} ({refused.strerror}): stop what is running there, or choose another --port."
        ) from refused


def _children(options: dict[str, Any]) -> list[Child]:
    web = Child("web", ["web", "--host", options["host"], "--port", str(options["port"])])
    workers = [Child(f"worker {number}", ["worker"]) for number in range(1, options["workers"] + 1)]
    return [web, *workers, Child("ticker", ["ticker"])]
