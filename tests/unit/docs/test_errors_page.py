"""docs/errors.md and the source agree: every code that can be met is explained there, and none is explained that is gone."""

from __future__ import annotations

import ast
import re
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from tests.unit.docs.codes import codes_in, codes_of

ROOT = Path(__file__).parents[3]
PRODUCT = ("project", "estate", "migration", "readiness", "kms", "cli")
ROW = re.compile(r"^\| `([^`]+)`[^|]*\|(.*)\|$", re.MULTILINE)


@pytest.fixture(scope="module")
def said() -> dict[str, str]:
    """Every code of the product and a module that says it."""
    return {code: path for folder in PRODUCT for code, path in codes_of(ROOT / folder).items()}


@pytest.fixture(scope="module")
def explained() -> dict[str, str]:
    """Every code of the page and the rest of its row."""
    return dict(ROW.findall((ROOT / "docs" / "errors.md").read_text(encoding="utf-8")))


def test_every_code_of_the_source_is_explained(said: dict[str, str], explained: dict[str, str]) -> None:
    missing = {code: path for code, path in said.items() if not any(fnmatchcase(name, code) for name in explained)}
    assert not missing, f"add a row to docs/errors.md for each: {missing}"


def test_no_code_is_explained_that_the_source_no_longer_says(said: dict[str, str], explained: dict[str, str]) -> None:
    gone = {name for name in explained if not any(fnmatchcase(name, code) for code in said)}
    assert not gone, f"remove these rows from docs/errors.md: {gone}"


def test_every_row_says_what_it_means_and_what_to_do(explained: dict[str, str]) -> None:
    short = {code for code, cells in explained.items() if not all(cell.strip() for cell in cells.split("|")[-2:])}
    assert not short


@pytest.mark.parametrize(
    ("source", "codes"),
    [
        ("class SrFull(Problem):\n    code = 'sr_full'", ["sr_full"]),
        ("class Wide(Problem):\n    code: str = 'wide'", ["wide"]),
        ("raise Conflict('x', code='busy' if late else 'early')", ["busy", "early"]),
        ("error = {'code': 'workers_die', 'message': 'x'}", ["workers_die"]),
        ("yield Reason('kms_low', 'KMS')", ["kms_low"]),
        ("yield Reason(f'kms_{state}', 'KMS')", ["kms_*"]),
        ("RISK = 'RISK-1'\nyield_ = Reason(RISK, 'wave')", ["RISK-1"]),
        ("_RULES = {'X': _Rule(Ask, 'says', 'step', 'x_refused')}", ["x_refused"]),
        ("_LINE_ERRORS = ((OSError, 'unreachable', 'says'),)", ["unreachable"]),
        ("HTTP_CODES: dict = {404: ('not_found', 'title', 'step')}", ["not_found"]),
        ("class ReasonCode(StrEnum):\n    NO_DISK = 'no_disk'", ["no_disk"]),
        ("raise Invalid(detail, code=error.code)", []),
        ("log.info('left', code=getattr(error, 'code', 'none'))", []),
    ],
)
def test_a_code_is_found_where_the_product_writes_codes(source: str, codes: list[str]) -> None:
    assert sorted(codes_in(ast.parse(source))) == sorted(codes)
