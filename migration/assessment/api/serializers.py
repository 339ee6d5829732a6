"""Rules, findings, assessments and attestations on the wire."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from migration.assessment.core.registry import Rule
from migration.assessment.models import Assessment, Finding
from project.backbone.api.strict import StrictMixin
from project.backbone.waivers.selectors import WaiverInForce


class RuleSerializer(serializers.Serializer[Any]):
    """One rule of the catalogue. `sources`: V vSphere, R RVTools, O OVF, G guest, P pool; any of them suffices."""

    id = serializers.CharField()
    severity = serializers.ChoiceField(choices=["critical", "warning", "info"])
    sources = serializers.ListField(child=serializers.CharField())
    subject = serializers.CharField(help_text="What the rule is asked of.")
    when = serializers.CharField(help_text="`always`, or only for warm transfers (`warm`) or machines under HA (`ha`).")
    project = serializers.CharField(allow_blank=True, help_text="Empty for a rule of the catalogue; else whose own rule it is.")
    title = serializers.CharField()
    why = serializers.CharField()
    remediation = serializers.CharField()


class WaiverInForceSerializer(serializers.Serializer[WaiverInForce]):
    """The accepted risk that covers a finding."""

    id = serializers.UUIDField()
    reason = serializers.CharField()
    expires_at = serializers.DateTimeField()
    requested_by = serializers.CharField()
    approved_by = serializers.CharField()


class FindingEvidenceSerializer(serializers.Serializer[Any]):
    path = serializers.CharField()
    raw = serializers.JSONField()
    at = serializers.DateTimeField()
    told_by = serializers.CharField(default="", help_text="Another source that told it; empty for the assessed one.")


class FindingSerializer(serializers.ModelSerializer[Finding]):
    """A rule's true or unknown answer on one subject, spelled as waivers and attestations spell it.

    `subject` is a machine's id, or `host:`, `cluster:`, `source:`, `pool:` or `inventory:` and the ids that lead there. A
    question open for a whole source stands once, on its inventory, and counts for as many as `params.machines`,
    `params.hosts` or `params.clusters` say.
    """

    title = serializers.SerializerMethodField()
    remediation = serializers.SerializerMethodField()
    evidence = FindingEvidenceSerializer(many=True)
    params = serializers.DictField()
    inventory = serializers.UUIDField(source="assessment.inventory_id")
    waiver = serializers.SerializerMethodField()

    class Meta:
        model = Finding
        fields: ClassVar = [
            "id", "rule_id", "severity", "result", "subject_kind", "subject", "subject_name", "cluster", "title", "remediation",
            "params", "evidence", "inventory", "waiver", "created_at",
        ]  # fmt: skip
        read_only_fields: ClassVar = fields

    def get_title(self, finding: Finding) -> str:
        rule = self._rules.get(finding.rule_id)
        return rule.title if rule else finding.rule_id

    def get_remediation(self, finding: Finding) -> str:
        rule = self._rules.get(finding.rule_id)
        return rule.remediation if rule else ""

    @extend_schema_field(WaiverInForceSerializer(allow_null=True))
    def get_waiver(self, finding: Finding) -> dict[str, Any] | None:
        waivers: Mapping[tuple[str, str], WaiverInForce] = self.context["waivers"]
        waiver = waivers.get((finding.rule_id, finding.subject))
        return WaiverInForceSerializer(waiver).data if waiver else None

    @property
    def _rules(self) -> Mapping[str, Rule]:
        rules: Mapping[str, Rule] = self.context["rules"]
        return rules


class AttestationSerializer(StrictMixin, serializers.Serializer[Any]):
    """What a person answered to one rule where no source does. It replaces an unknown answer only.

    Name the `machines` (or other subjects), or narrow by `source`, `cluster` or `all` open ones.
    """

    id = serializers.UUIDField(read_only=True)
    rule_id = serializers.CharField(max_length=32)
    machines = serializers.ListField(
        child=serializers.CharField(max_length=200), source="subjects", required=False, allow_empty=False, max_length=20_000,
        help_text="Subjects of findings: machine ids, or hosts and others as findings spell them.",
    )  # fmt: skip
    source = serializers.UUIDField(  # type: ignore[assignment]  # a field of ours, not of Field
        required=False, write_only=True, help_text="Machines of this source on which it is open."
    )
    cluster = serializers.CharField(required=False, write_only=True, help_text="Subjects of this cluster on which it is open.")
    all = serializers.BooleanField(required=False, write_only=True, help_text="All subjects on which the rule is open.")
    answer = serializers.BooleanField(help_text="True: the concern is there. False: a person looked, and it is not.")
    who = serializers.CharField(max_length=200)
    note = serializers.CharField(max_length=2000, required=False, allow_blank=True, default="")
    expires_at = serializers.DateTimeField(required=False, allow_null=True, default=None)
    recorded_by_name = serializers.CharField(read_only=True)
    withdrawn_at = serializers.DateTimeField(read_only=True, allow_null=True)
    contradicted = serializers.ListField(
        child=serializers.CharField(), read_only=True, help_text="Subjects of which a known fact says otherwise; the fact wins."
    )
    created_at = serializers.DateTimeField(read_only=True)


class AssessmentSerializer(serializers.ModelSerializer[Assessment]):
    class Meta:
        model = Assessment
        fields: ClassVar = [
            "id", "inventory_id", "limits_version", "guests_version", "target_product", "policy_profile", "warm", "ha",
            "machine_count", "finding_count", "pool_ids", "assessed_at", "attested_until",
        ]  # fmt: skip
        read_only_fields: ClassVar = fields


class AskAssessmentSerializer(StrictMixin, serializers.Serializer[dict[str, Any]]):
    """Warm transfer and high availability ask further rules; left out, the modes of the last assessment are kept."""

    inventory = serializers.UUIDField()
    warm = serializers.BooleanField(required=False)
    ha = serializers.BooleanField(required=False)
