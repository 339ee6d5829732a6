"""An exported Windows event log (`.evtx`): its events 12290 as JSON, read in a process that the system keeps in bounds.

The file itself is kept nowhere; what is stored and read again later is the JSON written here.
"""

from __future__ import annotations

import json
import struct
import subprocess
import sys
import zlib
from datetime import datetime
from pathlib import Path
from typing import Any

from estate.facts.kms import KmsReading
from estate.facts.unknown import Unknown
from estate.kmshost.errors import UploadRefused
from estate.kmshost.event_csv import reading_of_events
from estate.kmshost.events import read_contact, settled
from estate.kmshost.fields import TEXT_LIMIT_CHARS, parse_json

MAGIC = b"ElfFile\x00"
EVENTS_LIMIT = 500_000
MEMORY_BYTES = 1 << 30
CPU_S = 60
EVTX_STEP = "In Event Viewer save the log “Key Management Service” again as an event file (.evtx), or run the collection script."
# Source: the format as Windows' own logs show it: a header page, then chunks with checksums of their header and of their records.
_HEADER_BYTES = 4096
_CHUNK_BYTES = 65_536
_CHUNK_MAGIC = b"ElfChnk\x00"
_RECORDS_BEGIN = 512
_DIRTY = 1
_PROCESS = Path(__file__).with_name("evtx_process.py")


def events_of_evtx(body: bytes) -> str:
    """The file's events 12290 as JSON text. Raises UploadRefused: it cannot be read to its end, or holds none."""
    _require_whole(body)
    lines = _lines_of_process(body)
    last: dict[str, Any] = lines[-1] if lines else {"failed": "no answer"}
    if "end" not in last:
        reason = (
            "it takes more memory than a log of 20 MB can" if "too_large" in last else str(last.get("failed", "it broke off"))
        )
        raise UploadRefused("the file", f"cannot be read as an event log: {reason[:200]}", next_step=EVTX_STEP)
    events, broken = lines[:-1], int(last["end"]["broken"])
    if broken:
        raise UploadRefused("the file", f"{broken} of its records are damaged; is it cut short?", next_step=EVTX_STEP)
    if not events:
        problem = f"none of its {last['end']['records']} events is a 12290: is it the log “Key Management Service”?"
        raise UploadRefused("the file", problem, next_step=EVTX_STEP)
    computers = {str(event.pop("computer", "")) for event in events}
    if len(computers) > 1:
        raise UploadRefused(
            "the file", f"holds events of {len(computers)} computers: upload one log per KMS host", next_step=EVTX_STEP
        )
    return json.dumps({"computer": computers.pop(), "ev12290": events}, ensure_ascii=False, separators=(",", ":"))


def _require_whole(body: bytes) -> None:
    """Every chunk is there and as it was written: a changed digit in a record would otherwise be read as it stands."""
    chunks, rest = divmod(len(body) - _HEADER_BYTES, _CHUNK_BYTES)
    if chunks < 1 or rest:
        raise UploadRefused("the file", "breaks off inside the event log", next_step=EVTX_STEP)
    (told,) = struct.unpack_from("<H", body, 42)
    (flags,) = struct.unpack_from("<I", body, 120)
    if told != chunks and not flags & _DIRTY:
        raise UploadRefused("the file", f"says it holds {told} parts and holds {chunks}; is it cut short?", next_step=EVTX_STEP)
    for number in range(chunks):
        begin = _HEADER_BYTES + number * _CHUNK_BYTES
        if not _is_intact(memoryview(body)[begin : begin + _CHUNK_BYTES]):
            raise UploadRefused(f"part {number + 1} of the log", "is damaged: its checksum is wrong", next_step=EVTX_STEP)


def _is_intact(chunk: memoryview) -> bool:
    """Whether a chunk's checksums hold; a chunk that was never used is all zeros."""
    if not any(chunk[:128]):
        return True
    end, records_sum = struct.unpack_from("<II", chunk, 48)
    (header_sum,) = struct.unpack_from("<I", chunk, 124)
    if bytes(chunk[:8]) != _CHUNK_MAGIC or not _RECORDS_BEGIN <= end <= _CHUNK_BYTES:
        return False
    header = zlib.crc32(chunk[128:_RECORDS_BEGIN], zlib.crc32(chunk[:120]))
    return bool(header == header_sum and zlib.crc32(chunk[_RECORDS_BEGIN:end]) == records_sum)


def read_evtx_events(text: str, *, collected_at: datetime) -> KmsReading:
    """The reading of what `events_of_evtx` wrote. Raises UploadRefused by place."""
    stored = parse_json(text)
    events = stored.objects("ev12290", most=EVENTS_LIMIT)
    read = [read_contact(event) for event in events]
    contacts = [contact for contact in read if contact is not None]
    if not contacts:
        raise UploadRefused(
            "the file", f"none of its {len(events)} events names a client the way event 12290 does", next_step=EVTX_STEP
        )
    computer = stored.text("computer")
    name = "" if isinstance(computer, Unknown) else computer[:TEXT_LIMIT_CHARS]
    return reading_of_events(settled(contacts, collected_at, "the file"), collected_at, len(events) - len(contacts), name)


def _lines_of_process(body: bytes) -> list[dict[str, Any]]:
    """What the process says, line by line; a process that the system ended says no end."""
    command = [sys.executable, "-I", str(_PROCESS), str(MEMORY_BYTES), str(CPU_S)]
    try:
        # Our own interpreter and our own file; what a stranger gave goes in by the pipe alone.
        answered = subprocess.run(command, input=body, capture_output=True, timeout=2 * CPU_S, check=False)  # noqa: S603
    except subprocess.TimeoutExpired:
        return [{"failed": "it takes longer than an event log of 20 MB can"}]
    lines = answered.stdout.decode(errors="replace").splitlines()
    try:
        return [json.loads(line) for line in lines]
    except ValueError:
        return [{"failed": "the reader broke off"}]
