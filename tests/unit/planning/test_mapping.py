"""What a guest id tells a mapping: its family, and whether it names a Windows."""

from __future__ import annotations

import pytest

from estate.facts.unknown import Unknown
from migration.planning.core.mapping import is_windows


@pytest.mark.parametrize(
    ("guest_id", "answer"),
    [("windows2019srv_64Guest", True), ("winLonghorn64Guest", True), ("debian12_64Guest", False), ("otherGuest64", False)],
)
def test_windows_is_known_by_its_guest_id(guest_id: str, answer: bool) -> None:
    assert is_windows(guest_id) is answer


def test_a_guest_that_nobody_could_read_is_not_taken_for_something_other_than_windows() -> None:
    assert is_windows(Unknown("no permission")) == Unknown("no permission")
