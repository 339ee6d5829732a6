"""`manage.py assess`: a workbook becomes a report in a process that has no database, server or account."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.builders.large_estate import large_estate
from tests.builders.workbooks import workbook_of, xlsx

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def workbook(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("assess") / "estate.xlsx"
    file.write_bytes(xlsx(workbook_of(large_estate(20, 2))))
    return file


def assess(*arguments: object, at: Path) -> subprocess.CompletedProcess[str]:
    """Run the command with an empty environment and a folder of its own, where no database is."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(at), "XENBOUND_VAR": str(at / "var")}
    command = [sys.executable, str(ROOT / "manage.py"), "assess", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False)


def test_a_workbook_becomes_a_pdf_without_a_database(workbook: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.pdf"
    ran = assess(workbook, "--target", "xenserver-8.4", "-o", report, at=tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert report.read_bytes().startswith(b"%PDF")
    assert "of 20 machines" in ran.stdout
    assert not list(tmp_path.rglob("*.sqlite3"))


def test_a_page_names_every_machine_and_what_nobody_answered(workbook: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.html"
    assert assess(workbook, "--target", "xcp-ng-8.3", "-o", report, "--customer", "A <b> & Co", at=tmp_path).returncode == 0
    shown = report.read_text(encoding="utf-8")
    assert "A &lt;b&gt; &amp; Co" in shown
    assert "What nobody has answered yet" in shown
    assert "Appendix: every machine" in shown


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("{no}", "--target", "xenserver-8.4", "-o", "{out}.pdf"), "workbook_not_readable"),
        (("{book}", "--target", "hyper-v", "-o", "{out}.pdf"), "hyper-v"),
        (("{book}", "--target", "xenserver-8.4", "-o", "{out}.docx"), ".pdf or .html"),
        (("{book}", "--target", "xenserver-8.4", "-o", "{out}/no/such/r.pdf"), "no such folder"),
        (("{book}", "--target", "xenserver-8.4", "-o", "{book}.pdf"), "--force"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line_and_leaves_nothing(
    arguments: tuple[str, ...], told: str, workbook: Path, tmp_path: Path
) -> None:
    Path(f"{workbook}.pdf").write_bytes(b"kept")
    places = {"no": tmp_path / "no.xlsx", "book": workbook, "out": tmp_path / "report"}
    ran = assess(*(argument.format(**places) for argument in arguments), at=tmp_path)
    assert ran.returncode != 0
    assert told in ran.stderr and "Traceback" not in ran.stderr
    assert not list(tmp_path.glob("report*"))
    assert Path(f"{workbook}.pdf").read_bytes() == b"kept"
