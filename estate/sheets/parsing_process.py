"""A process that parses one `.xlsx` and writes it down its standard output as pickles; started by `xlsx`, never imported.

Arguments: path, bytes of memory, seconds of CPU, rows, columns. Reads the wanted sheets' names as JSON lines from standard input.
It runs apart because a parser that allocates what a file asks for cannot be stopped from within: here the system does it.
"""

from __future__ import annotations

import io
import itertools
import json
import pickle
import resource
import sys
from typing import Any

BATCH_ROWS = 500


def main() -> None:
    """Answer `names`, then one request after the other, until standard input ends."""
    path, memory_bytes, cpu_s, rows, columns = sys.argv[1], *map(int, sys.argv[2:6])
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    from python_calamine import CalamineWorkbook

    book = CalamineWorkbook.from_path(path)
    say(("names", book.sheet_names))
    for line in sys.stdin:
        tell(book.get_sheet_by_name(json.loads(line)), rows, columns)


def tell(sheet: Any, rows: int, columns: int) -> None:
    """Place and size of what is filled, then its rows in batches."""
    first_row, first_column = sheet.start or (0, 0)
    last_row, last_column = sheet.end or (0, 0)
    say(("sheet", first_row, first_column, last_row, last_column))
    if last_row >= rows or last_column >= columns:
        return
    rest = itertools.islice(sheet.iter_rows(), first_row, None) if sheet.height else iter(())
    while batch := list(itertools.islice(rest, BATCH_ROWS)):
        say(("rows", batch))
    say(("end",))


def say(message: tuple[Any, ...]) -> None:
    """One message behind its length; without the memo that would look every cell up."""
    packed = io.BytesIO()
    pickler = pickle.Pickler(packed, 5)
    pickler.fast = True
    pickler.dump(message)
    sys.stdout.buffer.write(packed.tell().to_bytes(4, "big"))
    sys.stdout.buffer.write(packed.getbuffer())
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    try:
        main()
    except MemoryError:
        say(("too_large",))
    except BaseException as error:  # noqa: BLE001 - a parser's panic is no Exception; whatever it is, the file is to blame
        say(("broken", f"{type(error).__name__}: {str(error)[:200]}"))
