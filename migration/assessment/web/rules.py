"""The rules of a project: the catalogue to read and search, and its own to add, switch off and on."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from migration.assessment import selectors
from migration.assessment.core.own_comparisons import Comparison
from migration.assessment.core.registry import Rule
from migration.assessment.core.results import Severity
from migration.assessment.models import OwnRule
from migration.assessment.services import own_rules
from project.backbone.accounts.policy import Role
from project.backbone.problems import Invalid, NotVisible
from project.web.pages import ProjectForm, ProjectPage, permitted

MEMBERS = ("id", "field", "comparison", "value", "severity", "title", "why", "remediation")


@dataclass(frozen=True, slots=True)
class Family:
    """Rules whose ids begin alike."""

    name: str
    rules: tuple[Rule, ...]


class RulesPage(ProjectPage):
    """Every rule with its reasons; `q` narrows by any of its words, `severity` by weight."""

    page = "inventory"
    extra_context = {"estate_page": "rules"}
    template_name = "assessment/rules.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        words = self.request.GET.get("q", "").replace("\x00", "").strip()[:100]
        severity = self.request.GET.get("severity", "")
        shown = [rule for rule in selectors.rules().values() if _fits(rule, words, severity)]
        return super().get_context_data(
            words=words,
            severity=severity,
            severities=[each.value for each in Severity],
            comparisons=[each.value for each in Comparison],
            families=_families(shown),
            number=len(shown),
            own=[(row, row.definition) for row in selectors.own_rules(self.project)],
            may_change=permitted(self.actor.require, self.project, Role.PLANNER),
            **kwargs,
        )


def _fits(rule: Rule, words: str, severity: str) -> bool:
    told = f"{rule.id} {rule.title} {rule.why} {rule.remediation}".casefold()
    return all(word in told for word in words.casefold().split()) and severity in ("", rule.severity.value)


def _families(rules: list[Rule]) -> list[Family]:
    ordered = sorted(rules, key=lambda rule: rule.id)
    return [Family(name, tuple(each)) for name, each in groupby(ordered, lambda rule: rule.id.partition("-")[0])]


class AddRuleForm(ProjectForm):
    """A new rule of the project's own."""

    back = "project-rules"

    def act(self, **kwargs: Any) -> str:
        given = {name: self.request.POST.get(name, "").strip() for name in MEMBERS}
        definition: dict[str, Any] = {name: value for name, value in given.items() if value}
        if "value" in definition:
            definition["value"] = _value(definition["value"])
        try:
            row = own_rules.create(self.project, definition, actor=self.actor)
        except Invalid as refused:
            told = "; ".join(f"{each['field']}: {each['detail']}" for each in refused.errors or ())
            raise Invalid(f"{refused.detail} {told}", next_step=refused.next_step or "") from refused
        return f"{row.rule_id} is asked from now on; the assessment runs again."


def _value(said: str) -> Any:
    """A number, true, false or a list as JSON spells it; any other word is itself."""
    try:
        return json.loads(said)
    except (ValueError, RecursionError):
        return said


class SwitchRuleForm(ProjectForm):
    """Off, or on again."""

    back = "project-rules"

    def act(self, **kwargs: Any) -> str:
        row: OwnRule | None = selectors.own_rules(self.project).filter(rule_id=kwargs["rule_id"]).first()
        if row is None:
            raise NotVisible("rule")
        row = own_rules.change(row, active=self.request.POST.get("active") == "true", actor=self.actor)
        return f"{row.rule_id} is {'asked again' if row.active else 'not asked any more'}; the assessment runs again."
