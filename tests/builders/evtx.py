"""Writes a real `.evtx`: header page, chunks with their checksums, records of binary XML spelled out without templates.

Source: the layout as public descriptions of the EVTX format give it (libevtx documentation).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

CHUNK_BYTES = 65_536
HEADER_BYTES = 4096
_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class LogEvent:
    """One event to be written."""

    event_id: int
    record_id: int
    at: datetime
    strings: Sequence[str]
    computer: str = "kms01.corp.example"


def an_evtx(events: Iterable[LogEvent]) -> bytes:
    """The events as one file."""
    chunks: list[bytes] = []
    pending: list[bytes] = []
    used = 512
    ids: list[int] = []
    for event in events:
        record = _record(event, used)
        if used + len(record) > CHUNK_BYTES:
            chunks.append(_chunk(pending, ids))
            pending, ids, used = [], [], 512
            record = _record(event, used)
        pending.append(record)
        ids.append(event.record_id)
        used += len(record)
    chunks.append(_chunk(pending, ids))
    return _file_header(len(chunks)) + b"".join(chunks)


def _file_header(chunks: int) -> bytes:
    head = b"ElfFile\x00" + struct.pack("<QQQIHHHH", 0, chunks - 1, 1, 128, 1, 3, HEADER_BYTES, chunks) + bytes(76)
    return (head + struct.pack("<II", 0, zlib.crc32(head))).ljust(HEADER_BYTES, b"\x00")


def _chunk(records: list[bytes], ids: list[int]) -> bytes:
    data = b"".join(records)
    first, last = (ids[0], ids[-1]) if ids else (1, 1)
    last_offset = 512 + len(data) - (len(records[-1]) if records else 0)
    head = b"ElfChnk\x00" + struct.pack(
        "<QQQQIIII", first, last, first, last, 128, last_offset, 512 + len(data), zlib.crc32(data)
    )
    head += bytes(64) + struct.pack("<I", 1)
    tables = bytes(384)
    return (head + struct.pack("<I", zlib.crc32(tables, zlib.crc32(head[:120]))) + tables + data).ljust(CHUNK_BYTES, b"\x00")


def _record(event: LogEvent, offset: int) -> bytes:
    filetime = int((event.at - _EPOCH) / timedelta(microseconds=1)) * 10
    xml = _Xml(offset + 24)
    xml.raw(b"\x0f\x01\x01\x00")
    xml.open("Event")
    xml.open("System")
    xml.leaf("Provider", attributes={"Name": "Microsoft-Windows-Security-SPP"})
    xml.leaf("EventID", str(event.event_id))
    xml.leaf("TimeCreated", attributes={"SystemTime": event.at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")})
    xml.leaf("EventRecordID", str(event.record_id))
    xml.leaf("Computer", event.computer)
    xml.raw(b"\x04")
    xml.open("EventData")
    for string in event.strings:
        xml.leaf("Data", string)
    xml.raw(b"\x04\x04\x00")
    body = bytes(xml.data)
    size = 24 + len(body) + 4
    padding = -size % 8
    size += padding
    return struct.pack("<4sIQQ", b"**\x00\x00", size, event.record_id, filetime) + body + bytes(padding) + struct.pack("<I", size)


class _Xml:
    """Binary XML at a place in its chunk, which names are written relative to."""

    def __init__(self, begins_at: int) -> None:
        self.begins_at = begins_at
        self.data = bytearray()

    def raw(self, part: bytes) -> None:
        self.data += part

    def open(self, name: str, attributes: dict[str, str] | None = None, *, ends: bytes = b"\x02") -> None:
        self.raw(b"\x41" if attributes else b"\x01")
        self.raw(struct.pack("<I", 0))
        self._name(name)
        if attributes:
            self.raw(struct.pack("<I", 0))
            listed = list(attributes.items())
            for number, (key, value) in enumerate(listed, 1):
                self.raw(b"\x06" if number == len(listed) else b"\x46")
                self._name(key)
                self.text(value)
        self.raw(ends)

    def leaf(self, name: str, text: str = "", attributes: dict[str, str] | None = None) -> None:
        if not text:
            self.open(name, attributes, ends=b"\x03")
            return
        self.open(name, attributes)
        self.text(text)
        self.raw(b"\x04")

    def text(self, text: str) -> None:
        self.raw(b"\x05\x01" + struct.pack("<H", len(text)) + text.encode("utf-16-le"))

    def _name(self, name: str) -> None:
        self.raw(struct.pack("<I", self.begins_at + len(self.data) + 4))
        self.raw(struct.pack("<IHH", 0, 0, len(name)) + name.encode("utf-16-le") + b"\x00\x00")
