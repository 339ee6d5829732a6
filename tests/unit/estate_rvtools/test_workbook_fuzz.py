"""Damaged workbooks: whatever changes, the reader answers with facts or a coded error, soon and in bounded memory."""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from pathlib import Path

import pytest

from estate import rvtools
from estate.errors import AskPerson
from tests.builders.damage import WORKBOOK_DAMAGES
from tests.builders.own_process import measured

ROUNDS = 2500 if os.environ.get("XENBOUND_SOAK") else 60
MOST_S = 5.0
MOST_MIB = 500
LEAST_OF_EACH = 0.1
CODES = {
    "workbook_not_readable",
    "workbook_too_large",
    "workbook_unsafe",
    "workbook_formula",
    "workbook_sheet_missing",
    "workbook_column_missing",
    "workbook_cell_invalid",
}


def read_damaged(kind: str, rounds: int, folder: str) -> Counter[str]:
    """How the reader answered each of these workbooks: "read" or a code."""
    path, outcomes = Path(folder) / "estate.xlsx", Counter[str]()
    for seed in range(rounds):
        WORKBOOK_DAMAGES[kind](random.Random(seed), path)
        started_s = time.monotonic()
        outcomes[_outcome(path, seed)] += 1
        assert time.monotonic() - started_s < MOST_S, seed
    return outcomes


def _outcome(path: Path, seed: int) -> str:
    try:
        rvtools.read(path, on_page=lambda kind, facts: None)
    except AskPerson as refused:
        assert refused.code in CODES, seed
        assert refused.next_step, seed
        assert refused.where, seed
        return refused.code
    return "read"


@pytest.mark.soak
@pytest.mark.parametrize("kind", sorted(WORKBOOK_DAMAGES))
def test_a_damaged_workbook_is_read_or_refused_with_a_code(kind: str, tmp_path: Path) -> None:
    told = measured(read_damaged, kind, ROUNDS, str(tmp_path))
    assert told.result.total() == ROUNDS
    assert told.peak_mib < MOST_MIB


def test_odd_cells_are_often_survived_and_often_refused(tmp_path: Path) -> None:
    """A fuzz whose inputs are all refused, or all read, tests one half only."""
    rounds = 60
    outcomes = read_damaged("cells", rounds, str(tmp_path))
    refused = rounds - outcomes["read"]
    assert min(outcomes["read"], refused) > LEAST_OF_EACH * rounds, outcomes
    assert len(outcomes) > 2, outcomes
