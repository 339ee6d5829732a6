"""What slmgr prints becomes a correct reading in every language and encoding, or is refused; a wrong number is never read."""

from __future__ import annotations

import codecs
import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estate.facts.kms import KmsReading, KmsUploadFormat
from estate.facts.unknown import Unknown
from estate.kmshost.errors import UploadRefused
from estate.kmshost.intake import Told, read_guest_upload, read_host_upload, take_in
from estate.kmshost.slmgr import read_slmgr
from tests.builders.slmgr import CMID, WORDINGS, client_text, host_text

AT = datetime(2026, 3, 12, 10, 0, tzinfo=UTC)
TOLD = Told(received_at=AT, collected_at=AT, computer_name="app07")


def read(body: bytes) -> KmsReading:
    taken = take_in(body)
    assert taken.format is KmsUploadFormat.SLMGR_TEXT
    return read_host_upload(taken.format, taken.text, TOLD)


def encodings(language: str, text: str) -> list[bytes]:
    bodies = [text.encode(), text.encode("utf-8-sig"), codecs.BOM_UTF16_LE + text.encode("utf-16-le"), text.encode("utf-16-le")]
    pages = [WORDINGS[language].code_page] + ([] if language == "ja" else ["cp1252"])
    return [*bodies, *(text.encode(page) for page in pages)]


@pytest.mark.parametrize("language", WORDINGS)
def test_host_is_read_in_every_language_and_encoding(language: str) -> None:
    for body in encodings(language, host_text(language)):
        reading = read(body)
        assert (reading.current_count, reading.is_kms_host, reading.listening_port) == (17, True, 1688)
        assert (reading.partial_product_key, reading.os_version, reading.host_name) == ("ABCDE", "10.0.20348.2031", "")
        (product,) = reading.products
        assert (product.total_requests, product.failed_requests) == (1482, 37)
        assert reading.edition == "Windows(R), ServerStandard edition"


@pytest.mark.parametrize("language", WORDINGS)
def test_client_is_read_in_every_language_and_encoding(language: str) -> None:
    for body in encodings(language, client_text(language)):
        taken = take_in(body)
        (guest,) = read_guest_upload(taken.format, taken.text, TOLD)
        assert (guest.license_status, guest.minutes_left_min, guest.channel) == (1, 257760, "VOLUME_KMSCLIENT")
        assert (guest.cmid, guest.kms_machine, guest.rearms_left) == (CMID, "kms01.corp.example:1688", 1001)
        assert (guest.computer_name, guest.partial_product_key) == ("app07", "FGHIJ")


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ("Unlicensed", 0), ("Licensed", 1), ("Initial grace period", 2),
        ("Additional grace period (KMS license expired or hardware out of tolerance)", 3), ("Non-genuine grace period.", 4),
        ("Notification", 5), ("Extended grace period", 6), ("Unknown", None),
    ],
)  # fmt: skip
def test_every_status_line_has_its_value(words: str, status: int | None) -> None:
    text = client_text().replace("License Status: Licensed", f"License Status: {words}\r\nNotification Reason: 0xC004F056.")
    (guest,) = read_guest_upload(KmsUploadFormat.SLMGR_TEXT, text, TOLD)
    assert guest.status_reason == "0xC004F056"
    if status is None:
        assert isinstance(guest.license_status, Unknown)
    else:
        assert guest.license_status == status


def test_client_is_no_host_and_a_host_without_requests_has_no_count_yet() -> None:
    assert read(client_text().encode()).is_kms_host is False
    for none_yet in ("-1", "4294967295"):
        assert read(host_text(count=none_yet).encode()).current_count is None


