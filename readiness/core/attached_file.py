"""What a file that goes with evidence may be: told by its first bytes, never by what the sender calls it."""

from __future__ import annotations

from pathlib import PurePosixPath

LARGEST_BYTES = 20 << 20
_STARTS = {b"%PDF-": "application/pdf", b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}
_TEXT = "text/plain"
_SUFFIXES = {
    ".pdf": "application/pdf", ".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg",
    ".txt": _TEXT, ".log": _TEXT, ".csv": _TEXT, ".json": _TEXT, ".md": _TEXT,
}  # fmt: skip
SUFFIXES = ", ".join(sorted(_SUFFIXES))
_LAYOUT = frozenset("\t\r\n\f")


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
