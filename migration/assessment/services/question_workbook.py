"""Open questions as a workbook that goes to whoever knows, and comes back: each answer with a name, checked cell by cell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import BinaryIO
from uuid import UUID

from django.db import transaction

from estate.errors import AskPerson
from estate.sheets import SMALL, Cell, Column, Faults, FilledRow, SheetToWrite, filled_rows, open_workbook, write_workbook
from migration.assessment import selectors
from migration.assessment.core.subjects import INVENTORY, MANY
from migration.assessment.services import attesting
from migration.assessment.services.filled_estate import refuse, unreadable
from project.backbone.accounts.policy import Actor, Role
from project.backbone.clock import now
from project.backbone.models import Project

SHEET = "Questions"
RULE, SUBJECT, ANSWER, WHO, NOTE, UNTIL = "Rule", "Subject", "Answer", "Who says so", "Note", "Valid until"
CELLS = (RULE, SUBJECT, ANSWER, WHO, NOTE, UNTIL)
MOST_ROWS = 50_000
ANSWERS = {"yes": True, "no": False}
READ_ME = (
    "Each line is a question that no source answers. Choose yes where the concern is there, no where somebody looked.",
    "Whoever answers writes their name. A line without an answer stays open.",
    "A line about all machines of a source answers for every machine on which the question is open.",
    "Write no formulas. Send the file back as .xlsx: every cell is checked, and either all of it is taken or nothing.",
)
_COLUMNS = (
    Column(RULE, 10, closed=True),
    Column("Weight", 10, closed=True),
    Column("The concern", 50, closed=True, wrap=True),
    Column("What helps", 50, closed=True, wrap=True),
    Column("Of", 30, closed=True),
    Column("Cluster", 16, closed=True),
    Column(ANSWER, 10, choices=tuple(ANSWERS)),
    Column(WHO, 22),
    Column(NOTE, 40, wrap=True),
    Column(UNTIL, 12, days=True),
    Column(SUBJECT, 38, closed=True),
)


@dataclass(frozen=True, slots=True)
class Said:
    """One answer as a row gives it."""

    rule_id: str
    answer: bool
    who: str
    note: str
    until: datetime | None


def question_workbook(project: Project) -> bytes:
    """The workbook's bytes. What is open for a whole source is one line; beyond `MOST_ROWS` lines it says so."""
    rows = list(_rows(project))
    cut = [f"Only the first {MOST_ROWS} of {len(rows)} questions are here."] if len(rows) > MOST_ROWS else []
    sheets = (
        SheetToWrite("Read me", (Column("How to fill this in", 110, wrap=True),), ((line,) for line in (*READ_ME, *cut))),
        SheetToWrite(SHEET, _COLUMNS, rows[:MOST_ROWS], fill_in=True),
    )
    return write_workbook(sheets, made_at=now())


def _rows(project: Project) -> Iterator[Sequence[Cell | None]]:
    rules = selectors.rules_of(project)
    for question in selectors.open_by_subject(project):
        rule = rules.get(question.rule_id)
        if rule is not None:
            about = question.subject_name
            if question.subject.startswith(f"{INVENTORY}:"):
                about = f"all {MANY[rule.subject]} of {question.subject_name} on which it is open"
            yield (
                rule.id, rule.severity.value, rule.title, rule.remediation, about, question.cluster, None, None, None, None,
                question.subject,
            )  # fmt: skip


def take(project: Project, content: BinaryIO, *, dry_run: bool, actor: Actor) -> tuple[int, int]:
    """Record the answers; equal ones of many subjects as one statement. The numbers of statements and of subjects.

    Raises: RoleTooLow (operator), NotVisible, Invalid with every cell that is wrong, or for a file that cannot be read.
    """
    actor.require(project, Role.OPERATOR)
    faults = Faults()
    try:
        with transaction.atomic(), open_workbook(content, limits=SMALL) as workbook:
            said = _said(project, filled_rows(workbook, SHEET, CELLS, faults))
            refuse(faults)
            rows = [_attest(project, each, subject, actor) for each, subjects in said.items() for subject in _chosen(subjects)]
            transaction.set_rollback(dry_run)
    except AskPerson as refused:
        raise unreadable(refused) from refused
    return len(rows), sum(rows)


def _chosen(subjects: list[str]) -> list[list[str]]:
    """Subjects that are named go together; a whole source goes by itself, since what it holds is looked up."""
    named = [subject for subject in subjects if not subject.startswith(f"{INVENTORY}:")]
    return [*([named] if named else []), *([subject] for subject in subjects if subject.startswith(f"{INVENTORY}:"))]


def _attest(project: Project, said: Said, subjects: list[str], actor: Actor) -> int:
    """One statement for these subjects, or for what one source holds; for how many it is."""
    whole = subjects[0].removeprefix(f"{INVENTORY}:") if subjects[0].startswith(f"{INVENTORY}:") else ""
    row = attesting.attest(
        project, rule_id=said.rule_id, answer=said.answer, who=said.who, note=said.note, expires_at=said.until,
        subjects=() if whole else subjects, source=UUID(whole) if whole else None, actor=actor,
    )  # fmt: skip
    return len(row.subjects)


def _said(project: Project, rows: Iterator[FilledRow]) -> dict[Said, list[str]]:
    """What was answered, with the subjects it was answered for."""
    open_ones = {(question.rule_id, question.subject) for question in selectors.open_by_subject(project)}
    found: dict[Said, list[str]] = {}
    answered: set[tuple[str, str]] = set()
    for row in rows:
        if not row.text(ANSWER):
            continue
        key = (row.text(RULE), row.text(SUBJECT))
        if key in answered:
            row.fault(ANSWER, code="named_twice", detail=f"{key[0]} is answered twice for the same subject.")
        answered.add(key)
        if key not in open_ones:
            row.fault(RULE, code="not_open", detail=f"{key[0][:40]} is not, or no longer, open on this subject.")
        said = _one(row)
        if said is not None:
            found.setdefault(said, []).append(key[1])
    return found


def _one(row: FilledRow) -> Said | None:
    answer, who, note = row.text(ANSWER).lower(), row.text(WHO), row.text(NOTE)
    if answer not in ANSWERS:
        row.fault(ANSWER, code="invalid_choice", detail="Answer yes or no.")
    if not who or len(who) > 200:
        row.fault(WHO, code="required", detail="Whoever answers writes their name (at most 200 characters).")
    if len(note) > 2000:
        row.fault(NOTE, code="max_length", detail="A note has at most 2000 characters.")
    until = _until(row)
    return Said(row.text(RULE), ANSWERS[answer], who, note, until) if answer in ANSWERS else None


def _day(said: Cell) -> date | None:
    if isinstance(said, str):
        try:
            return date.fromisoformat(said.strip())
        except ValueError:
            return None
    if isinstance(said, datetime):
        return said.date()
    return said if isinstance(said, date) else None


def _until(row: FilledRow) -> datetime | None:
    """The end of the day that is named. A date as text is taken when it is spelled year-month-day."""
    said = row.cell(UNTIL)
    if said == "":
        return None
    day = _day(said)
    if day is None:
        row.fault(UNTIL, code="cell_wrong_type", detail="Write a date, as in 2027-01-31.")
        return None
    end = datetime.combine(day, time(23, 59, 59), UTC)
    if end <= now():
        row.fault(UNTIL, code="in_the_past", detail="The end must lie ahead.")
    return end
