"""The bytes of an upload as text, in whatever encoding Windows wrote them.

UTF-16 as PowerShell's `>` writes it, UTF-8, else the code page of a console: the one in which most labels of slmgr read right.
"""

from __future__ import annotations

import codecs

from estate.kmshost.errors import UploadRefused
from estate.kmshost.labels import recognised

# Source: Windows' OEM and ANSI code pages of the languages in labels.py; in 437 every byte is a character, so it comes first.
CODE_PAGES = ("cp437", "cp850", "cp1252", "cp858", "cp932")
_HEAD_BYTES = 65_536
_UNREADABLE = "kms_upload_unreadable"


def decoded(body: bytes) -> str:
    """The text. Raises UploadRefused `kms_upload_unreadable`: a character breaks off, or it holds zero bytes."""
    encoding = _unicode_encoding(body)
    if encoding is None:
        text = body.decode(_code_page(body), "replace")
    else:
        try:
            text = body.decode(encoding)
        except UnicodeDecodeError as error:
            problem = f"breaks off inside a {encoding.upper()} character at byte {error.start}"
            raise UploadRefused("the file", problem, code=_UNREADABLE) from error
    if "\x00" in text:
        raise UploadRefused("the file", "is no text file: it holds zero bytes", code=_UNREADABLE)
    return text


def _unicode_encoding(body: bytes) -> str | None:
    if body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    head = body[:_HEAD_BYTES]
    if len(head) >= 4 and head[1::2].count(0) > len(head) // 4:
        return "utf-16-le"
    if len(head) >= 4 and head[::2].count(0) > len(head) // 4:
        return "utf-16-be"
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return "utf-8-sig"


def _code_page(body: bytes) -> str:
    head = body[:_HEAD_BYTES]
    return max(CODE_PAGES, key=lambda page: recognised(head.decode(page, "replace")))
