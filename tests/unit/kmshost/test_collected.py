"""The collection script's JSON becomes a correct reading, or is refused by place."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estate.facts.kms import KmsReading
from estate.facts.unknown import Unknown
from estate.kmshost.collected import read_collected
from estate.kmshost.errors import UploadRefused
from tests.builders.kms import cmid, day, script_event, script_output

SAMPLE = (Path(__file__).parents[2] / "data" / "kms" / "kms01.json").read_text().rstrip()
RECEIVED_AT = datetime(2026, 3, 12, 10, 5, tzinfo=UTC)
NAMELESS = {"t": "2026-03-01T00:00:00Z", "id": 2, "d": ["x"]}


def read(output: dict[str, Any]) -> KmsReading:
    return read_collected(json.dumps(output), received_at=day(11))


def refusal(output: dict[str, Any] | str) -> UploadRefused:
    with pytest.raises(UploadRefused) as refused:
        read_collected(output if isinstance(output, str) else json.dumps(output), received_at=day(11))
    assert refused.value.next_step
    return refused.value


def test_sample_of_a_host_with_windows_and_office_is_read() -> None:
    reading = read_collected(SAMPLE, received_at=RECEIVED_AT)
    assert (reading.host_name, reading.current_count, reading.is_kms_host) == ("KMS01", 6, True)
    assert (reading.partial_product_key, reading.listening_port, reading.os_version) == ("ABCDE", 1688, "10.0.20348.2031")
    assert reading.collected_at == datetime(2026, 3, 12, 10, 0, 0, 123456, tzinfo=UTC)
    assert reading.log_covers_from == datetime(2026, 2, 5, 7, 30, tzinfo=UTC)
    assert reading.contacts_unreadable == 1
    assert reading.smbios_uuid == "4C4C4544-0042-3510-8054-B4C04F4A3732"
    windows, office = reading.products
    assert (windows.current_count, windows.total_requests, windows.failed_requests) == (6, 1482, 37)
    assert (office.current_count, office.total_requests) == (None, None)


def test_client_is_found_in_separate_strings_in_one_string_and_after_leading_ones() -> None:
    refused, desktop, sql, app = read_collected(SAMPLE, received_at=RECEIVED_AT).contacts
    assert (app.cmid, app.machine_name, app.required_count) == ("0d9f3c62-5a41-4f0e-9b1c-3f6c2f1d7a10", "app07.corp.example", 5)
    assert (app.is_vm, app.license_state, app.minutes_to_expiration_min, app.record_id) == (True, 2, 43020, 907)
    assert app.activation_id == "66666666-7777-4888-9999-aaaaaaaaaaaa"
    assert (sql.machine_name, sql.minutes_to_expiration_min, sql.result_code) == ("sql01.corp.example", 259200, "0x00000000")
    assert (desktop.cmid, desktop.machine_name, desktop.required_count, desktop.is_vm) == (
        "7c1f7b0e-92b5-4e0b-b3a6-6d9c3c1f0a03", "pc-0042", 25, False,
    )  # fmt: skip
    assert refused.result_code == "0xC004F06C"


def test_time_of_a_request_is_the_events_own() -> None:
    assert read_collected(SAMPLE, received_at=RECEIVED_AT).contacts[-1].seen_at == datetime(
        2026, 3, 12, 8, 41, 7, 500000, tzinfo=UTC
    )


@pytest.mark.parametrize("none_yet", [-1, 4294967295])
def test_count_of_minus_one_is_none(none_yet: int) -> None:
    assert read(script_output(10, [], none_yet)).current_count is None


def test_service_class_is_asked_only_where_the_product_says_nothing() -> None:
    output = script_output(10, [], 7)
    del output["product"][0]["KeyManagementServiceCurrentCount"]
    assert read(output).current_count == 7
    output["product"][0]["KeyManagementServiceCurrentCount"] = 9
    assert read(output).current_count == 9


def test_client_machine_is_told_apart_from_a_host() -> None:
    output = script_output(10, [], -1)
    output["product"][0]["IsKeyManagementServiceMachine"] = 0
    output["service"]["IsKeyManagementServiceMachine"] = 0
    assert read(output).is_kms_host is False


def test_missing_values_stay_unknown() -> None:
    reading = read({"schema": 1, "now": "2026-03-10T00:00:00Z", "name": "KMS01", "product": [None], "ev12290": [None]})
    assert isinstance(reading.current_count, Unknown)
    assert isinstance(reading.is_kms_host, Unknown)
    assert isinstance(reading.log_covers_from, Unknown)
    assert isinstance(reading.smbios_uuid, Unknown)


def test_product_keys_in_any_text_are_removed() -> None:
    key = "ABCDE-12345-FGHIJ-67890-KLMNO"
    output = script_output(10, [script_event(key, 9)], 1, name=f"KMS {key}")
    output["product"][0] |= {"Description": key, "PartialProductKey": key}
    reading = read(output)
    assert key not in repr(reading)
    assert isinstance(reading.partial_product_key, Unknown)


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"schema": None}, "schema"),
        ({"schema": 2}, "schema"),
        ({"schema": True}, "schema"),
        ({"now": None}, "now"),
        ({"now": "2026-03-10T00:00:00"}, "now"),
        ({"now": "yesterday"}, "now"),
        ({"now": 5}, "now"),
        ({"now": "0001-01-01T00:00:00+14:00"}, "now"),
        ({"now": "2026-04-10T00:00:00Z"}, "now"),
        ({"name": " "}, "name"),
        ({"name": "K\x07"}, "name"),
        ({"name": "x" * 2000}, "name"),
        ({"product": "none"}, "product[0]"),
        ({"service": [1]}, "service"),
        ({"service": {"KeyManagementServiceListeningPort": "1688"}}, "service.KeyManagementServiceListeningPort"),
        ({"ev12290": [5]}, "ev12290[0]"),
        ({"ev12290": [{"t": "2026-03-01T00:00:00Z", "id": 1}]}, "ev12290[0].d"),
        ({"ev12290": [{"d": ["x"], "id": 1}]}, "ev12290[0].t"),
        ({"ev12290": [{"t": "2026-03-01T00:00:00Z", "id": 2, "d": ["x"] * 65}]}, "ev12290[0].d"),
        ({"ev12290": [NAMELESS]}, "ev12290"),
        ({"ev12290": [script_event("s1", 10.5)]}, "ev12290"),
    ],
)
def test_wrong_content_is_refused_by_place(changes: dict[str, Any], place: str) -> None:
    assert refusal(script_output(10, [], 5) | changes).where == place


def test_wrong_count_is_refused_by_place() -> None:
    for wrong in ("6", 6.5, -2, 2**32, True, [6]):
        output = script_output(10, [], 5)
        output["product"][0]["KeyManagementServiceCurrentCount"] = wrong
        assert refusal(output).where == "product[0].KeyManagementServiceCurrentCount"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "kms_not_json"),
        ("Software licensing service version: 10.0.20348.2031", "kms_not_json"),
        (SAMPLE[:700], "kms_not_json"),
        ("[]", "kms_upload_refused"),
        ('{"schema": NaN}', "kms_upload_refused"),
        ('{"schema": 1, "schema": 1}', "kms_upload_refused"),
        ('{"schema": ' + "9" * 5000 + "}", "kms_upload_refused"),
        ('{"a":' * 100_000, "kms_upload_refused"),
        ("{" * 1_600_000, "kms_upload_refused"),
    ],
)
def test_hostile_text_is_refused_with_a_code(text: str, code: str) -> None:
    assert refusal(text).code == code


@pytest.mark.parametrize(
    ("position", "value"),
    [(0, "ok"), (1, "0"), (1, "five"), (1, "5000"), (3, "not-a-guid"), (5, "2"), (6, "7"), (6, ""), (8, "43020")],
)
def test_event_that_does_not_read_as_a_request_is_counted_not_guessed(position: int, value: str) -> None:
    event = script_event("s2", 9)
    event["d"][position] = value
    reading = read(script_output(10, [script_event("s1", 9), event], 2))
    assert [contact.cmid for contact in reading.contacts] == [cmid("s1")]
    assert reading.contacts_unreadable == 1


@given(cut=st.integers(0, len(SAMPLE) - 1))
def test_truncated_upload_is_refused(cut: int) -> None:
    with pytest.raises(UploadRefused):
        read_collected(SAMPLE[:cut], received_at=RECEIVED_AT)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)


@given(key=st.sampled_from(["schema", "now", "name", "product", "service", "ev12290", "smbios"]), value=json_values)
def test_any_value_anywhere_is_read_or_refused_but_never_breaks_the_parser(key: str, value: object) -> None:
    try:
        reading = read(script_output(10, [script_event("s1", 9)], 6) | {key: value})
    except UploadRefused as refused:
        assert refused.where
    else:
        assert isinstance(reading.current_count, int) or key in ("product", "service")


@given(fields=st.lists(json_values, max_size=12))
def test_any_event_fields_are_read_counted_or_refused(fields: list[object]) -> None:
    events = [script_event("s1", 9), {"t": "2026-03-09T00:00:00Z", "id": 7, "d": fields}]
    try:
        reading = read(script_output(10, events, 6))
    except UploadRefused as refused:
        assert refused.where.startswith("ev12290[1]")
    else:
        assert len(reading.contacts) + reading.contacts_unreadable == 2


def test_clock_a_quarter_hour_ahead_is_set_back_to_the_time_of_receipt() -> None:
    received_at = day(11) - timedelta(minutes=14)
    reading = read_collected(json.dumps(script_output(11, [script_event("s1", 11)], 5)), received_at=received_at)
    assert (reading.collected_at, reading.contacts[0].seen_at) == (received_at, received_at)
