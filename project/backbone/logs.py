"""Logging: one event per line with fixed keys, as JSON or key=value, and every secret taken out on the way.

`configure` is Django's LOGGING_CONFIG. Events of libraries take the same way, tracebacks included.
"""

from __future__ import annotations

import logging.config
import re
from collections.abc import MutableMapping
from typing import Any

import structlog

GONE = "[redacted]"
SECRET_KEYS = re.compile(
    r"(pass(word|wd|phrase)?|secret|token|authorization|cookie|session(_?(id|key|ref))?|credentials?|api_?key|private_?key"
    r"|sealed_password|proxy_authorization)$",
    re.IGNORECASE,
)
_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\b(Bearer|Basic|Token|Digest)\s+[A-Za-z0-9+/=._~-]{6,}", re.IGNORECASE), rf"\1 {GONE}"),
    (re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*://)[^/@\s:]*:[^/@\s]*@", re.IGNORECASE), rf"\g<scheme>{GONE}@"),
    (
        re.compile(
            r"(?P<key>[\"']?\b(?:password|passwd|secret|token|authorization|session_id|session_ref|session|vmware_soap_session"
            r"|sessionid|csrftoken)[\"']?\s*[=:]\s*)(?P<quote>[\"']?)(?!\[redacted\])[^\s\"'&,;}]+",
            re.IGNORECASE,
        ),
        rf"\g<key>\g<quote>{GONE}",
    ),
    (re.compile(r"(?i)(<(?:\w+:)?password[^>]*>)[^<]*(</)"), rf"\1{GONE}\2"),
)
Event = MutableMapping[str, Any]


def redact(_: Any, __: str, event: Event) -> Event:
    """structlog processor: values under secret keys go, secrets inside texts go. Runs last before rendering."""
    return {key: _clean(key, value) for key, value in event.items()}


def redacted_text(text: str) -> str:
    """The text without bearer tokens, URL passwords, session ids and `password=` values."""
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


def _clean(key: str, value: Any) -> Any:
    if SECRET_KEYS.search(str(key)) and value not in (None, "", True, False):
        return GONE
    if isinstance(value, str):
        return redacted_text(value)
    if isinstance(value, dict):
        return {name: _clean(str(name), inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_clean("", inner) for inner in value]
    return value if isinstance(value, int | float | bool | None) else redacted_text(str(value))


BEFORE_RENDERING: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.PositionalArgumentsFormatter(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
    structlog.processors.format_exc_info,
]


def configure(options: dict[str, Any]) -> None:
    """Set up structlog and the standard library's logging. `options`: `{"format": "json"|"text", "level": "INFO"}`."""
    structlog.configure(
        processors=[*BEFORE_RENDERING, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    logging.config.dictConfig(_standard(options))


def _standard(options: dict[str, Any]) -> dict[str, Any]:
    renderer: Any = structlog.processors.JSONRenderer() if options["format"] == "json" else _key_value()
    formatter = {
        "()": structlog.stdlib.ProcessorFormatter,
        "foreign_pre_chain": BEFORE_RENDERING,
        "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, redact, renderer],
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": formatter},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": options["level"]},
        "loggers": {
            "django.server": {"handlers": [], "propagate": True},
            "django.request": {"level": "ERROR"},
            "httpx": {"level": "WARNING"},
        },
    }


def _key_value() -> Any:
    return structlog.processors.KeyValueRenderer(key_order=["timestamp", "level", "logger", "event"], drop_missing=True)
