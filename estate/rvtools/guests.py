"""From the names of guests that vCenter shows to guest ids. Both are one list of vSphere's; RVTools exports only the names."""

from __future__ import annotations

import functools
import re
import tomllib
from pathlib import Path

from estate.facts.unknown import Unknown

_NAMES = Path(__file__).parent / "data" / "guest_names.toml"
_SPACES = re.compile(r"\s+")


def guest_id(full_name: str | Unknown) -> str | Unknown:
    """The id of a full name, e.g. `windows9Server64Guest` of `Microsoft Windows Server 2016 (64-bit)`."""
    return full_name if isinstance(full_name, Unknown) else _guest_id(full_name)


@functools.lru_cache(maxsize=4096)
def _guest_id(full_name: str) -> str | Unknown:
    found = _ids().get(_folded(full_name))
    return Unknown(f"no guest id is known for {full_name[:80]!r}") if found is None else found


@functools.cache
def _ids() -> dict[str, str]:
    with _NAMES.open("rb") as file:
        table: dict[str, str] = tomllib.load(file)["ids"]
    return {_folded(name): found for name, found in table.items()}


def _folded(name: str) -> str:
    return _SPACES.sub(" ", name.strip().lower())
