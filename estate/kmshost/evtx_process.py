"""A process that reads one `.evtx` from its standard input and writes its events 12290 as JSON lines; never imported.

Arguments: bytes of memory, seconds of CPU. It runs apart because a parser that allocates what a file asks for cannot be stopped
from within, and takes the file by a pipe because an upload never touches the disk as it was sent.
"""

from __future__ import annotations

import io
import json
import resource
import sys
from typing import Any

EVENT = 12290
DEEPEST = 16


def main() -> None:
    """Answer one line per event, then `{"end": ...}` with how many records could not be read."""
    memory_bytes, cpu_s = map(int, sys.argv[1:3])
    body = sys.stdin.buffer.read()
    from evtx import PyEvtxParser

    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    records = PyEvtxParser(io.BytesIO(body), number_of_threads=1).records_json()
    read = broken = 0
    while True:
        try:
            record = next(records)
        except StopIteration:
            break
        except RuntimeError:
            broken += 1
            if broken > 100_000:
                break
            continue
        read += 1
        if record is not None:
            tell(json.loads(record["data"]))
    say({"end": {"records": read, "broken": broken}})


def tell(data: dict[str, Any]) -> None:
    """One event as the collection script would write it, and the computer it comes from."""
    event = data.get("Event") or {}
    system = event.get("System") or {}
    if text_of(system.get("EventID")) != str(EVENT):
        return
    created = ((system.get("TimeCreated") or {}).get("#attributes") or {}).get("SystemTime")
    strings = [text for part in (event.get("EventData"), event.get("UserData")) for text in texts(part)]
    number = text_of(system.get("EventRecordID"))
    say({"t": created, "id": int(number) if number.isdecimal() else None, "d": strings, "computer": system.get("Computer")})


def text_of(value: Any) -> str:
    """A value that may carry attributes beside its text."""
    return str(value.get("#text", "")) if isinstance(value, dict) else str(value)


def texts(value: Any, depth: int = 0) -> list[str]:
    """All texts below a value, in their order, attributes left out."""
    if value is None or depth > DEEPEST:
        return []
    if isinstance(value, dict):
        return [text for key, part in value.items() if key != "#attributes" for text in texts(part, depth + 1)]
    if isinstance(value, list):
        return [text for part in value for text in texts(part, depth + 1)]
    return [str(value)]


def say(message: dict[str, Any]) -> None:
    """One message on a line of its own."""
    sys.stdout.write(json.dumps(message) + "\n")


if __name__ == "__main__":
    try:
        main()
    except MemoryError:
        say({"too_large": True})
    except BaseException as error:  # noqa: BLE001 - a parser's panic is no Exception; whatever it is, the file is to blame
        say({"failed": f"{type(error).__name__}: {str(error)[:200]}"})
