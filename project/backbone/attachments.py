"""Files that people hand in as proof: told by their first bytes, kept by their SHA-256, never shown in a page."""

from __future__ import annotations

import hashlib
from pathlib import Path, PurePosixPath

from django.conf import settings

from project.backbone.files import uploading
from project.backbone.problems import Problem

FOLDER = "attachments"

LARGEST_BYTES = 20 << 20
_STARTS = {b"%PDF-": "application/pdf", b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}
_TEXT = "text/plain"
_SUFFIXES = {
    ".pdf": "application/pdf", ".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg",
    ".txt": _TEXT, ".log": _TEXT, ".csv": _TEXT, ".json": _TEXT, ".md": _TEXT,
}  # fmt: skip
SUFFIXES = ", ".join(sorted(_SUFFIXES))
_LAYOUT = frozenset("\t\r\n\f")


class AttachmentRefused(Problem):
    """Too large, or of a kind that is not kept."""

    code = "attachment_refused"
    title = "The file is not kept"


def require_kept_kind(name: str, content: bytes) -> str:
    """The content type of a file that may be kept under this name. Raises: AttachmentRefused."""
    if len(content) > LARGEST_BYTES:
        raise AttachmentRefused(f"{name} has more than {LARGEST_BYTES >> 20} MiB.", next_step="Hand in what shows it, no more.")
    content_type = content_type_of(name, content)
    if content_type is None:
        raise AttachmentRefused(
            f"{name} is not what its name says, or of a kind that is not kept.", next_step=f"Hand in one of {SUFFIXES}."
        )
    return content_type


def place_of(sha256: str) -> Path:
    """Where a file lies: by the hash alone, so that no name of anybody's means anything here."""
    return Path(settings.VAR_DIR) / FOLDER / sha256.lower()


def keep(content: bytes) -> str:
    """Keep a file; returns its SHA-256 in hex. The same bytes lie there once. Raises: Refused (507) `file_not_stored`."""
    sha256 = hashlib.sha256(content).hexdigest()
    place = place_of(sha256)
    if not place.exists():
        with uploading(place.parent) as (file, part):
            file.write(content)
            file.flush()
            part.replace(place)
    return sha256


def content_type_of(name: str, content: bytes) -> str | None:
    """The content type of a file that may be kept; None for one of another kind, or that is not what its name says."""
    wanted = _SUFFIXES.get(PurePosixPath(name).suffix.lower())
    found = next((kind for start, kind in _STARTS.items() if content.startswith(start)), None) or _text(content)
    return found if found == wanted else None


def _text(content: bytes) -> str | None:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return _TEXT if text and all(each.isprintable() or each in _LAYOUT for each in text) else None
