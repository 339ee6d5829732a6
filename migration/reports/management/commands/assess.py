"""`manage.py assess FILE --target xenserver-8.4 -o report.pdf`: assess a workbook with no database, server or credentials."""

from __future__ import annotations

import getpass
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from estate.errors import EdgeError
from migration.assessment.core.limits import UnknownProduct
from migration.reports import html, pdf
from migration.reports.core.document import Document, Verdict
from migration.reports.work.workbook import document_of_workbook

FORMS = (".pdf", ".html")


class Command(BaseCommand):
    help = "Assess an RVTools workbook (.xlsx, .zip or folder of CSV files) and write a report, without any server."
    requires_system_checks = ()
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("workbook", type=Path, metavar="FILE")
        parser.add_argument("--target", required=True, help="target product, e.g. xenserver-8.4 or xcp-ng-8.3")
        parser.add_argument(
            "--profile", default="xenserver-8", help="policy profile: xenserver-8 (unless told) or xenserver-2010"
        )
        parser.add_argument("-o", "--output", type=Path, required=True, help="report to write: .pdf or .html")
        parser.add_argument("--customer", default="", help="name on the title page")
        parser.add_argument("--force", action="store_true", help="write over an existing report")

    def handle(self, *args: Any, workbook: Path, output: Path, force: bool, **options: Any) -> None:
        _writable(output, force=force)
        self._say(f"Reading and assessing {workbook} ...")
        try:
            document = document_of_workbook(
                workbook,
                target_product=options["target"],
                policy_profile=options["profile"],
                customer=options["customer"],
                made_by=getpass.getuser(),
            )
        except UnknownProduct as error:
            raise CommandError(str(error), returncode=2) from error
        except EdgeError as error:
            raise CommandError(f"{error} [{error.code}] {error.next_step}".strip()) from error
        self._say("Setting the pages ...")
        _write(output, _rendered(document, output))
        self.stdout.write(f"{output}: {_headline(document)}")

    def _say(self, words: str) -> None:
        print(words, file=sys.stderr, flush=True)


def _writable(output: Path, *, force: bool) -> None:
    """Refuse early what would fail after the work."""
    if output.suffix.lower() not in FORMS:
        raise CommandError(f"{output}: a report is written as {' or '.join(FORMS)}; name the file so.", returncode=2)
    if not output.parent.is_dir():
        raise CommandError(f"{output.parent}: no such folder; make it first.", returncode=2)
    if output.exists() and not force:
        raise CommandError(f"{output} exists; name another file, or give --force to write over it.", returncode=2)


def _rendered(document: Document, output: Path) -> bytes:
    return html.render(document).encode() if output.suffix.lower() == ".html" else pdf.render(document)


def _write(output: Path, content: bytes) -> None:
    """Write beside and move into place: a full disk leaves no half report."""
    beside = output.with_name(output.name + ".part")
    try:
        beside.write_bytes(content)
        beside.replace(output)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise CommandError(f"{output} cannot be written: {error.strerror}. Free space or name another folder.") from error


def _headline(document: Document) -> str:
    return next(block.text for block in document.blocks if isinstance(block, Verdict))
