"""Workbooks that people upload: kept in the data folder, named by the hash of their content, bounded in size."""

from __future__ import annotations

import hashlib
import re
import secrets
from pathlib import Path
from typing import BinaryIO

from django.conf import settings

from migration.inventory.models import Source, SourceKind
from project.backbone.accounts.policy import Actor, Role
from project.backbone.audit.services import record
from project.backbone.files import uploading
from project.backbone.problems import Conflict, Problem

FOLDER = "workbooks"
CHUNK_BYTES = 1 << 20
_UNPLAIN = re.compile(r"[^A-Za-z0-9._-]+")


class WorkbookTooLarge(Problem):
    """More than `XENBOUND_WORKBOOK_BYTES`."""

    status = 413
    code = "workbook_too_large"
    title = "The workbook is too large"


def place_of(source: Source) -> Path:
    """Where the source's workbook lies."""
    return Path(settings.VAR_DIR) / FOLDER / source.path


def require_room(size_bytes: int) -> None:
    """Pass for a size that may be uploaded. Raises: WorkbookTooLarge (413)."""
    if size_bytes > settings.WORKBOOK_BYTES:
        raise WorkbookTooLarge(
            f"The workbook has {size_bytes} bytes; {settings.WORKBOOK_BYTES} are taken at most.",
            next_step="Export one cluster at a time, or raise XENBOUND_WORKBOOK_BYTES.",
        )


def keep(source: Source, *, name: str, content: BinaryIO, actor: Actor) -> Source:
    """Make these bytes the source's workbook; its next collection reads them. Earlier ones stay for what they were.

    Raises: RoleTooLow (operator), NotVisible, Conflict `source_takes_no_workbook` (409), WorkbookTooLarge (413), Refused (507)
    `file_not_stored`.
    """
    actor.require(source.project_id, Role.OPERATOR)
    if source.kind != SourceKind.RVTOOLS:
        raise Conflict(
            f"{source} is of kind {source.kind} and takes no workbook.",
            code="source_takes_no_workbook",
            next_step="Add a source of kind rvtools for it.",
        )
    before, source.path = source.path, _kept(content, _plain(name))
    source.save(update_fields=["path"])
    record(
        actor, "source.workbook_uploaded", source, project=source.project, before={"path": before}, after={"path": source.path}
    )
    return source


def _plain(name: str) -> str:
    """The name as errors show it, without anything that means something in a path."""
    return _UNPLAIN.sub("_", name).lstrip(".")[-100:] or "workbook"


def _kept(content: BinaryIO, name: str) -> str:
    folder = Path(settings.VAR_DIR) / FOLDER
    with uploading(folder) as (file, part):
        digest = _copied(content, file)
        file.flush()
        # Each upload has a folder of its own: what nobody reads any more can go without asking whether somebody came back.
        place = f"{digest}-{secrets.token_hex(4)}"
        (folder / place).mkdir(mode=0o700)
        part.replace(folder / place / name)
    return f"{place}/{name}"


def _copied(content: BinaryIO, file: BinaryIO) -> str:
    digest, size_bytes = hashlib.sha256(), 0
    while chunk := content.read(CHUNK_BYTES):
        size_bytes += len(chunk)
        require_room(size_bytes)
        digest.update(chunk)
        file.write(chunk)
    return digest.hexdigest()
