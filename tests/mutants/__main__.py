"""`python -m tests.mutants [--only FAMILY]`: are the tests of the assessment rules able to fail?

Every rule module is changed in every way Cosmic Ray knows, one change at a time, and its own tests are run against each
mutant. Prints the score and writes var/mutants/<family>.txt. Ends with 1 when a mutant survives that equivalent.toml does not
explain, or when it explains one that does not survive.
"""

from __future__ import annotations

import argparse
import os
import tomllib
from pathlib import Path

from tests.builders.assessment import the_guests, the_limits
from tests.mutants.making import mutants_of
from tests.mutants.trying import survives

RULES = Path("migration/assessment/core/rules")
TESTS = Path("tests/unit/assessment")
RESULTS = Path("var/mutants")
EQUIVALENT = Path(__file__).with_name("equivalent.toml")
JOINT_TESTS = {
    "cpu": "cpu_memory",
    "memory": "cpu_memory",
    "disk_functions": "disks",
    "networks": "nics",
    "pool_imports": "pools",
    "source_hosts": "sources",
}
"""Families whose cases stand in another family's file of tests."""
TESTS_OF_ALL = ("ordinary_estate", "evidence")


def main() -> int:
    """Try every mutant of the families asked for."""
    families = sorted(path.stem for path in RULES.glob("[a-z]*.py"))
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--only", choices=families, help="one family by name")
    only = parser.parse_args().only
    os.nice(10)
    load_once()
    RESULTS.mkdir(parents=True, exist_ok=True)
    explained = tomllib.loads(EQUIVALENT.read_text(encoding="utf-8"))
    asked = [only] if only else families
    scores = [_try_family(family, explained.get(family, {})) for family in asked]
    tried, killed, equivalent, wrong = map(sum, zip(*scores, strict=True))
    print(f"{tried} mutants: {killed} killed, {equivalent} equivalent, {wrong} unexplained; {_score(tried, killed, equivalent)}")
    return 1 if wrong else 0


def load_once() -> None:
    """What every forked process needs, read before the first fork."""
    for loaded in (the_guests(), the_limits(), the_limits("xcp-ng-8.3")):
        assert loaded.version


def _try_family(family: str, explained: dict[str, str]) -> tuple[int, int, int, int]:
    """Mutants tried, killed, known to be equivalent, and wrong: unexplained survivors and explanations of none."""
    path = RULES / f"{family}.py"
    tests = [TESTS / f"test_{name}.py" for name in (f"rules_{JOINT_TESTS.get(family, family)}", *TESTS_OF_ALL)]
    text = path.read_text(encoding="utf-8")
    assert survives(path, text, tests), f"{tests} fail without any mutant"
    mutants = list(mutants_of(text))
    living = [mutant for mutant in mutants if survives(path, mutant.text, tests)]
    changes = {mutant.change for mutant in living}
    lines = [f"unexplained: {mutant.operator}: {mutant.change}" for mutant in living if mutant.change not in explained]
    lines += [f"does not survive: {change}" for change in explained if change not in changes]
    equivalent = sum(mutant.change in explained for mutant in living)
    killed = len(mutants) - len(living)
    told = f"{family}: {len(mutants)} mutants, {killed} killed, {equivalent} equivalent, {len(lines)} unexplained"
    (RESULTS / f"{family}.txt").write_text("\n".join([told, *lines]) + "\n", encoding="utf-8")
    print("\n  ".join([f"{told}; {_score(len(mutants), killed, equivalent)}", *lines]), flush=True)
    return len(mutants), killed, equivalent, len(lines)


def _score(tried: int, killed: int, equivalent: int) -> str:
    return f"score {killed / max(tried - equivalent, 1):.1%}"


if __name__ == "__main__":
    raise SystemExit(main())
