"""One reading of a workbook in a process of its own, for the bench: by the product into facts or its database, or bare cells.

Prints one JSON line: seconds, machines (or cells), peak memory in MiB with that of the product's parser.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from python_calamine import CalamineWorkbook

from estate import rvtools
from estate.facts.source import SourceAbout, SourceFact
from estate.rvtools import OnPage
from tests.bench.into_database import stored
from tests.bench.one_copy import peak_rss_mib


def facts(file: Path) -> dict[str, Any]:
    """Everything as facts; counted and dropped page by page."""
    counts: Counter[str] = Counter()

    def count(kind: str, page: Sequence[SourceFact]) -> None:
        counts[kind] += len(page)

    began_s = time.monotonic()
    rvtools.read(file, on_page=count)
    return {"seconds": time.monotonic() - began_s, "vms": counts["vm"]}


def imported(file: Path) -> dict[str, Any]:
    """Everything stored as a complete inventory."""

    def read(on_page: OnPage, alive: Callable[[], None]) -> SourceAbout:
        return rvtools.read(file, on_page=on_page, alive=alive)

    return stored(read)


def cells(file: Path) -> dict[str, Any]:
    """Every sheet's cells as Python values; counted and dropped sheet by sheet."""
    began_s, total = time.monotonic(), 0
    book = CalamineWorkbook.from_path(str(file))
    for name in book.sheet_names:
        total += sum(map(len, book.get_sheet_by_name(name).to_python()))
    return {"seconds": time.monotonic() - began_s, "cells": total}


def main() -> None:
    """Read once as the arguments say."""
    result = {"facts": facts, "imported": imported, "cells": cells}[sys.argv[2]](Path(sys.argv[1]))
    parser_mib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(json.dumps(result | {"peak_rss_mib": round(peak_rss_mib() + parser_mib)}))


if __name__ == "__main__":
    main()
