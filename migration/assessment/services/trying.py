"""What a rule would say of the newest inventories; nothing of it is kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from migration.assessment.core.own_rules import compiled, own_rule_from
from migration.assessment.services import gathering
from migration.assessment.services.assessing import ALWAYS
from migration.assessment.services.judging import judge
from migration.inventory import selectors as inventories
from project.backbone.models import Project

SUBJECTS_SHOWN = 200


def try_rule(project: Project, definition: Mapping[str, Any]) -> dict[str, Any]:
    """How many subjects it is true and unknown on, and the first of them by name. Raises: OwnRuleRefused."""
    rule = compiled(own_rule_from(definition), str(project.id))
    found: list[dict[str, str]] = []
    for inventory in inventories.latest_inventories(project):
        judged = judge(gathering.gather(inventory, modes=ALWAYS), [rule], {}, whole_source_apart=False)
        for about, findings in judged.found:
            found += [{"subject": about.subject, "name": about.name, "result": f.outcome.answer.value} for f in findings]
    found = list({each["subject"]: each for each in found}.values())
    found.sort(key=lambda each: (each["result"], each["name"]))
    counts = Counter(each["result"] for each in found)
    return {"true": counts["true"], "unknown": counts["unknown"], "subjects": found[:SUBJECTS_SHOWN]}
