"""Machines on the wire: merged facts in short or in full, who told them, findings, verdict, and what people decide."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from estate.facts.codec import to_json
from estate.facts.unknown import Unknown
from migration.assessment.core.verdicts import Verdict
from migration.assessment.selectors import AssessedMachine, RouteView
from migration.inventory.selectors import SeenBy
from project.backbone.api.strict import StrictMixin

DISPOSITIONS = ("migrate", "rebuild", "retire", "retain", "exclude")
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


class MachineChangeSerializer(StrictMixin, serializers.Serializer[dict[str, Any]]):
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


class PartSerializer(StrictMixin, serializers.Serializer[dict[str, Any]]):
    source = serializers.UUIDField(help_text="Id of the source whose VM it is not.")  # type: ignore[assignment]  # a field of ours


class ManyMachinesChangeSerializer(MachineChangeSerializer):
    """The same for many machines at once, all or none."""

    machines = serializers.ListField(child=serializers.UUIDField(), allow_empty=False, max_length=20_000)


class ManyMachinesChangedSerializer(serializers.Serializer[Any]):
    machines = serializers.IntegerField(help_text="How many were named.")
    changed = serializers.IntegerField(help_text="How many of them were different before.")
