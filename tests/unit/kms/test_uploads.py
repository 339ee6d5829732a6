"""Uploads are decoded, bounded and freed of product keys before anything else sees them."""

from __future__ import annotations

import hashlib
import json

import pytest

from kms.core.policy import UPLOAD_LIMIT_BYTES
from kms.core.uploads import UploadEmpty, UploadError, UploadTooLarge, clean_upload

KEY = "ABCDE-12345-FGHIJ-67890-KLMNO"


@pytest.mark.parametrize(
    "body",
    [
        f'{{"name": "{KEY}"}}'.encode(),
        f'{{"name": "line\\n{KEY}"}}'.encode(),
        f'{{"name": "{KEY.lower()}"}}'.encode("utf-8-sig"),
        f'{{"name": "{KEY}"}}'.encode("utf-16"),
        f'{{"name": "M\xfcller {KEY}"}}'.encode("cp437"),
        json.dumps({"name": KEY}).replace("-", "\\u002d").replace("A", "\\u0041").encode(),
    ],
)
def test_full_product_keys_are_gone_in_every_encoding(body: bytes) -> None:
    cleaned = clean_upload(body)
    assert KEY not in cleaned.text.upper()
    assert "[product key removed]" in json.loads(cleaned.text)["name"]
    assert cleaned.sha256 == hashlib.sha256(body).hexdigest()


def test_partial_keys_guids_and_extended_pids_stay() -> None:
    text = '{"a": "ABCDE", "b": "0d9f3c62-5a41-4f0e-9b1c-3f6c2f1d7a10", "c": "06401-00206-566-123456-03-1033-20348.0000-0402024"}'
    assert clean_upload(text.encode()).text == text


def test_escaped_backslashes_and_quotes_keep_their_meaning() -> None:
    text = json.dumps({"path": "C:\\u0041", "quote": 'a"b', "umlaut": "\xfc"})
    assert json.loads(clean_upload(text.encode()).text) == json.loads(text)


@pytest.mark.parametrize(
    ("body", "error", "code"),
    [
        (b" " * (UPLOAD_LIMIT_BYTES + 1), UploadTooLarge, "kms_upload_too_large"),
        (b"", UploadEmpty, "kms_upload_empty"),
        (b" \r\n", UploadEmpty, "kms_upload_empty"),
        (b"{\x00}", UploadError, "kms_upload_unreadable"),
        (b"\xff\xfe{", UploadError, "kms_upload_unreadable"),
    ],
)
def test_unusable_uploads_are_refused_with_a_code(body: bytes, error: type[UploadError], code: str) -> None:
    with pytest.raises(error) as refused:
        clean_upload(body)
    assert refused.value.code == code
    assert refused.value.next_step
