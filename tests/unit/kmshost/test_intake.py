"""Whatever is brought, mutated, cut or mixed, is read or refused with a place and a next step; it never breaks the reader."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from estate.facts.kms import KmsGuestReading, KmsReading, KmsUploadFormat
from estate.facts.unknown import Unknown
from estate.kmshost.errors import UploadRefused
from estate.kmshost.intake import Told, read_guest_upload, read_host_upload, take_in
from tests.builders.evtx import LogEvent, an_evtx
from tests.builders.kms import cmid, script_event, script_output
from tests.builders.slmgr import client_text, host_text

AT = datetime(2026, 3, 12, 10, 0, tzinfo=UTC)
TOLD = Told(received_at=AT, collected_at=AT, computer_name="app07")
DATA = f"0x0,5,app07.corp.example,{cmid('app07')},2026/3/12 8:41,1,2,43020,66666666-7777-4888-9999-aaaaaaaaaaaa"
EVENTS = f'Level,Date and Time,Source,Event ID,Task\r\nInfo,2026-03-12 08:41:07Z,SPP,12290,None,"x\r\n{DATA}"\r\n'
VAMT = f"""Computer Name,Product Name,Product Key Type,License Status,Remaining Minutes,CMID,KMS Host,Partial Product Key
app07,"Windows(R), ServerStandard edition",Client Volume License Key (GVLK),Licensed,257760,{cmid("app07")},kms01,ABCDE
app08,"Windows(R), ServerStandard edition",MAK,Out-of-Box Grace,4320,,,FGHIJ
app08,"Office 19, Office19ProPlus2019 edition",GVLK,Licensed,1000,,,FGHIJ
"""
GUEST = json.dumps(script_output(11, [script_event("s1", 9)], 6))
FILES = {
    KmsUploadFormat.CIM_JSON: GUEST.encode(),
    KmsUploadFormat.SLMGR_TEXT: host_text().encode(),
    KmsUploadFormat.EVENTS_CSV: EVENTS.encode(),
    KmsUploadFormat.EVENTS_EVTX: an_evtx([LogEvent(12290, 1, AT - timedelta(hours=1), DATA.split(","))]),
    KmsUploadFormat.VAMT_CSV: VAMT.encode(),
}


def everything(body: bytes) -> list[KmsReading | KmsGuestReading]:
    """What both doors make of a file; a refusal has its words."""
    read: list[KmsReading | KmsGuestReading] = []
    try:
        taken = take_in(body)
    except UploadRefused as refused:
        assert refused.where and refused.next_step
        return []
    for door in (
        lambda: [read_host_upload(taken.format, taken.text, TOLD)],
        lambda: read_guest_upload(taken.format, taken.text, TOLD),
    ):
        try:
            read.extend(door())
        except UploadRefused as refused:
            assert refused.where and refused.next_step
    return read


@pytest.mark.parametrize("kind", FILES)
def test_a_file_is_told_by_its_content(kind: KmsUploadFormat) -> None:
    assert take_in(FILES[kind]).format is kind
    assert everything(FILES[kind])


def test_vamts_list_is_read_by_its_columns_and_office_is_left_out() -> None:
    first, second = read_guest_upload(KmsUploadFormat.VAMT_CSV, VAMT, TOLD)
    assert (first.computer_name, first.channel, first.license_status, first.minutes_left_min) == (
        "app07",
        "VOLUME_KMSCLIENT",
        1,
        257760,
    )
    assert (first.cmid, first.kms_machine, first.partial_product_key) == (cmid("app07"), "kms01", "ABCDE")
    assert (second.channel, second.license_status, second.minutes_left_min) == ("VOLUME_MAK", 2, 4320)
    assert isinstance(second.cmid, Unknown)


WRONG_IN_VAMT = [(",257760,", ",257 760,"), ("app08,", ","), ("FGHIJ\n", "FGHIJ,more\n"), ('"Windows', "Windows")]


@pytest.mark.parametrize("change", WRONG_IN_VAMT)
def test_vamts_list_that_cannot_be_right_is_refused_by_row(change: tuple[str, str]) -> None:
    with pytest.raises(UploadRefused) as refused:
        read_guest_upload(KmsUploadFormat.VAMT_CSV, VAMT.replace(*change), TOLD)
    assert refused.value.where.startswith("row ")


@settings(max_examples=150, deadline=None)
@given(
    kind=st.sampled_from(sorted(set(FILES) - {KmsUploadFormat.EVENTS_EVTX})),
    place=st.integers(0, 3000),
    put=st.binary(max_size=6),
)
def test_mutated_files_are_read_or_refused_and_never_give_another_count(kind: KmsUploadFormat, place: int, put: bytes) -> None:
    body = FILES[kind]
    at = place % len(body)
    for changed in (body[:at] + put + body[at:], body[:at] + put + body[at + len(put) :], body[:at]):
        for reading in everything(changed):
            if isinstance(reading, KmsReading) and isinstance(reading.current_count, int):
                assert str(reading.current_count).encode() in changed


@settings(max_examples=100, deadline=None)
@given(
    first=st.sampled_from(["utf-8", "utf-16", "utf-16-le", "cp437", "cp932"]),
    then=st.sampled_from(["utf-8", "utf-16", "utf-16-be", "cp850", "cp1252"]),
    cut=st.integers(0, 700),
)
def test_files_of_two_encodings_are_read_rightly_or_refused(first: str, then: str, cut: int) -> None:
    for text in (host_text("de"), client_text("de")):
        body = text[:cut].encode(first, "replace") + text[cut:].encode(then, "replace")
        for reading in everything(body):
            if isinstance(reading, KmsReading):
                assert reading.current_count in (17, None) or isinstance(reading.current_count, Unknown)
            elif isinstance(reading.minutes_left_min, int):
                assert reading.minutes_left_min in (257760, 0)


@given(body=st.binary(max_size=300), kind=st.sampled_from(sorted(FILES)))
def test_any_bytes_behind_the_beginning_of_any_file_never_break_the_reader(body: bytes, kind: KmsUploadFormat) -> None:
    if kind is KmsUploadFormat.EVENTS_EVTX:
        everything(FILES[kind][:4200] + body)
    else:
        everything(FILES[kind][:200] + body)
