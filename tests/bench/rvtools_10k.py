"""A workbook of 10,000 machines with all sheets, read into facts and imported, against python-calamine merely reading its cells.

Columns that are no facts are filled too, as in a real export. All read the same file in processes of their own, in turn; rates
drift, so the ratio inside one round is what counts.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.bench.into_database import environment
from tests.builders import workbooks
from tests.builders.large_estate import large_estate

ROUNDS = 5
VMS = 10_000
LIMIT, STRETCH = 2.5, 1.5


def run(work: Path) -> dict[str, Any]:
    """Time all in turn after a warm-up."""
    file = work / "estate.xlsx"
    cells = write(file, VMS)
    rounds = [one_round(file, work / f"var-{number}") for number in range(ROUNDS + 1)][1:]
    return {
        "name": "rvtools_10k",
        "unit": "seconds of wall time, MiB of memory",
        "runs": ROUNDS,
        "peer_version": f"python-calamine {version('python-calamine')}",
        "cases": [
            case("read_into_facts_s", rounds, "facts") | {"limit": LIMIT, "stretch": STRETCH},
            case("imported_s", rounds, "imported") | {"limit": LIMIT, "stretch": STRETCH},
            {
                "case": "peak_rss_mib",
                "ours": max(each["imported"]["peak_rss_mib"] for each in rounds),
                "peer": None,
                "ratio": None,
            },
        ],
        "figures": {"file_bytes": file.stat().st_size, "cells": cells, "rounds": rounds},
    }


def write(file: Path, vms: int) -> int:
    """Write the workbook; the number of its cells."""
    sheets = workbooks.workbook_of(large_estate(vms))
    for columns, rows in sheets.values():
        for index, name in enumerate(columns):
            if all(row[index] is None for row in rows):
                for number, row in enumerate(rows):
                    row[index] = f"{name} {number % 11}" if index % 2 else number * index % 9973
    file.write_bytes(workbooks.xlsx(sheets))
    return sum(len(columns) * (len(rows) + 1) for columns, rows in sheets.values())


def case(name: str, rounds: list[dict[str, Any]], what: str) -> dict[str, Any]:
    """Medians, and the median of the ratios inside a round."""
    pairs = [(each[what]["seconds"], each["cells"]["seconds"]) for each in rounds]
    return {
        "case": name,
        "ours": round(statistics.median(ours for ours, _ in pairs), 3),
        "peer": round(statistics.median(theirs for _, theirs in pairs), 3),
        "ratio": round(statistics.median(ours / theirs for ours, theirs in pairs), 3),
    }


def one_round(file: Path, var: Path) -> dict[str, Any]:
    """Each reads once; what is imported goes to a new database in `var`."""
    return {what: told(file, what, var) for what in ("facts", "cells", "imported")}


def told(file: Path, what: str, var: Path) -> dict[str, Any]:
    """The JSON line of one reading."""
    command = [sys.executable, "-m", "tests.bench.one_workbook", str(file), what]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ | environment(var))
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result
