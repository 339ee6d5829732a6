"""The assessment report: one page with what can move and what stands in the way, then an appendix machine by machine.

Pure: takes the views below and returns the document tree. Two answers stand side by side: the verdict, which an open question
keeps from being "ready", and what is seen so far, which leaves open questions out and says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from migration.reports.core.document import (
    Block,
    Cell,
    Document,
    Figures,
    Heading,
    PageBreak,
    Paragraph,
    Picture,
    Table,
    Tone,
    Verdict,
    row,
)
from migration.reports.core.shares import Share, shares_svg

MOST_LINES = 7
SEVERITY_ORDER = ("critical", "warning", "info")
SEVERITY_TONES = {"critical": Tone.BAD, "warning": Tone.CAUTION, "info": Tone.PLAIN}
VERDICT_TONES = {"ready": Tone.GOOD, "ready_with_work": Tone.CAUTION, "blocked": Tone.BAD, "unknown": Tone.UNKNOWN}
SO_FAR = {"ready": "nothing found", "ready_with_work": "needs work", "blocked": "blocked"}


@dataclass(frozen=True, slots=True)
class RuleLine:
    """One rule with findings. `true_on` and `unknown_on` are names of subjects; `everywhere` is why nobody could answer it."""

    rule_id: str
    severity: str
    title: str
    why: str
    remedy: str
    true_on: tuple[str, ...]
    unknown_on: tuple[str, ...]
    everywhere: str = ""


@dataclass(frozen=True, slots=True)
class MachineLine:
    """One machine. `so_far` is its verdict from what is known, open questions left out; `findings` are (rule id, words)."""

    name: str
    verdict: str
    so_far: str
    findings: tuple[tuple[str, str], ...]
    open_rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AssessmentView:
    """Everything the report tells. `figures` are (label, value); `lacking` is (part, what is unknown without it)."""

    customer: str
    project: str
    made_at: datetime
    made_by: str
    target_product: str
    source: str
    taken_at: datetime | None
    tables: str
    figures: tuple[tuple[str, str], ...]
    machines: tuple[MachineLine, ...]
    rules: tuple[RuleLine, ...]
    lacking: tuple[tuple[str, str], ...] = ()


def build(view: AssessmentView) -> Document:
    """The assessment report as a tree."""
    return Document(
        title=f"Assessment for {view.target_product}",
        customer=view.customer,
        project=view.project,
        made_at=_time(view.made_at),
        made_by=view.made_by,
        blocks=(*_first_page(view), PageBreak(), *_appendix(view)),
    )


def _first_page(view: AssessmentView) -> Iterator[Block]:
    yield _headline(view.machines)
    yield Picture(shares_svg(_shares(view.machines)), "The machines by what is known of them so far.")
    yield Figures(view.figures)
    yield Heading("What stands in the way", level=2)
    yield _rules_table(
        [rule for rule in view.rules if rule.true_on and rule.severity != "info"],
        "Nothing stands in the way, as far as it is known.",
        lambda rule: rule.true_on,
        "True on",
    )
    yield Heading("What nobody has answered yet", level=2)
    yield Paragraph(_open_words(view))
    yield _rules_table(
        [
            rule
            for rule in view.rules
            if rule.severity == "critical" and (rule.unknown_on or rule.everywhere) and not rule.true_on
        ],
        "Every critical question has an answer.",
        lambda rule: rule.unknown_on,
        "Open on",
    )


def _is_open(rule: RuleLine) -> bool:
    return rule.severity == "critical" and bool(rule.unknown_on or rule.everywhere) and not rule.true_on


def _headline(machines: tuple[MachineLine, ...]) -> Verdict:
    if not machines:
        return Verdict("No machine was found, so nothing is known.", Tone.UNKNOWN)
    verdicts = Counter(machine.verdict for machine in machines)
    can = verdicts["ready"] + verdicts["ready_with_work"]
    told = f"{can} of {len(machines)} machines can move as far as everything was answered, {verdicts['blocked']} are blocked, "
    told += f"{verdicts['unknown']} wait for answers."
    if verdicts["blocked"]:
        return Verdict(told, Tone.BAD)
    return Verdict(told, Tone.UNKNOWN if verdicts["unknown"] else Tone.GOOD)


def _shares(machines: Iterable[MachineLine]) -> tuple[Share, ...]:
    seen = Counter(machine.so_far for machine in machines)
    return tuple(Share(words, seen[verdict], VERDICT_TONES[verdict]) for verdict, words in SO_FAR.items())


def _open_words(view: AssessmentView) -> str:
    open_everywhere = sum(bool(rule.everywhere) for rule in view.rules)
    told = "A machine is ready only when no critical question about it is open."
    if open_everywhere:
        told += (
            f" {open_everywhere} rules cannot be answered by {view.source} for any machine: they need a live vCenter,"
            " a look into the guests, the target pool, or a person's word."
        )
    return told


def _rules_table(rules: list[RuleLine], empty: str, names: Callable[[RuleLine], tuple[str, ...]], counted: str) -> Table:
    worst = sorted(rules, key=lambda rule: (SEVERITY_ORDER.index(rule.severity), -len(names(rule)), rule.rule_id))
    rows = [
        row(
            rule.rule_id,
            Cell(rule.severity, SEVERITY_TONES[rule.severity]),
            str(len(names(rule))) if names(rule) else "all",
            rule.title,
            rule.remedy,
        )
        for rule in worst[:MOST_LINES]
    ]
    if len(worst) > MOST_LINES:
        rows.append(row("…", "", "", f"and {len(worst) - MOST_LINES} more rules, all in the appendix", ""))
    return Table(("Rule", "Weight", counted, "What", "What to do"), tuple(rows), (9, 10, 9, 34, 38), empty=empty)


def _appendix(view: AssessmentView) -> Iterator[Block]:
    yield Heading("Appendix: every machine")
    yield Table(
        ("Machine", "Verdict", "Seen so far", "Findings"),
        tuple(_machine_row(machine) for machine in view.machines),
        (22, 13, 13, 52),
        empty="No machine was found.",
    )
    yield Heading("Appendix: every rule that found something or stayed open")
    yield Table(
        ("Rule", "Weight", "True on", "Open on", "What and why", "What to do"),
        tuple(_rule_row(rule) for rule in view.rules),
        (9, 9, 8, 14, 32, 28),
        empty="No rule found anything and none stayed open.",
    )
    yield Heading("What this report stands on")
    yield Paragraph(_basis(view))
    if view.lacking:
        rows = tuple(row(part, what) for part, what in view.lacking)
        yield Table(("Not in the source", "So it is unknown"), rows, (30, 70))


def _machine_row(machine: MachineLine) -> tuple[Cell, ...]:
    found = "; ".join(f"{rule_id} {words}" for rule_id, words in machine.findings) or "none"
    if machine.open_rules:
        found += f". Open: {', '.join(machine.open_rules)}"
    return row(
        machine.name,
        Cell(machine.verdict.replace("_", " "), VERDICT_TONES[machine.verdict]),
        Cell(SO_FAR[machine.so_far], VERDICT_TONES[machine.so_far]),
        found,
    )


def _rule_row(rule: RuleLine) -> tuple[Cell, ...]:
    opened = f"all: {rule.everywhere}" if rule.everywhere else str(len(rule.unknown_on) or "")
    return row(
        rule.rule_id,
        Cell(rule.severity, SEVERITY_TONES[rule.severity]),
        str(len(rule.true_on) or ""),
        opened,
        f"{rule.title}. {rule.why}",
        rule.remedy,
    )


def _basis(view: AssessmentView) -> str:
    taken = _time(view.taken_at) if view.taken_at else "a time that it does not tell"
    return (
        f"Facts from {view.source}, true at {taken}. Tables {view.tables}. Target {view.target_product}. "
        "Whatever the source does not tell is unknown, shown as open, and never counts as a pass."
    )


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