def test_office_is_counted_apart() -> None:
    office = (
        host_text(count="7")
        .partition("\r\n\r\n")[2]
        .replace("55c92734-d682-4d71-983e-d6ec3f16059f", "0ff1ce15-a989-479d-af46-f275c6370663")
    )
    reading = read((host_text() + office).encode())
    assert reading.current_count == 17
    assert [product.current_count for product in reading.products] == [17, 7]
    alone = read((host_text().partition("\r\n\r\n")[0] + "\r\n" + office).encode())
    assert isinstance(alone.current_count, Unknown)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (("Current count: 17", "Current count: seventeen"), "kms_upload_refused"),
        (("Current count: 17", "Current count: 1 7"), "kms_upload_refused"),
        (("Current count: 17", "Current count: 17\r\n    Current count: 18"), "kms_upload_refused"),
        (("    Listening on Port: 1688\r\n", ""), "kms_upload_refused"),
        (("Listening on Port: 1688", "Listening on Port: 99999"), "kms_upload_refused"),
        (("    Current count: 17", "    Nykyinen: 17"), "kms_unsupported_language"),
        (("3/12/2026 9:58:33 AM", "1/12/2026 9:58:33 AM"), "kms_collected_at_contradicted"),
        (("VOLUME_KMS_WS22", "VOLUME_KMSCLIENT"), "kms_upload_refused"),
    ],
)
def test_text_that_cannot_be_right_is_refused(change: tuple[str, str], code: str) -> None:
    with pytest.raises(UploadRefused) as refused:
        read(host_text().replace(*change).encode())
    assert refused.value.code == code
    assert refused.value.next_step


def test_unknown_language_is_refused_politely() -> None:
    text = re.sub(r"(?m)^( *)(?!Name|Desc|Version)[^:\r\n]+:", r"\1Jotain:", host_text())
    with pytest.raises(UploadRefused) as refused:
        read(text.encode())
    assert refused.value.code == "kms_unsupported_language"
    assert "English" in refused.value.next_step


def test_minutes_that_contradict_their_days_are_not_read() -> None:
    text = client_text().replace("257760 minute(s)", "25776 minute(s)")
    (guest,) = read_guest_upload(KmsUploadFormat.SLMGR_TEXT, text, TOLD)
    assert isinstance(guest.minutes_left_min, Unknown)


def test_text_without_the_time_of_its_collection_is_refused() -> None:
    with pytest.raises(UploadRefused) as refused:
        read_host_upload(KmsUploadFormat.SLMGR_TEXT, host_text(), Told(received_at=AT))
    assert refused.value.code == "kms_collected_at_missing"


@given(cut=st.integers(0, len(host_text()) - 1), language=st.sampled_from(sorted(WORDINGS)))
def test_text_cut_anywhere_gives_the_whole_count_or_none(cut: int, language: str) -> None:
    try:
        reading = read(host_text(language)[:cut].encode())
    except (UploadRefused, AssertionError):
        return
    assert reading.current_count == 17 or isinstance(reading.current_count, Unknown)


@given(place=st.integers(0, len(host_text()) - 1), instead=st.characters(codec="cp437") | st.just(""))
def test_changed_character_never_moves_a_number_into_the_count(place: int, instead: str) -> None:
    text = host_text()
    changed = text[:place] + instead + text[place + 1 :]
    try:
        taken = take_in(changed.encode())
        reading = read_host_upload(taken.format, taken.text, TOLD)
    except UploadRefused as refused:
        assert refused.next_step
        return
    line = next((line for line in changed.splitlines() if re.match(r"\s*Current count:", line)), "")
    if not isinstance(reading.current_count, Unknown):
        assert str(reading.current_count) == line.partition(":")[2].strip()


@given(body=st.binary(max_size=400), before=st.booleans())
def test_any_bytes_around_a_text_are_read_rightly_or_refused(body: bytes, before: bool) -> None:
    text = host_text().encode()
    try:
        taken = take_in(body + text if before else text + b"\r\n" + body)
        reading = read_host_upload(taken.format, taken.text, TOLD)
    except UploadRefused:
        return
    assert reading.current_count == 17 or isinstance(reading.current_count, Unknown)


def test_a_count_without_its_application_is_refused_and_not_left_out() -> None:
    lines = host_text().splitlines(keepends=True)
    cut = "".join(line for line in lines if "55c92734" not in line)
    assert cut != "".join(lines)
    with pytest.raises(UploadRefused, match="no Application ID"):
        read_slmgr(cut)
