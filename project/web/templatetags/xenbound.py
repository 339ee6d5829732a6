"""How values look on every page: facts that may be unknown, sizes, durations, times. Nothing is decided here."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from estate.facts.unknown import Unknown

register = template.Library()
_UNITS = (("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10))


@register.filter
def fact(value: Any) -> Any:
    """The value, or the word unknown with the reason to hover over: a template must never ask an Unknown whether it is true."""
    if isinstance(value, Unknown):
        return _unknown(value)
    return "–" if value is None or value == "" else value


@register.filter
def size(value_bytes: int | Unknown | None) -> str | SafeString:
    """Bytes as people read them: `10 GiB`, `1.5 TiB`."""
    if isinstance(value_bytes, Unknown):
        return _unknown(value_bytes)
    if value_bytes is None:
        return "–"
    for unit, unit_bytes in _UNITS:
        if value_bytes >= unit_bytes:
            return f"{value_bytes / unit_bytes:.1f}".removesuffix(".0") + f" {unit}"
    return f"{value_bytes} B"


@register.filter
def duration(value_s: float | None) -> str:
    """Seconds as `45 s`, `3 min`, `2.5 h`."""
    if value_s is None:
        return "–"
    if value_s < 90:
        return f"{value_s:.0f} s"
    return f"{value_s / 60:.0f} min" if value_s < 5400 else f"{value_s / 3600:.1f} h"


@register.filter
def when(at: datetime | None) -> str | SafeString:
    """A time in UTC, said to be so."""
    if at is None:
        return "never"
    utc = at.astimezone(UTC)
    return format_html('<time datetime="{}">{}</time>', utc.isoformat(timespec="seconds"), f"{utc:%Y-%m-%d %H:%M} UTC")


@register.filter
def words(value: Any) -> str:
    """A code of ours (`ready_with_work`) as words."""
    return str(value).replace("_", " ")


def _unknown(value: Unknown) -> SafeString:
    return format_html('<span class="mark unknown" title="{}">unknown</span>', value.reason)
