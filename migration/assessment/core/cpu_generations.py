"""What a processor's name tells: its maker, and its generation where the maker puts it into the number."""

from __future__ import annotations

import re

_BRANDS = {"genuineintel": "intel", "intel": "intel", "authenticamd": "amd", "amd": "amd"}
_NOISE = re.compile(r"\(r\)|\(tm\)|\bcpu\b|\bprocessor\b|\d+-core\b|@.*$")
_XEON_VERSIONED = re.compile(r"\be([357])-\d{4}\w* ?(v\d)?")
_XEON_SCALABLE = re.compile(r"\b(?:platinum|gold|silver|bronze) \d(\d)\d\d(hl?\b)?")
"""The third generation for four sockets and more (H) is another one than that for two."""
_XEON_SIX = re.compile(r"\bxeon 6\d{3}([pe])\b")
_EPYC = re.compile(r"\bepyc [3789]\w\w(\d)")
"""The last digit counts generations across the series."""


def brand_of(vendor: str) -> str:
    """`intel` or `amd`, whichever way it is written; another vendor in lower case."""
    written = vendor.strip().lower()
    return _BRANDS.get(written, written)


def same_model(one: str, other: str) -> bool:
    """Whether two names mean one model, however clock, trade marks and blanks are written."""
    return _plain(one) == _plain(other)


def generation_of(model: str) -> str | None:
    """A mark that processors of one generation share; None where the name does not tell."""
    name = _plain(model)
    if found := _XEON_SCALABLE.search(name):
        return f"xeon scalable {found[1]}{'h' if found[2] and found[1] == '3' else ''}"
    if found := _XEON_SIX.search(name):
        return f"xeon 6 {found[1]}"
    if found := _XEON_VERSIONED.search(name):
        return f"xeon {found[2] or 'v1'}"
    if found := _EPYC.search(name):
        return f"epyc {found[1]}"
    return None


def _plain(model: str) -> str:
    return " ".join(_NOISE.sub(" ", model.lower()).split())
