"""Uploads are bounded, told apart and freed of product keys before anything else sees them."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estate.facts.kms import KmsUploadFormat
from estate.kmshost.errors import UploadRefused
from estate.kmshost.intake import take_in
from kms.core.policy import UPLOAD_LIMIT_BYTES
from kms.core.uploads import (
    CleanUpload,
    CollectedAtAhead,
    CollectedAtMissing,
    UploadEmpty,
    UploadError,
    UploadTooLarge,
    clean_upload,
    require_size,
)
from tests.builders.slmgr import host_text

KEY = "ABCDE-12345-FGHIJ-67890-KLMNO"
NOW = datetime(2026, 3, 12, 10, 0, tzinfo=UTC)


def cleaned(body: bytes, collected_at: datetime | None = None) -> CleanUpload:
    require_size(body)
    taken = take_in(body)
    return clean_upload(body, taken.format, taken.text, collected_at=collected_at, received_at=NOW)


@pytest.mark.parametrize(
    "body",
    [
        f'{{"name": "{KEY}"}}'.encode(),
        f'{{"name": "line\\n{KEY}"}}'.encode(),
        f'{{"name": "{KEY.lower()}"}}'.encode("utf-8-sig"),
        f'{{"name": "{KEY}"}}'.encode("utf-16"),
        f'{{"name": "{KEY}"}}'.encode("utf-16-le"),
        f'{{"name": "{KEY}"}}'.encode("utf-16-be"),
        f'{{"name": "M\xfcller {KEY}"}}'.encode("cp437"),
        json.dumps({"name": KEY}).replace("-", "\\u002d").replace("A", "\\u0041").encode(),
        json.dumps({"name": KEY.replace("-", "\u2011")}).encode(),
        json.dumps({"name": KEY.replace("-", "\u2013")}, ensure_ascii=False).encode(),
    ],
)
def test_full_product_keys_are_gone_in_every_encoding(body: bytes) -> None:
    upload = cleaned(body)
    assert KEY not in upload.text.upper()
    assert "[product key removed]" in json.loads(upload.text)["name"]
    assert upload.sha256 == hashlib.sha256(body).hexdigest()


@given(before=st.integers(0, 200))
def test_key_that_a_second_encoding_hides_is_refused_or_removed(before: int) -> None:
    text = host_text()
    hidden = text[:before].encode("utf-16") + KEY.encode() + text[before:].encode("utf-16-le")
    try:
        upload = cleaned(hidden, NOW)
    except (UploadError, UploadRefused):
        return
    for encoding in ("utf-8", "utf-16-le", "utf-16-be"):
        assert KEY.encode() not in upload.text.encode(encoding).replace(b"\x00", b"")


def test_partial_keys_guids_and_extended_pids_stay() -> None:
    text = '{"a": "ABCDE", "b": "0d9f3c62-5a41-4f0e-9b1c-3f6c2f1d7a10", "c": "06401-00206-566-123456-03-1033-20348.0000-0402024"}'
    assert cleaned(text.encode()).text == text


def test_escaped_backslashes_and_quotes_keep_their_meaning() -> None:
    text = json.dumps({"path": "C:\\u0041", "quote": 'a"b', "umlaut": "\xfc"})
    assert json.loads(cleaned(text.encode()).text) == json.loads(text)


@pytest.mark.parametrize(
    ("body", "error", "code"),
    [
        (b" " * (UPLOAD_LIMIT_BYTES + 1), UploadTooLarge, "kms_upload_too_large"),
        (b"", UploadEmpty, "kms_upload_empty"),
        (b" \r\n", UploadEmpty, "kms_upload_empty"),
        (b"{\x00}", UploadRefused, "kms_upload_unreadable"),
        (b"\xff\xfe{", UploadRefused, "kms_upload_unreadable"),
        (b"hello", UploadRefused, "kms_format_unknown"),
        (b"x" * UPLOAD_LIMIT_BYTES, UploadRefused, "kms_format_unknown"),
        (host_text().encode(), CollectedAtMissing, "kms_collected_at_missing"),
    ],
)
def test_unusable_uploads_are_refused_with_a_code(body: bytes, error: type[Exception], code: str) -> None:
    with pytest.raises(error) as refused:
        cleaned(body)
    assert refused.value.code == code  # type: ignore[attr-defined]
    assert refused.value.next_step  # type: ignore[attr-defined]


def test_time_told_is_kept_with_its_distance_from_utc_and_none_is_taken_of_the_future() -> None:
    at = datetime(2026, 3, 12, 10, 30, tzinfo=timezone(timedelta(hours=1)))
    upload = cleaned(host_text().encode(), at)
    assert (upload.format, upload.collected_at, upload.utc_offset_min) == (KmsUploadFormat.SLMGR_TEXT, at, 60)
    with pytest.raises(CollectedAtAhead):
        cleaned(host_text().encode(), NOW + timedelta(hours=1))
    assert cleaned(b"{}", at).collected_at is None
