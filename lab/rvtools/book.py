"""Writes the sheets as one `.xlsx`. What stands in them is the other modules' matter."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import xlsxwriter

from lab.rvtools import landscape, machines
from lab.rvtools.sheet import SheetPlan
from lab.vcenter_sim.center import Center

TIME_FORMAT = "yyyy/mm/dd hh:mm:ss"


def write_workbook(center: Center, path: Path) -> Path:
    """Write what RVTools would export of this vCenter now to `path`, and return it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    book = xlsxwriter.Workbook(str(path), {"remove_timezone": True, "strings_to_formulas": False, "strings_to_urls": False})
    moments = book.add_format({"num_format": TIME_FORMAT})
    with center.registry.lock:
        for plan in [*machines.sheets(center), *landscape.sheets()]:
            _write_sheet(book.add_worksheet(plan.name), plan, center, moments)
    book.close()
    return path


def _write_sheet(sheet: Any, plan: SheetPlan, center: Center, moments: Any) -> None:
    sheet.write_row(0, 0, list(plan.columns))
    for number, row in enumerate(plan.rows(center), start=1):
        for column, fill in enumerate(plan.columns.values()):
            value = fill(row)
            if isinstance(value, datetime.datetime):
                sheet.write_datetime(number, column, value, moments)
            elif value not in (None, ""):
                sheet.write(number, column, value)
