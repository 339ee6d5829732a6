"""Workbooks that were made to harm, or were harmed: each is refused by code, in bounded memory and time."""

from __future__ import annotations

import io
import resource
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from estate.sheets import Column, FormulaRefused, Limits, SheetToWrite, WorkbookError, open_workbook, write_workbook

MADE_AT = datetime(2026, 1, 2, tzinfo=UTC)
MIB = 1 << 20


def workbook(*rows: tuple[object, ...]) -> bytes:
    sheet = SheetToWrite("vInfo", [Column("VM"), Column("CPUs")], rows or [("web", 2)])  # type: ignore[arg-type]
    return write_workbook([sheet], made_at=MADE_AT)


def with_part(content: bytes, part: str, change: object) -> bytes:
    """The archive with one part changed by a function of its bytes."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, change(old.read(name)) if name == part else old.read(name))  # type: ignore[operator]
    return target.getvalue()


def refused(content: bytes, limits: Limits | None = None) -> WorkbookError:
    with pytest.raises(WorkbookError) as caught, open_workbook(io.BytesIO(content), limits=limits or Limits()) as book:
        for sheet in book.sheets():
            list(sheet.rows())
    assert caught.value.where
    assert caught.value.next_step
    return caught.value


SHEET = "xl/worksheets/sheet1.xml"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "workbook_not_readable"),
        (b"no zip at all", "workbook_not_readable"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512), "workbook_not_readable"),
        (workbook()[:400], "workbook_not_readable"),
        (with_part(workbook(), SHEET, lambda _: b"<worksheet><sheetData><row"), "workbook_not_readable"),
        (with_part(workbook(), SHEET, lambda xml: xml.decode().encode("utf-16")), "workbook_not_readable"),
        (
            with_part(workbook(), SHEET, lambda xml: b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>' + xml),
            "workbook_unsafe",
        ),
        (with_part(workbook(), "xl/sharedStrings.xml", lambda xml: xml.replace(b"web", b"w_x0000_b")), "workbook_unsafe"),
        (with_part(workbook(), "xl/sharedStrings.xml", lambda xml: xml.replace(b"web", b"w&#00;b")), "workbook_unsafe"),
        (with_part(workbook(), "xl/workbook.xml", lambda xml: xml.replace(b"?>", b"?><!DOCTYPE a []>", 1)), "workbook_unsafe"),
        (with_part(workbook(), SHEET, lambda xml: xml + b" " * (40 * MIB)), "workbook_too_large"),
        (with_part(workbook(), SHEET, lambda xml: xml.replace(b'r="B2"', b'r="XFD1048576"')), "workbook_too_large"),
        (with_part(workbook(), SHEET, lambda xml: xml.replace(b'r="B2"', b'r="ZZ1000000"')), "workbook_too_large"),
    ],
)
def test_a_harmed_or_harmful_workbook_is_refused_by_code(content: bytes, code: str) -> None:
    assert refused(content).code == code


def test_half_a_gigabyte_of_texts_is_refused_without_holding_it() -> None:
    before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    target = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(workbook())) as old,
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as new,
    ):
        for name in old.namelist():
            if name != "xl/sharedStrings.xml":
                new.writestr(name, old.read(name))
        with new.open("xl/sharedStrings.xml", "w", force_zip64=True) as part:
            part.write(b"<sst>")
            block = b"".join(b"<si><t>text %d</t></si>" % each for each in range(40_000))
            for _ in range(500 * MIB // len(block)):
                part.write(block)
            part.write(b"</sst>")
    error = refused(target.getvalue(), Limits(ratio=5000))
    assert error.code == "workbook_too_large"
    assert "sharedStrings" in error.where
    grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib
    assert grown_kib * 1024 < 300 * MIB


def test_a_formula_is_refused_with_its_sheet_and_cell() -> None:
    content = with_part(
        workbook(("web", 2), ("db", 4)), SHEET, lambda xml: xml.replace(b'<c r="B3"><v>', b'<c r="B3"><f>1+3</f><v>')
    )
    error = refused(content)
    assert isinstance(error, FormulaRefused)
    assert error.where == "vInfo, cell B3"


def test_a_sheet_nobody_asks_for_may_have_formulas() -> None:
    content = with_part(workbook(), SHEET, lambda xml: xml.replace(b'<c r="B2"><v>', b'<c r="B2"><f>1+1</f><v>'))
    with open_workbook(io.BytesIO(content)) as book:
        assert book.names == ("vInfo",)
        assert list(book.sheets("vDisk")) == []


def test_sizes_the_archive_lies_about_are_counted_while_unpacking() -> None:
    small = Limits(inflated_bytes=2 * MIB, ratio=100_000)
    honest = with_part(workbook(), SHEET, lambda xml: xml + b" " * (3 * MIB))
    claimed = (len(zipfile.ZipFile(io.BytesIO(honest)).read(SHEET))).to_bytes(4, "little")
    assert claimed in honest
    assert refused(honest.replace(claimed, (1000).to_bytes(4, "little")), small).code in {
        "workbook_too_large",
        "workbook_not_readable",
    }


def test_a_binary_workbook_and_a_zip_of_something_else_are_told_apart() -> None:
    for part, said in (("xl/workbook.bin", "xlsb"), ("readme.txt", "without a workbook")):
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w") as new:
            new.writestr("[Content_Types].xml", "<Types/>")
            new.writestr(part, "x")
        assert said in refused(target.getvalue()).message


def test_an_encrypted_zip_is_refused_by_name(tmp_path: Path) -> None:
    content = bytearray(workbook())
    place = content.rfind(b"PK\x01\x02")
    content[place + 8] |= 1
    file = tmp_path / "estate.xlsx"
    file.write_bytes(content)
    with pytest.raises(WorkbookError, match=r"estate\.xlsx is encrypted"), open_workbook(file):
        """Refused while opening."""
