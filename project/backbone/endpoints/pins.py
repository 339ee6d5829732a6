"""TLS pins: one spelling of a fingerprint, and what a person may confirm. Pure.

A pin is the SHA-256 of a certificate's DER bytes, in upper-case hex with colons.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

_SHA256 = re.compile(r"[0-9A-F]{64}")


class NotAPin(ValueError):
    """The text is no SHA-256 fingerprint (64 hex digits, colons and case do not matter)."""


def canonical_pin(text: str) -> str:
    """`aa:bb..` or `AABB..` as `AA:BB:..`. Raises: NotAPin."""
    digits = text.strip().replace(":", "").upper()
    if not _SHA256.fullmatch(digits):
        raise NotAPin(f"{text!r} is no SHA-256 fingerprint: 64 hex digits are needed")
    return ":".join(digits[i : i + 2] for i in range(0, 64, 2))


def offered_set(offered: Iterable[dict[str, Any]]) -> frozenset[str]:
    """The pins a probe has seen."""
    return frozenset(canonical_pin(certificate["sha256"]) for certificate in offered)


def unseen(wanted: Iterable[str], offered: Iterable[dict[str, Any]]) -> list[str]:
    """Pins a person named that no probe has seen: most likely a typing error, or another machine."""
    return sorted(set(wanted) - offered_set(offered))
