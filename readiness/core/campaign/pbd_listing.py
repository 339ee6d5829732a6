"""Reads what `xe pbd-list … params=host-uuid,sr-uuid,currently-attached` printed: the heartbeat SR, if every host has it.

Pure. Source: rule TMO-13.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_LINE = re.compile(r"^\s*(host-uuid|sr-uuid|currently-attached)\s*\(\s*\w+\s*\)\s*:\s*(\S*)\s*$")


class ListingRefused(ValueError):
    """The listing does not prove that one SR is attached on every host."""

    code = "pbd_listing_refused"


@dataclass(slots=True)
class _Block:
    host: str = ""
    sr: str = ""
    attached: str = ""


def _blocks(text: str) -> list[_Block]:
    """A block begins where a field of it comes again, whatever the blank lines do."""
    blocks: list[_Block] = []
    for line in text.splitlines():
        match = _LINE.match(line)
        if match is None:
            continue
        name = {"host-uuid": "host", "sr-uuid": "sr", "currently-attached": "attached"}[match[1]]
        if not blocks or getattr(blocks[-1], name):
            blocks.append(_Block())
        setattr(blocks[-1], name, match[2])
    return blocks


def sr_of_listing(text: str, host_uuids: Sequence[str]) -> str:
    """The one SR uuid of a listing with exactly one attached block per host. Raises: ListingRefused, saying what is wrong."""
    blocks = _blocks(text)
    if not blocks:
        raise ListingRefused("The text holds no host-uuid, sr-uuid and currently-attached lines.")
    hosts = [block.host for block in blocks]
    if len(hosts) != len(set(hosts)) or set(hosts) != set(host_uuids):
        missing = ", ".join(sorted(set(host_uuids) - set(hosts))) or "none"
        raise ListingRefused(f"It must have one block for each of the {len(host_uuids)} hosts; missing: {missing}.")
    srs = {block.sr for block in blocks}
    if len(srs) != 1 or "" in srs:
        raise ListingRefused(f"It names {len(srs)} SRs; it must be one.")
    loose = [block.host for block in blocks if block.attached != "true"]
    if loose:
        raise ListingRefused(f"The SR is not attached on {', '.join(loose)}.")
    return srs.pop()
