"""Event 12290 out of CSV exports and `.evtx` files: a correct reading, or a refusal with the place; never a wrong contact."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from estate.facts.kms import KmsReading, KmsUploadFormat
from estate.kmshost.errors import UploadRefused
from estate.kmshost.intake import Told, read_host_upload, take_in
from tests.builders.evtx import LogEvent, an_evtx

AT = datetime(2026, 3, 12, 10, 0, tzinfo=UTC)
CMID = "0d9f3c62-5a41-4f0e-9b1c-3f6c2f1d7a10"
DATA = f"0x0,5,app07.corp.example,{CMID},2026/3/12 8:41,1,2,43020,66666666-7777-4888-9999-aaaaaaaaaaaa"
SEEN = datetime(2026, 3, 12, 8, 41, 7, tzinfo=UTC)


def told(offset_h: float = 0, at: datetime = AT) -> Told:
    return Told(received_at=at, collected_at=at, utc_offset=timedelta(hours=offset_h))


def read(body: bytes | str, offset_h: float = 0) -> KmsReading:
    taken = take_in(body if isinstance(body, bytes) else body.encode())
    return read_host_upload(taken.format, taken.text, told(offset_h))


def refusal(body: bytes | str) -> UploadRefused:
    with pytest.raises(UploadRefused) as refused:
        read(body)
    assert refused.value.next_step
    return refused.value


def table(rows: list[list[str]], header: str = "Level,Date and Time,Source,Event ID,Task Category", delimiter: str = ",") -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter).writerows(rows)
    return header.replace(",", delimiter) + "\r\n" + out.getvalue()


def viewer_row(time: str, data: str = DATA, event: str = "12290") -> list[str]:
    message = f"An activation request has been processed.\r\nInfo:\r\n{data}"
    return ["Information", time, "Microsoft-Windows-Security-SPP", event, "None", message]


@pytest.mark.parametrize(
    ("times", "offset_h"),
    [
        (["3/12/2026 8:41:07 AM", "2/28/2026 11:02:00 PM"], 0),
        (["12.03.2026 09:41:07", "28.02.2026 23:02:00"], 1),
        (["12/03/2026 09:41:07", "28/02/2026 23:02:00"], 1),
        (["2026/03/12 17:41:07", "2026/02/28 23:02:00"], 9),
        (["2026-03-12T08:41:07.0000000Z", "2026-02-28T23:02:00Z"], 5),
    ],
)
def test_event_viewers_csv_is_read_in_every_order_of_day_and_month(times: list[str], offset_h: float) -> None:
    reading = read(table([viewer_row(time) for time in times]), offset_h)
    newest = reading.contacts[-1]
    assert (newest.seen_at, newest.cmid, newest.required_count, newest.machine_name) == (SEEN, CMID, 5, "app07.corp.example")
    assert (len(reading.contacts), reading.contacts_unreadable, reading.log_covers_from) == (2, 0, reading.contacts[0].seen_at)


def test_order_of_day_and_month_that_stays_open_is_refused() -> None:
    told_by_time = table([viewer_row("03/12/2026 08:41:07"), viewer_row("03/11/2026 08:41:07")])
    assert read(told_by_time).contacts[-1].seen_at == SEEN  # the third of December is yet to come
    body = table([viewer_row("03/02/2026 08:41:07"), viewer_row("02/01/2026 08:41:07")])
    assert refusal(body).code == "kms_dates_ambiguous"


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp850"])
def test_powershells_csv_with_other_ids_before_the_client_is_read(delimiter: str, encoding: str) -> None:
    header = "TimeCreated,Id,ProviderId,Message,Müll"
    row = ["2026-03-12T08:41:07Z", "12290", "{e23b33b0-c8c9-472c-a5f9-f2bdfea0f156}", f"Info:\n{DATA}", "ü"]
    reading = read(table([row], header, delimiter).encode(encoding))
    assert [(contact.cmid, contact.seen_at) for contact in reading.contacts] == [(CMID, SEEN)]


def test_one_column_per_field_is_read_and_other_events_are_left_out() -> None:
    rows = [["2026-03-12T08:41:07Z", "12290", *DATA.split(",")], ["2026-03-12T08:00:00Z", "12293", "corp.example"]]
    reading = read(table(rows, "TimeCreated,Id,a,b,c,d,e,f,g,h,i"))
    assert [contact.cmid for contact in reading.contacts] == [CMID]
    assert reading.contacts_unreadable == 0


@pytest.mark.parametrize(
    "body",
    [
        table([viewer_row("3/12/2026 8:41:07 AM", event="12293")]) + "12290",
        table([viewer_row("3/12/2026 8:41:07 AM", "nothing to see")]),
        table([viewer_row("yesterday")]),
        table([viewer_row("3/13/2026 8:41:07 AM")]),
        table([viewer_row("3/12/2026 8:41:07 AM")])[:-40],
    ],
)
def test_csv_that_cannot_be_right_is_refused(body: str) -> None:
    refusal(body)


def test_row_that_names_no_client_is_counted_not_guessed() -> None:
    wrong = DATA.replace(",5,", ",five,")
    reading = read(table([viewer_row("3/12/2026 8:41:07 AM"), viewer_row("2/28/2026 8:41:07 AM", wrong)]))
    assert (len(reading.contacts), reading.contacts_unreadable) == (1, 1)


@given(cut=st.integers(0, 600))
def test_csv_cut_anywhere_gives_only_contacts_that_stand_in_it(cut: int) -> None:
    whole = table([viewer_row("3/12/2026 8:41:07 AM"), viewer_row("2/28/2026 11:02:00 PM")])
    try:
        reading = read(whole[:cut])
    except UploadRefused:
        return
    assert {(contact.cmid, contact.required_count) for contact in reading.contacts} == {(CMID, 5)}


def event(number: int, **changes: object) -> LogEvent:
    fields: dict[str, object] = {"event_id": 12290, "record_id": number, "at": SEEN, "strings": DATA.split(",")}
    return LogEvent(**(fields | changes))  # type: ignore[arg-type]


def test_evtx_is_read_by_its_events_and_kept_as_nothing_else() -> None:
    other = event(3, event_id=12293, strings=["corp.example", "secret of another event"])
    taken = take_in(an_evtx([event(1, at=SEEN - timedelta(days=31)), event(2), other]))
    assert taken.format is KmsUploadFormat.EVENTS_EVTX
    assert set(json.loads(taken.text)) == {"computer", "ev12290"}
    assert "secret" not in taken.text
    reading = read_host_upload(taken.format, taken.text, told())
    assert reading.host_name == "kms01.corp.example"
    assert [contact.seen_at for contact in reading.contacts] == [SEEN - timedelta(days=31), SEEN]
    assert reading.contacts[1].record_id == 2


def test_event_in_one_string_is_read_too() -> None:
    assert [contact.cmid for contact in read(an_evtx([event(1, strings=[DATA])])).contacts] == [CMID]


def test_evtx_of_twenty_megabytes_is_read_whole() -> None:
    body = an_evtx(event(number) for number in range(1, 18_001))
    assert len(body) > 19_000_000
    assert len(read(body).contacts) == 18_000


@pytest.mark.parametrize(
    "body",
    [
        an_evtx([event(1)])[:-1],
        an_evtx([event(1)])[:4096],
        an_evtx([event(number) for number in range(1, 200)])[: 4096 + 65_536],
        an_evtx([event(1, event_id=4624)]),
        an_evtx([]),
        an_evtx([event(1), event(2, computer="kms02.corp.example")]),
        an_evtx([event(1, strings=["only", "this"])]),
        an_evtx([event(1, at=AT + timedelta(days=2))]),
        b"ElfFile\x00",
        b"ElfFile\x00" + bytes(4096 + 65_536 - 8),
    ],
)
def test_evtx_that_cannot_be_right_is_refused(body: bytes) -> None:
    refusal(body)


@settings(max_examples=40, deadline=None)
@given(place=st.integers(4096, 4096 + 1400), instead=st.integers(0, 255))
def test_changed_byte_in_a_record_is_noticed(place: int, instead: int) -> None:
    body = bytearray(an_evtx([event(1)]))
    if body[place] == instead:
        return
    body[place] = instead
    try:
        reading = read(bytes(body))
    except UploadRefused:
        return
    assert [(contact.cmid, contact.required_count) for contact in reading.contacts] == [(CMID, 5)]


def test_offset_of_a_half_hour_is_kept() -> None:
    zone = timezone(timedelta(hours=5, minutes=30))
    time = SEEN.astimezone(zone).strftime("%d.%m.%Y %H:%M:%S")
    assert read(table([viewer_row(time), viewer_row("28.02.2026 08:00:00")]), 5.5).contacts[-1].seen_at == SEEN
