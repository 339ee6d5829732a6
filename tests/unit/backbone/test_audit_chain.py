"""The audit chain as arithmetic: any change of any field of any entry is noticed, whatever the entries say."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from project.backbone.audit.chain import FIRST, Link, verify_links

AT = datetime(2026, 11, 22, 20, tzinfo=UTC)


def a_chain(count: int) -> list[Link]:
    links: list[Link] = []
    previous = FIRST
    for number in range(1, count + 1):
        link = Link(
            "c", number, AT + timedelta(seconds=number), "anna", "id", "done", f"s{number}", None, {"n": number}, previous
        )
        link = replace(link, hash=link.computed_hash())
        links.append(link)
        previous = link.hash
    return links


def test_a_whole_chain_gives_its_head() -> None:
    links = a_chain(5)
    verdict = verify_links(links)
    assert (verdict.whole, verdict.entries, verdict.head) == (True, 5, links[-1].hash)


def test_an_empty_chain_is_whole() -> None:
    assert verify_links([]).whole


@pytest.mark.parametrize(
    "change",
    [
        {"actor": "bob"},
        {"action": "undone"},
        {"subject": "x"},
        {"after": {"n": 9}},
        {"before": {}},
        {"at": AT},
        {"actor_id": ""},
        {"chain": "d"},
    ],
)
@given(position=st.integers(0, 4))
def test_a_changed_field_breaks_the_chain_there(change: dict[str, Any], position: int) -> None:
    links = a_chain(5)
    links[position] = replace(links[position], **change)
    assert verify_links(links).broken_at == position + 1


@given(position=st.integers(0, 3))
def test_a_missing_or_swapped_entry_is_noticed(position: int) -> None:
    links = a_chain(5)
    assert not verify_links(links[:position] + links[position + 1 :]).whole
    links[position], links[position + 1] = links[position + 1], links[position]
    assert not verify_links(links).whole


def test_the_time_zone_of_an_entry_does_not_change_its_hash() -> None:
    link = a_chain(1)[0]
    elsewhere = replace(link, at=link.at.astimezone(timezone(timedelta(hours=5))))
    assert elsewhere.computed_hash() == link.hash
