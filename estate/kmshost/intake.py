"""One door for every file an administrator may bring: what it is is found by its content, never by its name.

`take_in` runs before anything is stored: of an event log only the parsed events leave it. The readers run on what was stored.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from estate.facts.kms import KmsGuestReading, KmsReading, KmsUploadFormat
from estate.kmshost import collected, guests
from estate.kmshost.decoding import decoded
from estate.kmshost.errors import UploadRefused
from estate.kmshost.event_csv import looks_like_event_csv, read_event_csv
from estate.kmshost.evtx import MAGIC, events_of_evtx, read_evtx_events
from estate.kmshost.host_text import read_host_text
from estate.kmshost.slmgr import looks_like_slmgr

PARSER_VERSIONS = {
    KmsUploadFormat.CIM_JSON: collected.PARSER_VERSION,
    KmsUploadFormat.SLMGR_TEXT: "slmgr-text/1",
    KmsUploadFormat.EVENTS_CSV: "events-csv/1",
    KmsUploadFormat.EVENTS_EVTX: "events-evtx/1",
    KmsUploadFormat.VAMT_CSV: "vamt-csv/1",
}
KNOWN_STEP = (
    "Upload the collection script's JSON, what slmgr /dlv printed, the log Key Management Service as .evtx or CSV, "
    "or VAMT's list as CSV."
)


@dataclass(frozen=True, slots=True)
class TakenIn:
    """A file as text and what it is. Product keys are still in it."""

    format: KmsUploadFormat
    text: str


@dataclass(frozen=True, slots=True)
class Told:
    """What the uploader said of a file: when it was collected and how far that computer's clock is from UTC; when it came in."""

    received_at: datetime
    collected_at: datetime | None = None
    utc_offset: timedelta = timedelta(0)
    computer_name: str = ""

    @property
    def moment(self) -> datetime:
        """The time of collection, for a file that does not say it. Raises UploadRefused without one."""
        if self.collected_at is None:
            raise UploadRefused(
                "the upload", "this kind of file needs the time it was collected at", code="kms_collected_at_missing"
            )
        return self.collected_at


def take_in(body: bytes) -> TakenIn:
    """The file as text. Raises UploadRefused `kms_format_unknown`, `kms_upload_unreadable`, or why a log cannot be read."""
    if body.startswith(MAGIC):
        return TakenIn(KmsUploadFormat.EVENTS_EVTX, events_of_evtx(body))
    text = decoded(body)
    return TakenIn(_format_of(text), text)


def _format_of(text: str) -> KmsUploadFormat:
    if text.lstrip().startswith(("{", "[")):
        return KmsUploadFormat.CIM_JSON
    if looks_like_slmgr(text):
        return KmsUploadFormat.SLMGR_TEXT
    if guests.looks_like_vamt(text):
        return KmsUploadFormat.VAMT_CSV
    if looks_like_event_csv(text):
        return KmsUploadFormat.EVENTS_CSV
    raise UploadRefused("the file", "is none of the kinds that are read", code="kms_format_unknown", next_step=KNOWN_STEP)


def read_host_upload(kind: KmsUploadFormat, text: str, told: Told) -> KmsReading:
    """The reading of a KMS host. Raises UploadRefused; `kms_wrong_place` for a file that tells of clients only."""
    if kind is KmsUploadFormat.CIM_JSON:
        return collected.read_collected(text, received_at=told.received_at)
    if kind is KmsUploadFormat.SLMGR_TEXT:
        return read_host_text(text, collected_at=told.moment)
    if kind is KmsUploadFormat.EVENTS_CSV:
        return read_event_csv(text, collected_at=told.moment, utc_offset=told.utc_offset)
    if kind is KmsUploadFormat.EVENTS_EVTX:
        return read_evtx_events(text, collected_at=told.moment)
    step = "Upload it to the guests instead; of the KMS host upload the collection script's JSON."
    raise UploadRefused("the file", "is VAMT's list of clients and tells of no KMS host", code="kms_wrong_place", next_step=step)


def read_guest_upload(kind: KmsUploadFormat, text: str, told: Told) -> tuple[KmsGuestReading, ...]:
    """The readings of guests. Raises UploadRefused; `kms_wrong_place` for a KMS host's event log."""
    if kind is KmsUploadFormat.CIM_JSON:
        return (guests.read_guest_json(text, received_at=told.received_at),)
    if kind is KmsUploadFormat.SLMGR_TEXT:
        return (guests.read_guest_text(text, collected_at=told.moment, computer_name=told.computer_name),)
    if kind is KmsUploadFormat.VAMT_CSV:
        return guests.read_vamt(text, collected_at=told.moment)
    step = "Upload it to the KMS host it is of."
    raise UploadRefused("the file", "is a KMS host's event log and tells of no guest", code="kms_wrong_place", next_step=step)
