"""The inventory table: every machine with its facts, its verdict and what was found. Only asks selectors.

It is the assessment's page because the verdict is; the facts are the inventory's. What could not be read is shown as unknown.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.utils.http import urlencode

from estate.facts.source import PowerState, VmFacts
from estate.facts.unknown import UNKNOWN, Unknown
from migration.assessment import selectors
from migration.assessment.core.results import Answer
from migration.assessment.core.verdicts import Verdict
from migration.assessment.selectors import AssessedMachine, FindingView
from migration.inventory import selectors as inventory
from migration.inventory.selectors import Machine
from migration.inventory.services.machines import DISPOSITIONS
from project.backbone.accounts.policy import Role
from project.backbone.clock import now
from project.web.pages import ProjectPage, permitted

ROWS_PER_PAGE = 100
TAG_LENGTH = 600
POWER_WORDS = {PowerState.ON: "on", PowerState.OFF: "off", PowerState.SUSPENDED: "suspended"}
POWER_CHOICES = [(state.value, words) for state, words in POWER_WORDS.items()] + [("unknown", "unknown")]
VERDICT_TONES = {Verdict.READY: "good", Verdict.READY_WITH_WORK: "caution", Verdict.BLOCKED: "bad", Verdict.UNKNOWN: "unknown"}


@dataclass(frozen=True, slots=True)
class Filter:
    """What the table is narrowed to. A value nobody offers narrows nothing and is shown as no choice."""

    name: str
    verdict: Verdict | None
    power: PowerState | Unknown | None
    tag: str = ""

    @staticmethod
    def of(given: Any) -> Filter:
        verdict = given.get("verdict", "")
        power = given.get("power", "")
        return Filter(
            name=_plain(given.get("name", ""), 200),
            verdict=Verdict(verdict) if verdict in set(Verdict) else None,
            power=UNKNOWN if power == "unknown" else PowerState(power) if power in set(PowerState) else None,
            tag=_plain(given.get("tag", ""), TAG_LENGTH),
        )

    @property
    def power_choice(self) -> str:
        return "unknown" if isinstance(self.power, Unknown) else self.power.value if self.power else ""

    @property
    def query(self) -> str:
        """The filter as the query part of a link, without a page number."""
        parts = {"name": self.name, "verdict": self.verdict.value if self.verdict else "", "power": self.power_choice}
        parts["tag"] = self.tag
        return urlencode({key: value for key, value in parts.items() if value})


@dataclass(frozen=True, slots=True)
class MachineLine:
    """One row. Facts may be Unknown; the template shows that. `facts` is None for a machine the latest inventory lacks.

    `true` and `open` are findings by their answer; `disk_bytes` is of all disks together; `sized`: their number is known.
    """

    id: UUID
    name: str
    verdict: str
    tone: str
    true: tuple[FindingView, ...]
    open: tuple[FindingView, ...]
    facts: VmFacts | None
    power: str | Unknown
    disk_count: int | Unknown
    disk_bytes: int | Unknown
    sized: bool
    nic_count: int | Unknown
    sources: tuple[str, ...]
    disposition: str
    application: str
    tags: tuple[str, ...]


class InventoryPage(ProjectPage):
    """The machines of a project, filtered and in pages of 100."""

    page = "inventory"
    extra_context = {"estate_page": "machines"}
    template_name = "assessment/inventory.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        wanted, at = Filter.of(self.request.GET), now()
        verdicts = selectors.verdicts(self.project, at=at)
        machines = _narrowed(inventory.machines(self.project), wanted)
        ids = [machine for machine in machines.values_list("id", flat=True) if wanted.verdict in (None, verdicts.get(machine))]
        shown = Paginator(ids, ROWS_PER_PAGE).get_page(self.request.GET.get("page"))
        untold = inventory.with_unknown_tags(inventory.machines(self.project)).count() if wanted.tag else 0
        rows = selectors.assessed_machines(self.project, inventory.machines(self.project).filter(id__in=list(shown)), at=at)
        counts = Counter(verdicts.values())
        return super().get_context_data(
            wanted=wanted,
            shown=shown,
            pages=_page_links(shown),
            lines=[_line(row) for row in rows],
            total=len(verdicts),
            counts=[(verdict, VERDICT_TONES[verdict], counts[verdict]) for verdict in Verdict],
            power_choices=POWER_CHOICES,
            untold_tags=untold,
            sources=[source for source in inventory.sources(self.project) if source.latest],
            questions=len(selectors.questions_by_rule(self.project)) + inventory.identities_waiting(self.project),
            dispositions=DISPOSITIONS,
            applications=inventory.applications(self.project).order_by("name"),
            may_change=permitted(self.actor.require, self.project, Role.PLANNER),
            **kwargs,
        )


def _narrowed(rows: QuerySet[Machine], wanted: Filter) -> QuerySet[Machine]:
    if wanted.name:
        rows = rows.filter(name__icontains=wanted.name)
    if wanted.tag:
        rows = inventory.tagged(rows, wanted.tag)
    return rows if wanted.power is None else inventory.in_power_state(rows, wanted.power)


def _plain(text: str, longest: int) -> str:
    return text.replace("\x00", "").strip()[:longest]


def _page_links(shown: Page[UUID]) -> list[int | str]:
    return list(shown.paginator.get_elided_page_range(shown.number, on_each_side=2, on_ends=1))


def _line(row: AssessedMachine) -> MachineLine:
    vm = row.view.vm
    return MachineLine(
        id=row.view.id,
        name=row.view.name,
        verdict=row.verdict.value.replace("_", " "),
        tone=VERDICT_TONES[row.verdict],
        true=tuple(found for found in row.findings if found.result == Answer.TRUE),
        open=tuple(found for found in row.findings if found.result == Answer.UNKNOWN),
        facts=vm,
        power=_power(vm),
        disk_count=_count(vm.disks if vm else UNKNOWN),
        disk_bytes=_disk_bytes(vm),
        sized=vm is not None and not isinstance(vm.disks, Unknown),
        nic_count=_count(vm.nics if vm else UNKNOWN),
        sources=tuple(each.source_name for each in row.view.seen_by) or (row.view.source_name,),
        disposition=row.view.disposition,
        application=row.view.application_name,
        tags=() if vm is None or isinstance(vm.tags, Unknown) else vm.tags,
    )


def _power(vm: VmFacts | None) -> str | Unknown:
    if vm is None:
        return Unknown("the latest inventory of its source does not hold it")
    return vm.power_state if isinstance(vm.power_state, Unknown) else POWER_WORDS[vm.power_state]


def _count(devices: tuple[Any, ...] | Unknown) -> int | Unknown:
    return devices if isinstance(devices, Unknown) else len(devices)


def _disk_bytes(vm: VmFacts | None) -> int | Unknown:
    """All disks together; unknown as soon as one is."""
    if vm is None or isinstance(vm.disks, Unknown):
        return UNKNOWN
    known = [disk.capacity_bytes for disk in vm.disks if not isinstance(disk.capacity_bytes, Unknown)]
    return sum(known) if len(known) == len(vm.disks) else Unknown("the size of a disk is not known")
