"""Rules, findings, assessments and machines on the wire."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from estate.facts.codec import to_json
from estate.facts.unknown import Unknown
from migration.assessment.core.registry import Rule
from migration.assessment.core.verdicts import Verdict
from migration.assessment.models import Assessment, Finding
from migration.assessment.selectors import AssessedMachine, RouteView
from migration.inventory.selectors import SeenBy
from project.backbone.waivers.selectors import WaiverInForce

DISPOSITIONS = ("migrate", "rebuild", "retire", "retain", "exclude")


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
    question open for a whole source stands once, on its inventory, and counts for the machines of `params.machines`.
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


class AttestationSerializer(serializers.Serializer[Any]):
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


class AskAssessmentSerializer(serializers.Serializer[dict[str, Any]]):
    """Warm transfer and high availability ask further rules; left out, the modes of the last assessment are kept."""

    inventory = serializers.UUIDField()
    warm = serializers.BooleanField(required=False)
    ha = serializers.BooleanField(required=False)


FINDING_MEMBERS = ("rule_id", "severity", "result", "title", "remedy", "waived", "inherited")


class MachineFindingSerializer(serializers.Serializer[Any]):
    rule_id = serializers.CharField()
    severity = serializers.CharField()
    result = serializers.CharField()
    title = serializers.CharField()
    remedy = serializers.CharField()
    waived = serializers.BooleanField()
    inherited = serializers.BooleanField(help_text="A question open for the machine's whole source, told once on its inventory.")


class SeenBySerializer(serializers.Serializer[SeenBy]):
    """One source that tells of a machine, by its newest inventory."""

    source = serializers.UUIDField(source="source_id", help_text="Id of the source.")  # type: ignore[assignment]  # a field of ours
    source_name = serializers.CharField()
    kind = serializers.CharField(help_text="`vcenter`, `esxi`, `ova` or `rvtools`.")
    native_id = serializers.CharField()
    inventory = serializers.UUIDField(source="inventory_id", help_text="Id of the inventory that tells it.")
    at = serializers.DateTimeField(help_text="When it was true, as far as the source says.")


class MachineSerializer(serializers.Serializer[AssessedMachine]):
    """A machine by its stable identity, with its latest facts in short, its findings and its verdict."""

    id = serializers.UUIDField(source="view.id")
    name = serializers.CharField(source="view.name")
    source = serializers.UUIDField(source="view.source_id")  # type: ignore[assignment]  # a field of ours, not of Field
    source_name = serializers.CharField(source="view.source_name")
    native_id = serializers.CharField(source="view.native_id")
    disposition = serializers.ChoiceField(source="view.disposition", choices=DISPOSITIONS)
    application = serializers.UUIDField(
        source="view.application_id", allow_null=True, help_text="Id of the application it serves; null where nobody said."
    )
    application_name = serializers.CharField(source="view.application_name", help_text="Empty where nobody said.")
    note = serializers.CharField(source="view.note", help_text="What people wrote about the machine.")
    version = serializers.IntegerField(source="view.version", help_text="Counts what people decided on it; facts do not count.")
    verdict = serializers.ChoiceField(choices=[verdict.value for verdict in Verdict])
    present = serializers.SerializerMethodField(help_text="Whether the newest inventory of its source holds it.")
    inventory = serializers.UUIDField(source="view.inventory_id", allow_null=True)
    collected_at = serializers.DateTimeField(source="view.collected_at", allow_null=True)
    seen_by = SeenBySerializer(source="view.seen_by", many=True, help_text="Who tells of it; who acts on it comes first.")
    summary = serializers.SerializerMethodField()
    findings = MachineFindingSerializer(many=True)

    def to_representation(self, machine: AssessedMachine) -> dict[str, Any]:
        """The declared fields as plain values, past a field object for each: a page of machines has thousands of them."""
        view = machine.view
        return {
            "id": view.id,
            "name": view.name,
            "source": view.source_id,
            "source_name": view.source_name,
            "native_id": view.native_id,
            "disposition": view.disposition,
            "application": view.application_id,
            "application_name": view.application_name,
            "note": view.note,
            "version": view.version,
            "verdict": machine.verdict.value,
            "present": view.vm is not None,
            "inventory": view.inventory_id,
            "collected_at": view.collected_at,
            "seen_by": [_seen_by(each) for each in view.seen_by],
            "summary": _summary(machine),
            "findings": [{name: getattr(each, name) for name in FINDING_MEMBERS} for each in machine.findings],
        }

    @extend_schema_field(serializers.BooleanField())
    def get_present(self, machine: AssessedMachine) -> bool:
        return machine.view.vm is not None

    @extend_schema_field(serializers.DictField())
    def get_summary(self, machine: AssessedMachine) -> dict[str, Any]:
        return _summary(machine)


def _seen_by(each: SeenBy) -> dict[str, Any]:
    told = {"source": each.source_id, "source_name": each.source_name, "kind": each.kind, "native_id": each.native_id}
    return told | {"inventory": each.inventory_id, "at": each.at}


def _summary(machine: AssessedMachine) -> dict[str, Any]:
    vm = machine.view.vm
    if vm is None:
        return {}
    plain = ("power_state", "guest_id", "guest_full_name", "firmware", "vcpus", "memory_bytes")
    disks, nics = vm.disks, vm.nics
    return {
        **{name: to_json(getattr(vm, name)) for name in plain},
        "disks": to_json(disks) if isinstance(disks, Unknown) else len(disks),
        "nics": to_json(nics) if isinstance(nics, Unknown) else len(nics),
        "disk_bytes": _disk_bytes(machine),
    }


def _disk_bytes(machine: AssessedMachine) -> Any:
    """Sum of the disks' capacities; unknown when one of them is."""
    vm = machine.view.vm
    if vm is None or isinstance(vm.disks, Unknown):
        return to_json(Unknown("the disks were not read"))
    sizes = [disk.capacity_bytes for disk in vm.disks]
    unread = [size for size in sizes if isinstance(size, Unknown)]
    return to_json(unread[0]) if unread else sum(size for size in sizes if not isinstance(size, Unknown))


