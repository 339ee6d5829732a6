"""What is written comes back as it was; CSV folders and zips read like workbooks."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from estate.sheets import Column, SheetToWrite, WorkbookError, open_workbook, write_workbook
from estate.sheets.errors import column_letters, place_of

MADE_AT = datetime(2026, 1, 2, tzinfo=UTC)


def rows_of(content: bytes | Path, *wanted: str) -> dict[str, list[tuple[int, list[object]]]]:
    source = content if isinstance(content, Path) else io.BytesIO(content)
    with open_workbook(source) as book:
        return {sheet.name: [(number, list(row)) for number, row in sheet.rows()] for sheet in book.sheets(*wanted)}


def test_values_come_back_with_their_types_and_row_numbers() -> None:
    rows = [("web", 2, True, datetime(2026, 3, 4, 5, 6, tzinfo=UTC)), (None,) * 4, ("db", 2.5, False, None)]
    content = write_workbook([SheetToWrite("a", [Column("w"), Column("x"), Column("y"), Column("z")], rows)], made_at=MADE_AT)
    assert rows_of(content) == {"a": [(2, ["web", 2.0, True, datetime(2026, 3, 4, 5, 6)]), (4, ["db", 2.5, False, ""])]}  # noqa: DTZ001


@pytest.mark.parametrize("text", ["=1+1", "+cmd|' /C calc'!A0", "-2", "@SUM(A1)", "=HYPERLINK(0)", "http://host/", "007", "{=1}"])
def test_a_text_stays_a_text_whatever_it_begins_with(text: str) -> None:
    content = write_workbook([SheetToWrite("a", [Column("x")], [(text,)])], made_at=MADE_AT)
    assert b"<f>" not in zipfile.ZipFile(io.BytesIO(content)).read("xl/worksheets/sheet1.xml")
    assert rows_of(content) == {"a": [(2, [text])]}


def test_choices_the_frozen_header_and_widths_are_in_the_file() -> None:
    columns = [Column("VM", 30), Column("disposition", choices=("migrate", "retire"))]
    content = write_workbook([SheetToWrite("a", columns, [])], made_at=MADE_AT)
    sheet = zipfile.ZipFile(io.BytesIO(content)).read("xl/worksheets/sheet1.xml")
    assert b"migrate,retire" in sheet
    assert b'state="frozen"' in sheet
    assert content == write_workbook([SheetToWrite("a", columns, [])], made_at=MADE_AT)


def test_choices_no_spreadsheet_takes_are_an_error_of_the_caller() -> None:
    with pytest.raises(ValueError, match="too long together"):
        write_workbook([SheetToWrite("a", [Column("x", choices=("y" * 200, "z" * 200))], [])], made_at=MADE_AT)


def test_sheets_come_in_the_order_they_are_asked_for_by_name_without_case() -> None:
    sheets = [SheetToWrite(name, [Column("x")], [(name,)] * 1200) for name in ("One", "Two")]
    content = write_workbook(sheets, made_at=MADE_AT)
    assert list(rows_of(content, " two", "ONE", "three")) == ["Two", "One"]
    with open_workbook(io.BytesIO(content)) as book:
        assert [sheet.header for sheet in book.sheets()] == [("x",), ("x",)], "a sheet that is not walked is passed over"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("VM,Memory\nweb,2\n".encode("utf-8-sig"), ["web", "2"]),
        (b"VM;Memory\r\nweb;2\r\n", ["web", "2"]),
        ("VM\tMemory\nwéb\t2\n".encode("utf-16"), ["wéb", "2"]),
        ("VM,Memory\nwéb,2\n".encode("cp1252"), ["wéb", "2"]),
        (b'VM,Memory\n"a\nb, c",2\n', ["a\nb, c", "2"]),
    ],
)
def test_csv_of_any_usual_dialect_reads_like_a_sheet(tmp_path: Path, content: bytes, expected: list[str]) -> None:
    (tmp_path / "RVTools_tabvInfo.csv").write_bytes(content)
    assert rows_of(tmp_path) == {"vInfo": [(2, expected)]}
    packed = tmp_path / "export.zip"
    with zipfile.ZipFile(packed, "w") as new:
        new.write(tmp_path / "RVTools_tabvInfo.csv", "folder/RVTools_tabvInfo.csv")
    assert rows_of(packed, "VINFO") == {"vInfo": [(2, expected)]}


def test_a_nul_in_a_csv_file_is_refused_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "RVTools_tabvInfo.csv").write_bytes(b"VM,CPUs\nweb,2\nd\0b,2\n")
    with pytest.raises(WorkbookError) as caught:
        rows_of(tmp_path)
    assert (caught.value.code, caught.value.where) == ("workbook_unsafe", "vInfo, line 3")


def test_a_folder_without_csv_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WorkbookError, match="no CSV files"), open_workbook(tmp_path):
        """Refused while opening."""


def test_places_are_told_as_a_spreadsheet_shows_them() -> None:
    assert [column_letters(index) for index in (0, 25, 26, 701, 702)] == ["A", "Z", "AA", "ZZ", "AAA"]
    assert place_of("vDisk", 12, 5, "Capacity MiB") == "vDisk, row 12, column F (Capacity MiB)"


def test_columns_nobody_reads_may_stay_behind_and_the_others_keep_their_places() -> None:
    columns = [Column(name) for name in ("Name", "Not  Wanted", "Size", "unwanted too")]
    content = write_workbook([SheetToWrite("a", columns, [("web", "x", 2, "y"), ("db", "", 3, "")])], made_at=MADE_AT)
    with open_workbook(io.BytesIO(content)) as book:
        sheet = next(book.sheets("A", unread={"a": {"not wanted", "unwanted too", "name of nothing"}}))
        assert (sheet.header, list(sheet.columns)) == (("Name", "Size"), [0, 2])
        assert [(number, list(row)) for number, row in sheet.rows()] == [(2, ["web", 2.0]), (3, ["db", 3.0])]


@pytest.mark.parametrize("unread", [{"c"}, {"b", "c"}, {"a", "b", "c"}])
def test_a_row_whose_every_value_stays_behind_is_a_row_still_unless_nothing_is_left_of_it(unread: set[str]) -> None:
    columns = [Column("a"), Column("b"), Column("c")]
    content = write_workbook([SheetToWrite("s", columns, [("", "", ""), ("", "", "kept apart")])], made_at=MADE_AT)
    with open_workbook(io.BytesIO(content)) as book:
        sheet = next(book.sheets(unread={"s": unread}))
        assert [number for number, _ in sheet.rows()] == ([3] if len(unread) < 3 else [])
