"""An upload before anything of it is stored: its size, and full product keys gone. Works on memory only.

What the text says is read by the parser of its format; nothing in here looks for a count.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from estate.facts.kms import KmsUploadFormat
from estate.facts.productkey import FULL_PRODUCT_KEY, without_product_keys
from kms.core.policy import UPLOAD_LIMIT_BYTES

SCRIPT_STEP = "Run the Xenbound collection script on the KMS host again and upload its output unchanged."
CLOCK_TOLERANCE = timedelta(minutes=15)
FURTHEST_OFFSET = timedelta(hours=14)  # Source: no zone of the world is further from UTC


class UploadError(Exception):
    """An upload that cannot be stored. `code` is stable; `next_step` says what to do."""

    code = "kms_upload_unreadable"
    next_step = SCRIPT_STEP


class UploadTooLarge(UploadError):
    """More than the 20 MB a reading can have."""

    code = "kms_upload_too_large"
    next_step = "Upload the collection script's output alone; it reads the last 35 days of events only."


class UploadEmpty(UploadError):
    """Nothing was sent."""

    code = "kms_upload_empty"


class CollectedAtMissing(UploadError):
    """The format does not say when it was collected and nobody else did."""

    code = "kms_collected_at_missing"
    next_step = "Tell when the file was written, with its time zone: collected_at=2026-03-12T10:00:00+01:00."


class CollectedAtAhead(UploadError):
    """It is said to have been collected in the future."""

    code = "kms_clock_ahead"
    next_step = "Tell the time at which the file was written, with its time zone."


@dataclass(frozen=True, slots=True)
class CleanUpload:
    """An upload fit to be stored: `sha256` and `size_bytes` are of the bytes as sent, `text` is without product keys.

    `collected_at` (and how far its zone is from UTC) is what the uploader said; None where the file says it itself.
    """

    sha256: str
    size_bytes: int
    format: KmsUploadFormat
    text: str
    collected_at: datetime | None = None
    utc_offset_min: int | None = None


def require_size(body: bytes) -> None:
    """Raises: UploadTooLarge, UploadEmpty."""
    if len(body) > UPLOAD_LIMIT_BYTES:
        raise UploadTooLarge(f"the upload is {len(body):,} bytes long; at most {UPLOAD_LIMIT_BYTES:,} are read")
    if not body.strip():
        raise UploadEmpty("the upload is empty")


def clean_upload(
    body: bytes, kind: KmsUploadFormat, text: str, *, collected_at: datetime | None, received_at: datetime
) -> CleanUpload:
    """The upload as it may be stored, `text` being its bytes decoded.

    Raises: UploadError (it hides a product key between two encodings), CollectedAtMissing, CollectedAtAhead.
    """
    told = _required_time(kind, collected_at, received_at)
    plain = without_product_keys(_plain_escapes(text))
    if FULL_PRODUCT_KEY.search(plain.encode("utf-16-le", "surrogatepass").replace(b"\x00", b"").decode("latin-1")):
        raise UploadError("the upload mixes two encodings")
    offset = None if told is None else told.utcoffset()
    return CleanUpload(
        sha256=hashlib.sha256(body).hexdigest(),
        size_bytes=len(body),
        format=kind,
        text=plain,
        collected_at=None if told is None else min(told, received_at),
        utc_offset_min=None if offset is None else int(offset.total_seconds()) // 60,
    )


def _required_time(kind: KmsUploadFormat, collected_at: datetime | None, received_at: datetime) -> datetime | None:
    if kind.carries_its_time:
        return None
    if collected_at is None:
        raise CollectedAtMissing("this kind of file does not say when it was collected")
    if collected_at > received_at + CLOCK_TOLERANCE:
        raise CollectedAtAhead(
            f"the file is said to have been collected at {collected_at:%Y-%m-%d %H:%M %z}, which is yet to come"
        )
    return collected_at


def _plain_escapes(text: str) -> str:
    """JSON escapes of letters, digits and hyphens written plainly, so that no product key hides behind them."""
    return re.sub(r"\\(\\|u[0-9A-Fa-f]{4})", _plain_escape, text)


def _plain_escape(escape: re.Match[str]) -> str:
    code = escape[1]
    character = "\\" if code == "\\" else chr(int(code[1:], 16))
    plain = (character.isascii() and character.isalnum()) or character in "-\u2010\u2011\u2012\u2013\u2014\u2015\u2212\uff0d"
    return character if plain else escape[0]
