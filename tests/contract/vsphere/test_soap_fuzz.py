"""Damaged answers of a vCenter: whatever changes, the reader gives facts or a coded error, soon and in bounded memory."""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from pathlib import Path

import pytest

from estate.errors import EdgeError
from estate.vsphere.inventory.collect import Collection
from lab.disks import DiskStore
from tests.builders.own_process import measured
from tests.builders.soap_answers import ANSWER_DAMAGES, keep_answers, replayed
from tests.contract.vsphere.lab_vcenter import running_lab_vcenter

ROUNDS = 1500 if os.environ.get("XENBOUND_SOAK") else 40
MOST_S = 5.0
MOST_MIB = 500


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the lab's vCenter says of its estate."""
    work = tmp_path_factory.mktemp("lab")
    (work / "answers").mkdir()
    with running_lab_vcenter(work, DiskStore(work / "disks"), world="small") as lab:
        keep_answers(lab.connection(), work / "answers")
    return work / "answers"


def read_damaged(kind: str, rounds: int, folder: str) -> Counter[str]:
    """How reading the whole estate ended with one answer of it damaged, by round: "read" or a code."""
    sound = [place.read_bytes() for place in sorted(Path(folder).iterdir())]
    outcomes = Counter[str]()
    for seed in range(rounds):
        dice = random.Random(seed)
        given = [(200, "", body) for body in sound]
        hit = dice.randrange(len(given))
        given[hit] = ANSWER_DAMAGES[kind](sound[hit], dice)
        started_s = time.process_time()  # nothing in here waits, and a busy machine may hold a process up for seconds
        outcomes[_outcome(given, seed)] += 1
        assert time.process_time() - started_s < MOST_S, seed
    return outcomes


def _outcome(given: list[tuple[int, str, bytes]], seed: int) -> str:
    try:
        Collection(replayed(given), lambda _kind, _facts: None).run()
    except EdgeError as refused:
        assert refused.code and refused.next_step, seed
        return refused.code
    except Exception as error:
        raise AssertionError(f"seed {seed}: {type(error).__name__}: {error}") from error
    return "read"


def test_sound_answers_are_read_again_as_they_were(answers: Path) -> None:
    given = [(200, "", place.read_bytes()) for place in sorted(answers.iterdir())]
    seen: list[str] = []
    Collection(replayed(given), lambda kind, facts: seen.extend([kind] * len(facts))).run()
    assert Counter(seen)["vm"] == 12


@pytest.mark.soak
@pytest.mark.parametrize("kind", sorted(ANSWER_DAMAGES))
def test_a_damaged_answer_is_read_or_refused_with_a_code(kind: str, answers: Path) -> None:
    told = measured(read_damaged, kind, ROUNDS, str(answers))
    assert told.result.total() == ROUNDS
    assert told.peak_mib < MOST_MIB


def test_damage_is_often_survived_and_often_refused(answers: Path) -> None:
    """A fuzz whose inputs are all refused, or all read, tests one half only."""
    outcomes = read_damaged("values", 60, str(answers)) + read_damaged("bytes", 60, str(answers))
    assert min(outcomes["read"], 120 - outcomes["read"]) > 12, outcomes
