"""A process that parses one `.xlsx` and writes it down its standard output as pickles; started by `xlsx`, never imported.

Arguments: path, bytes of memory, seconds of CPU, rows, columns. Reads JSON lines from standard input, each a wanted sheet's name
and the headers nobody will read.
It runs apart because a parser that allocates what a file asks for cannot be stopped from within: here the system does it.
"""

from __future__ import annotations

import io
import itertools
import json
import operator
import pickle
import resource
import sys
from collections.abc import Callable, Sequence
from typing import Any

BATCH_ROWS = 500


def main() -> None:
    """Answer `ready`, then one request after the other, until standard input ends."""
    path, memory_bytes, cpu_s, rows, columns = sys.argv[1], *map(int, sys.argv[2:6])
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    from python_calamine import CalamineWorkbook

    book = CalamineWorkbook.from_path(path)
    say(("ready",))
    for line in sys.stdin:
        name, *unread = json.loads(line)
        tell(book.get_sheet_by_name(name), frozenset(unread), rows, columns)


def tell(sheet: Any, unread: frozenset[str], rows: int, columns: int) -> None:
    """Place and size of what is filled and the columns that come, then the rows in batches."""
    first_row, first_column = sheet.start or (0, 0)
    last_row, last_column = sheet.end or (0, 0)
    if last_row >= rows or last_column >= columns:
        say(("sheet", first_row, last_row, last_column, ()))
        return
    rest = itertools.islice(sheet.iter_rows(), first_row, None) if sheet.height else iter(())
    header: list[Any] = next(rest, [])
    kept = [index for index, cell in enumerate(header) if " ".join(str(cell).lower().split()) not in unread]
    say(("sheet", first_row, last_row, last_column, [first_column + index for index in kept]))
    narrow = narrowing(kept, len(header))
    if header:
        say(("rows", narrow([header])))
    while batch := list(itertools.islice(rest, BATCH_ROWS)):
        say(("rows", narrow(batch)))
    say(("end",))


def narrowing(kept: Sequence[int], width: int) -> Callable[[list[Any]], list[Any]]:
    """Rows with the kept columns only. A row whose every value is left out is still a row: it comes blank, not empty."""
    if len(kept) == width:
        return lambda rows: rows
    pick = operator.itemgetter(*kept) if len(kept) > 1 else lambda row: tuple(row[index] for index in kept)
    empty = ("",) * len(kept)
    blank = (" ", *empty)[: len(kept)]

    def narrow(rows: list[Any]) -> list[Any]:
        picked = list(map(pick, rows))
        return [blank if few == empty and any(cell != "" for cell in row) else few for few, row in zip(picked, rows, strict=True)]

    return narrow


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
