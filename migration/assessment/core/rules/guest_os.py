"""Rules on the guest's operating system (OS), and what other rules ask about it: which rows of the guest table it may be."""

from __future__ import annotations

from collections.abc import Callable

from estate.facts.source import VmFacts
from estate.facts.unknown import Unknown
from migration.assessment.core.context import RuleContext
from migration.assessment.core.guests import GuestRow
from migration.assessment.core.registry import rule
from migration.assessment.core.results import Answer, Parts, Severity, answered

NOT_REPORTED = Unknown("Tools have reported no operating system")


def possible_rows(vm: VmFacts, context: RuleContext) -> tuple[GuestRow, ...] | Unknown:
    """The rows of the guest table the machine may run, narrowed by what Tools say; none for an id that is not listed."""
    if isinstance(vm.guest_id, Unknown):
        return vm.guest_id
    told = (vm.guest_full_name, vm.guest_detailed_data)
    return context.guests.rows_of(vm.guest_id, " ".join(text for text in told if isinstance(text, str)))


def of_every_row(vm: VmFacts, context: RuleContext, test: Callable[[GuestRow], Answer]) -> Answer:
    """What the test answers for each row the machine may run; unknown where the rows differ or there is none."""
    rows = possible_rows(vm, context)
    answers = set() if isinstance(rows, Unknown) else set(map(test, rows))
    return answers.pop() if len(answers) == 1 else Answer.UNKNOWN


def runs(vm: VmFacts, context: RuleContext, family: str) -> Answer:
    """Whether the guest is of this family (`windows` or `linux`); an unidentified guest may be of any."""

    def test(row: GuestRow) -> Answer:
        if row.family == family:
            return Answer.TRUE
        return Answer.UNKNOWN if row.family == "other" and not row.identified else Answer.FALSE

    return of_every_row(vm, context, test)


def undecided(vm: VmFacts, context: RuleContext) -> Unknown:
    """What leaves a question about the guest open: its id is unread, not listed, shared by systems, or says too little of one."""
    rows = possible_rows(vm, context)
    if isinstance(rows, Unknown):
        return rows
    if len(rows) > 1:
        return Unknown(f"{vm.guest_id} may be {', '.join(row.name for row in rows)}")
    return Unknown(f"{vm.guest_id} does not tell enough" if rows else f"the guest table has no {vm.guest_id}")


@rule(
    "OS-001",
    severity=Severity.CRITICAL,
    sources="VRG",
    title="The operating system is not identified",
    why="Neither the driver it needs nor the template that suits it is known.",
    remediation="Identify it from what Tools report in detail, or by looking into the guest.",
)
def unidentified(vm: VmFacts, context: RuleContext) -> Parts:
    """An id that is not listed or names nothing; open while systems with different templates share the id."""
    rows = possible_rows(vm, context)
    if isinstance(rows, Unknown):
        return answered(Answer.UNKNOWN, "guest_id", rows)
    if not all(row.identified for row in rows) or not rows:
        return answered(Answer.TRUE, "guest_id", vm.guest_id, {"guest_id": vm.guest_id})
    if len({row.template for row in rows}) > 1:
        return answered(Answer.UNKNOWN, "guest_full_name", undecided(vm, context))
    return ()


@rule(
    "OS-002",
    severity=Severity.WARNING,
    sources="VRG",
    title="The operating system is out of its vendor's support, or has no template of its own",
    why="Help is best effort only; neither vendor fixes what fails.",
    remediation="Upgrade before or after the move, or have an owner waive it.",
)
def unsupported(vm: VmFacts, context: RuleContext) -> Parts:
    """Paid extensions count as out of support; the last supported day is still fine."""

    def test(row: GuestRow) -> Answer:
        ended = row.supported_until is not None and row.supported_until < context.asked_at.date()
        if row.fit != "exact" or row.support in {"no", "paid"} or ended:
            return Answer.TRUE
        return Answer.UNKNOWN if row.support == "unknown" else Answer.FALSE

    answer = of_every_row(vm, context, test)
    if answer is Answer.UNKNOWN:
        return answered(answer, "guest_id", undecided(vm, context))
    return answered(answer, "guest_id", vm.guest_id, _support(vm, context))


def _support(vm: VmFacts, context: RuleContext) -> dict[str, object]:
    rows = possible_rows(vm, context)
    if isinstance(rows, Unknown) or not rows:
        return {}
    until = rows[0].supported_until
    found: dict[str, object] = {"systems": [row.name for row in rows], "template": rows[0].template, "fit": rows[0].fit}
    return {**found, "support": rows[0].support, "supported_until": until.isoformat() if until else None}


@rule(
    "OS-003",
    severity=Severity.WARNING,
    sources="VRG",
    title="There are no current drivers for this Windows",
    why="It runs on emulated disks and NICs: four devices, and with UEFI neither live migration nor suspend.",
    remediation="Upgrade the system, or accept emulated devices or the last legacy drivers.",
)
def without_drivers(vm: VmFacts, context: RuleContext) -> Parts:
    """As the guest table says; systems that bring their own drivers are not asked."""

    def test(row: GuestRow) -> Answer:
        if row.family == "other" and not row.identified:
            return Answer.UNKNOWN
        return Answer.TRUE if row.pv is False else Answer.FALSE

    answer = of_every_row(vm, context, test)
    raw = undecided(vm, context) if answer is Answer.UNKNOWN else vm.guest_id
    return answered(answer, "guest_id", raw, {"guest_id": vm.guest_id} if answer is Answer.TRUE else {})


@rule(
    "OS-004",
    severity=Severity.WARNING,
    sources="VR",
    title="The configured operating system is not the one that Tools report",
    why="The template and its platform flags would be those of another system.",
    remediation="Go by what Tools report, and correct the configured guest id.",
)
def os_disagrees(vm: VmFacts, context: RuleContext) -> Parts:
    """The ids are compared, as releases spell one system's name differently; until Tools reported one, it is open."""
    configured, reported = vm.configured_guest_id, vm.reported_guest_id
    seen = reported if isinstance(reported, Unknown) else reported or NOT_REPORTED
    if isinstance(configured, Unknown) or isinstance(seen, Unknown):
        return answered(Answer.UNKNOWN, "reported_guest_id", configured if isinstance(configured, Unknown) else seen)
    if configured.strip().lower() == seen.strip().lower():
        return ()
    return answered(Answer.TRUE, "reported_guest_id", seen, {"configured": configured, "reported": seen})
