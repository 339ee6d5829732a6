"""The short code of one answer of the gate: who signs on paper names it, so that the paper is about that answer alone."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any


def answer_code(answer: Mapping[str, Any]) -> str:
    """Sixteen hexadecimal digits in groups of four, over everything the answer says; `answer` holds values that JSON knows."""
    digest = hashlib.sha256(json.dumps(answer, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
    return "-".join(digest[at : at + 4] for at in range(0, 16, 4))


def same_code(one: str, other: str) -> bool:
    """Whether two codes are the same, as people copy them from paper."""
    return _plain(one) == _plain(other)


def _plain(code: str) -> str:
    return "".join(code.split()).replace("-", "").lower()
