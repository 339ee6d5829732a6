"""An upload before anything of it is stored: size, text, and full product keys gone. Works on memory only.

What the text says is read by the parser of its format; nothing in here looks for a count.
"""

from __future__ import annotations

import codecs
import hashlib
import re
from dataclasses import dataclass

from estate.facts.productkey import without_product_keys
from kms.core.policy import UPLOAD_LIMIT_BYTES

SCRIPT_STEP = "Run the Xenbound collection script on the KMS host again and upload its output unchanged."


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


@dataclass(frozen=True, slots=True)
class CleanUpload:
    """An upload fit to be stored: `sha256` and `size_bytes` are of the bytes as sent, `text` is without product keys."""

    sha256: str
    size_bytes: int
    text: str


def clean_upload(body: bytes) -> CleanUpload:
    """The upload as text without product keys.

    Raises: UploadTooLarge, UploadEmpty, UploadError (no text in any encoding Windows writes).
    """
    if len(body) > UPLOAD_LIMIT_BYTES:
        raise UploadTooLarge(f"the upload is {len(body):,} bytes long; at most {UPLOAD_LIMIT_BYTES:,} are read")
    text = _decoded(body)
    if not text.strip():
        raise UploadEmpty("the upload is empty")
    if "\x00" in text:
        raise UploadError("the upload is no text file: it holds zero bytes")
    return CleanUpload(hashlib.sha256(body).hexdigest(), len(body), without_product_keys(_plain_escapes(text)))


def _decoded(body: bytes) -> str:
    """UTF-16 with its mark (PowerShell's `>`), UTF-8, else the OEM code page 437, in which every byte is a character."""
    try:
        if body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return body.decode("utf-16")
    except UnicodeDecodeError as error:
        raise UploadError(f"the upload breaks off inside a UTF-16 character at byte {error.start}") from error
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        return body.decode("cp437")


def _plain_escapes(text: str) -> str:
    """JSON escapes of letters, digits and hyphens written plainly, so that no product key hides behind them."""
    return re.sub(r"\\(\\|u00[0-7][0-9A-Fa-f])", _plain_escape, text)


def _plain_escape(escape: re.Match[str]) -> str:
    code = escape[1]
    character = "\\" if code == "\\" else chr(int(code[1:], 16))
    return character if character.isalnum() or character == "-" else escape[0]
