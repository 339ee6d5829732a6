"""Redaction: whatever is logged, however deep, no password, token or session id reaches the line."""

from __future__ import annotations

import io
import json
import logging

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from project.backbone.logs import configure, redact, redacted_text

SECRET = "hunter2-Sup3r-s3cret"


@pytest.mark.parametrize(
    "text",
    [
        f"Authorization: Bearer {SECRET}",
        f"sent 'Basic {SECRET}' to pool-a",
        f"https://root:{SECRET}@pool-a.example/import_raw_vdi",
        f"PUT /import_raw_vdi?session_id={SECRET}&vdi=OpaqueRef:1",
        f"login failed for root, password={SECRET}",
        f'{{"username": "root", "password": "{SECRET}"}}',
        f"{{'password': '{SECRET}', 'pool': 'a'}}",
        f'Cookie: vmware_soap_session="{SECRET}"; Path=/',
        f"<password xsi:type='xsd:string'>{SECRET}</password>",
        f"<ns0:password>{SECRET}</ns0:password>",
        f"token: {SECRET}",
        f"csrftoken={SECRET}",
    ],
)
def test_a_secret_inside_a_text_is_taken_out(text: str) -> None:
    assert SECRET not in redacted_text(text)


@pytest.mark.parametrize(
    "key", ["password", "PASSWORD", "sealed_password", "token", "session_id", "session", "Authorization", "api_key"]
)
def test_a_value_under_a_secret_key_is_taken_out_however_deep(key: str) -> None:
    event = redact(None, "info", {"event": "x", "request": {"headers": [{key: SECRET}]}, key: SECRET})
    assert SECRET not in str(event)


@pytest.mark.parametrize(
    "text",
    [
        "Copied 12 tokens of work in 3 s",
        "pool-a answered 200 for https://pool-a.example/jsonrpc",
        "the session of pool-a ended",
        "OpaqueRef:1 is a VDI",
    ],
)
def test_ordinary_sentences_stay_as_they_are(text: str) -> None:
    assert redacted_text(text) == text


@given(st.text())
def test_redaction_takes_any_text_and_is_stable(text: str) -> None:
    once = redacted_text(text)
    assert redacted_text(once) == once


def test_a_logged_line_is_json_with_fixed_keys_and_a_clean_traceback() -> None:
    configure({"format": "json", "level": "INFO"})
    stream = io.StringIO()
    handler = logging.getLogger().handlers[0]
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(stream)
    try:
        raise ValueError(f"cannot log in with password={SECRET}")
    except ValueError:
        structlog.get_logger("xenbound.test").exception("login_failed", pool="pool-a", password=SECRET)
    logging.getLogger("urllib3").warning("retrying %s", f"https://root:{SECRET}@pool-a/")
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert SECRET not in stream.getvalue()
    assert [line["event"] for line in lines][:1] == ["login_failed"]
    assert {"timestamp", "level", "logger", "event", "pool"} <= set(lines[0])
    assert "ValueError" in lines[0]["exception"]