class RouteSerializer(serializers.Serializer[RouteView]):
    """`conversion`, `gold_image` for what is made anew from an image, or `unknown` while a sign could not be looked for."""

    runbook = serializers.CharField(help_text="`conversion`, `gold_image` or `unknown`.")
    reasons = serializers.SerializerMethodField(help_text="Signs that say so, or that could not be looked for: tool, path, why.")

    @extend_schema_field(serializers.ListField(child=serializers.DictField()))
    def get_reasons(self, route: RouteView) -> list[dict[str, str]]:
        return [{"tool": tool, "path": path, "why": why} for tool, path, why in route.reasons]


class MachineDetailSerializer(MachineSerializer):
    """The same with all facts: of each the freshest known one. `provenance` is empty where one source alone tells."""

    facts = serializers.SerializerMethodField()
    route = serializers.SerializerMethodField(help_text="The way it goes, and what says so.")
    group = serializers.SerializerMethodField(help_text="Id of the group it belongs to; null for none.")
    provenance = serializers.SerializerMethodField(help_text="Field path to the source that told it and when it was true.")

    def to_representation(self, machine: AssessedMachine) -> dict[str, Any]:
        more = {name: getattr(self, f"get_{name}")(machine) for name in ("facts", "route", "group", "provenance")}
        return super().to_representation(machine) | more

    @extend_schema_field(serializers.DictField(allow_null=True))
    def get_facts(self, machine: AssessedMachine) -> Any:
        return None if machine.view.vm is None else to_json(machine.view.vm)

    @extend_schema_field(RouteSerializer)
    def get_route(self, machine: AssessedMachine) -> Any:
        return RouteSerializer(self.context["route"]).data

    @extend_schema_field(serializers.UUIDField(allow_null=True))
    def get_group(self, machine: AssessedMachine) -> Any:
        return self.context["group"]

    @extend_schema_field(serializers.DictField(child=serializers.DictField()))
    def get_provenance(self, machine: AssessedMachine) -> dict[str, Any]:
        told = machine.view.provenance.items()
        return {path: {"source": str(source_id), "at": at.isoformat()} for path, (source_id, at) in told}


class MachineChangeSerializer(serializers.Serializer[dict[str, Any]]):
    """What people decide on a machine. What is left out stays."""

    disposition = serializers.ChoiceField(choices=DISPOSITIONS, required=False)
    application = serializers.UUIDField(
        source="application_id", required=False, allow_null=True, help_text="Null: it serves none."
    )
    note = serializers.CharField(max_length=2000, required=False, allow_blank=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs.keys() & {"disposition", "application_id", "note"}:
            raise serializers.ValidationError("Name a disposition, an application or a note.", code="required")
        return attrs


class PartSerializer(serializers.Serializer[dict[str, Any]]):
    source = serializers.UUIDField(help_text="Id of the source whose VM it is not.")  # type: ignore[assignment]  # a field of ours


class ManyMachinesChangeSerializer(MachineChangeSerializer):
    """The same for many machines at once, all or none."""

    machines = serializers.ListField(child=serializers.UUIDField(), allow_empty=False, max_length=20_000)


class ManyMachinesChangedSerializer(serializers.Serializer[Any]):
    machines = serializers.IntegerField(help_text="How many were named.")
    changed = serializers.IntegerField(help_text="How many of them were different before.")
