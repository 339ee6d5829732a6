"""`manage.py copydisk disk.vmdk disk.vhd`: one disk out of a file into a file, proven; no database, server or credentials."""

from __future__ import annotations

import json
import signal
import sys
import time
from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from estate.errors import EdgeError
from migration.conversion.work.hand_carried import TARGET_ENDINGS, Carried, carry

TELL_EVERY_S = 1.0
QUIET_FOR_S = 2.0
_ENDS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))


class Command(BaseCommand):
    help = "Copy a VMDK, a disk of an OVA or a raw file to raw, VHD or qcow2, and prove every block. Runs without any server."
    requires_system_checks = ()
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "source", type=Path, metavar="SOURCE", help=".vmdk (a stream or a descriptor), .ova or its folder, raw"
        )
        parser.add_argument("target", type=Path, metavar="TARGET", help=f"new file ending in {', '.join(TARGET_ENDINGS)}")
        parser.add_argument("--disk", default="", metavar="NAME", help="which disk of an OVA or its folder")
        parser.add_argument("--json", action="store_true", help="tell the outcome as JSON")

    def handle(self, *args: Any, source: Path, target: Path, disk: str, **options: Any) -> None:
        if target.suffix.lower() not in TARGET_ENDINGS:
            raise CommandError(f"{target}: name the new file with one of {', '.join(TARGET_ENDINGS)}.", returncode=2)
        if not target.parent.is_dir():
            raise CommandError(f"{target.parent}: no such folder; make it first.", returncode=2)
        # Who is told to end, or loses the terminal, tidies up as after a person's Ctrl-C.
        before = {each: signal.signal(each, signal.default_int_handler) for each in _heeded()}
        try:
            carried = carry(source, target, member=disk, on_progress=_Line())
        except EdgeError as error:
            raise CommandError(f"{error} [{error.code}] {error.next_step}".strip()) from error
        except KeyboardInterrupt:
            raise CommandError(f"Stopped; nothing is left of {target}.", returncode=130) from None
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)
        self.stdout.write(_told(target, carried, as_json=options["json"]))


def _heeded() -> list[signal.Signals]:
    """What ends it; not what whoever started it has it ignore, as nohup does."""
    return [each for each in _ENDS if signal.getsignal(each) != signal.SIG_IGN]


def _told(target: Path, carried: Carried, *, as_json: bool) -> str:
    if as_json:
        return json.dumps({"target": str(target), **asdict(carried)})
    size, data = carried.capacity_bytes / (1 << 30), carried.data_bytes / (1 << 30)
    return (
        f"{target}: {size:.1f} GiB, {data:.1f} GiB of them data; all {carried.blocks_compared} blocks equal their source.\n"
        f"BLAKE3 over the blocks: {carried.digest}"
    )


class _Line:
    """Progress on standard error, once a second, from the third second on."""

    def __init__(self) -> None:
        self._began_s = self._last_s = time.monotonic()

    def __call__(self, what: str, done_bytes: int, total_bytes: int) -> None:
        at = time.monotonic()
        if at - self._began_s < QUIET_FOR_S or at - self._last_s < TELL_EVERY_S:
            return
        self._last_s = at
        print(
            f"{what}: {done_bytes >> 20} of {total_bytes >> 20} MiB ({done_bytes / total_bytes:.0%})", file=sys.stderr, flush=True
        )
