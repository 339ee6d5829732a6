"""Reading values: what is unset, unreadable or nonsense is UNKNOWN with its reason, never a default."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from estate.facts.unknown import Unknown
from estate.vsphere.inventory.values import NOT_GIVEN, decoded_name
from tests.unit.estate_vsphere.xml import missing, prop, read_one


def test_scalars_are_read_by_their_declared_kind() -> None:
    found = read_one(
        prop("name", "web%2f01"),
        prop("n", "42", "xsd:int"),
        prop("b", "true", "xsd:boolean"),
        prop("t", "2026-11-22T20:00:00.123456789+01:00", "xsd:dateTime"),
    )
    assert (found.name(), found.integer("n"), found.boolean("b")) == ("web/01", 42, True)
    assert found.moment("t") == datetime(2026, 11, 22, 19, 0, 0, 123456, tzinfo=UTC)


def test_silence_and_refusal_are_told_apart() -> None:
    found = read_one(missing("config.x", "NoPermission", "<privilegeId>System.Read</privilegeId>"))
    assert found.text("config.y") is NOT_GIVEN
    refused = found.text("config.x")
    assert isinstance(refused, Unknown)
    assert refused.reason == "NoPermission: System.Read"
    assert found.unreadable == (("config.x", "NoPermission: System.Read"),)


@pytest.mark.parametrize(
    ("read", "value"),
    [
        ("integer", "many"),
        ("integer", str(2**63)),
        ("integer", str(-(2**63) - 1)),
        ("boolean", "perhaps"),
        ("moment", "yesterday"),
        ("moment", "2026-11-22T20:00:00"),
        ("moment", "0001-01-01T00:00:00+14:00"),
        ("moment", "9999-12-31T23:59:59-14:00"),
    ],
)
def test_nonsense_is_unknown_and_quotes_what_the_server_said(read: str, value: str) -> None:
    got = getattr(read_one(prop("p", value)), read)("p")
    assert isinstance(got, Unknown)
    assert value in got.reason


@pytest.mark.parametrize("number", [2**63 - 1, -(2**63)])
def test_a_number_may_fill_its_64_bits(number: int) -> None:
    assert read_one(prop("p", str(number))).integer("p") == number


def test_a_nameless_object_goes_by_its_moref() -> None:
    assert read_one(missing("name", "NoPermission"), moref="vm-77").name() == "vm-77"


@pytest.mark.parametrize(
    ("escaped", "plain"),
    [("a%2fb", "a/b"), ("a%5Cb", "a\\b"), ("50%25", "50%"), ("%252f", "%2f"), ("a%20b", "a%20b"), ("plain", "plain")],
)
def test_three_characters_are_decoded_in_names_and_no_more(escaped: str, plain: str) -> None:
    assert decoded_name(escaped) == plain
