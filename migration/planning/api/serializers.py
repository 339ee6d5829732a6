"""Mappings, plans and waves on the wire."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework import serializers

from migration.planning.core.gaps import Gap
from migration.planning.models import Mapping, Plan, PlanKind, PlannedMachine, Wave
from project.backbone.api.strict import StrictMixin

LONGEST_NAME = 500


def _names() -> serializers.DictField:
    return serializers.DictField(child=serializers.CharField(max_length=LONGEST_NAME), required=False)


class OverrideSerializer(serializers.Serializer[dict[str, Any]]):
    """What one machine gets instead of the table's answer."""

    networks = _names()
    sr = serializers.CharField(max_length=LONGEST_NAME, required=False, allow_blank=True)
    template = serializers.CharField(max_length=LONGEST_NAME, required=False, allow_blank=True)
    name = serializers.CharField(max_length=LONGEST_NAME, required=False, allow_blank=True)
    guest_id = serializers.RegexField(r"[A-Za-z0-9_]*", max_length=100, required=False, allow_blank=True)
    firmware = serializers.ChoiceField(["bios", "efi"], required=False, allow_blank=True)
    cores_per_socket = serializers.IntegerField(min_value=0, max_value=128, required=False)
    secure_boot = serializers.ChoiceField(
        ["on", "off"], required=False, allow_blank=True, help_text="Whether it boots securely, where the source does not tell."
    )
    vtpm = serializers.ChoiceField(
        ["on"], required=False, allow_blank=True, help_text="Gives it a new, empty TPM; machines with UEFI only."
    )
    vif_locking = serializers.ChoiceField(
        ["unlocked", "disabled"],
        required=False,
        allow_blank=True,
        help_text="How its interfaces are locked; empty leaves it to each network. Disabled ones carry nothing.",
    )
    ha_restart_priority = serializers.ChoiceField(
        ["restart", "best-effort", "none"],
        required=False,
        allow_blank=True,
        help_text="What HA does for it once it runs in the pool; empty is as the mapping says.",
    )


class OverridesField(serializers.DictField):
    """Machine id to override; a key that is no field of an override is refused rather than lost."""

    child = OverrideSerializer()

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        for machine, override in data.items() if isinstance(data, dict) else ():
            strangers = set(override) - set(OverrideSerializer().fields) if isinstance(override, dict) else set()
            if strangers:
                raise serializers.ValidationError({machine: f"no such override: {', '.join(sorted(map(str, strangers)))}"})
        return {machine: dict(override) for machine, override in super().to_internal_value(data).items()}


class MappingSerializer(StrictMixin, serializers.ModelSerializer[Mapping]):
    """Source name to target name. `templates` is keyed by guest id, family (`windows`, `linux`, `other`) or `*`."""

    name = serializers.CharField(max_length=200, required=False)
    pool = serializers.UUIDField(source="pool_id", required=False, allow_null=True)
    networks = _names()
    datastores = _names()
    templates = _names()
    overrides = OverridesField(required=False)
    ha_restart_priority = serializers.ChoiceField(
        ["restart", "best-effort"],
        required=False,
        allow_blank=True,
        help_text="What HA does for machines of this mapping once they run in the pool; empty is nothing.",
    )

    passed_over: ClassVar = frozenset({"why", "open"})  # of a suggestion, which may be sent as it came

    class Meta:
        model = Mapping
        fields: ClassVar = [
            "id", "name", "pool", "networks", "datastores", "templates", "overrides", "ha_restart_priority", "version",
            "created_at",
        ]  # fmt: skip
        read_only_fields: ClassVar = ["id", "version", "created_at"]


class GapSerializer(serializers.Serializer[Gap]):
    """One thing a mapping lacks, and the machines that wait for it."""

    code = serializers.CharField(source="reason.code.value")
    subject = serializers.CharField(source="reason.subject")
    detail = serializers.CharField(source="reason.detail")
    remedy = serializers.CharField(source="reason.remedy")
    unknown = serializers.BooleanField(source="reason.unknown")
    machines = serializers.ListField(child=serializers.CharField())


class GapsSerializer(serializers.Serializer[Any]):
    complete = serializers.BooleanField()
    gaps = GapSerializer(many=True)


class SuggestionSerializer(serializers.Serializer[Any]):
    """Proposed names, ready to be sent as a mapping; `why` by source name, `open` what nothing fits."""

    networks = _names()
    datastores = _names()
    templates = _names()
    why = _names()
    open = serializers.ListField(child=serializers.CharField())


class PlanReasonSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    subject = serializers.CharField()
    detail = serializers.CharField()
    remedy = serializers.CharField()
    rule_id = serializers.CharField(allow_blank=True)
    unknown = serializers.BooleanField()
    sentence = serializers.CharField()


class PlannedMachineSerializer(serializers.ModelSerializer[PlannedMachine]):
    """One machine of a wave, its place and why it is there."""

    vm = serializers.UUIDField(source="machine_id")
    placement = serializers.DictField()
    why = serializers.ListField(child=serializers.CharField())

    class Meta:
        model = PlannedMachine
        fields: ClassVar = ["vm", "name", "placement", "why"]


class LeftOutSerializer(serializers.ModelSerializer[PlannedMachine]):
    """One machine that stays behind, and what would bring it along."""

    vm = serializers.UUIDField(source="machine_id")
    reasons = PlanReasonSerializer(many=True)

    class Meta:
        model = PlannedMachine
        fields: ClassVar = ["vm", "name", "reasons"]


class WaveSerializer(serializers.ModelSerializer[Wave]):
    plan = serializers.UUIDField(source="plan_id")
    plan_state = serializers.CharField(source="plan.state")
    machines = PlannedMachineSerializer(many=True)
    free_after_bytes = serializers.DictField(child=serializers.IntegerField())

    class Meta:
        model = Wave
        fields: ClassVar = ["id", "plan", "plan_state", "number", "name", "machines", "free_after_bytes", "created_at"]


class PlanSerializer(serializers.ModelSerializer[Plan]):
    """A plan with its waves, the why of every place, and who stays behind."""

    pool = serializers.UUIDField(source="pool_id")
    mapping = serializers.UUIDField(source="mapping_id")
    waves = WaveSerializer(many=True)
    left_out = LeftOutSerializer(many=True)
    created_by = serializers.CharField(source="created_by_name")
    approved_by = serializers.CharField(source="approved_by_name")
    constraints = serializers.DictField()

    class Meta:
        model = Plan
        fields: ClassVar = [
            "id", "name", "kind", "state", "pool", "pool_facts_id", "mapping", "constraints", "waves", "left_out", "created_by",
            "created_at", "approved_by", "approved_at", "version",
        ]  # fmt: skip


class NewPlanSerializer(StrictMixin, serializers.Serializer[dict[str, Any]]):
    """What to plan. Without `machines`: all of the project whose disposition is migrate."""

    name = serializers.CharField(max_length=200, required=False)
    kind = serializers.ChoiceField(choices=[PlanKind.MIGRATION.value, PlanKind.POC.value], default=PlanKind.MIGRATION.value)
    pool = serializers.UUIDField()
    mapping = serializers.UUIDField()
    machines = serializers.ListField(child=serializers.UUIDField(), required=False, allow_null=True, max_length=20_000)
    constraints = serializers.DictField(required=False)

    def validate_constraints(self, value: dict[str, Any]) -> dict[str, Any]:
        """A wish that nobody would heed is refused rather than stored."""
        if value:
            raise serializers.ValidationError(f"No constraint is supported yet; leave out {', '.join(sorted(value))}.")
        return value


class MachineNameSerializer(serializers.Serializer[Any]):
    vm = serializers.CharField()
    name = serializers.CharField()


class PlanDifferenceSerializer(serializers.Serializer[Any]):
    """From the plan named in `other` to this one."""

    other = serializers.UUIDField()
    added = MachineNameSerializer(many=True)
    removed = MachineNameSerializer(many=True)
    moved = MachineNameSerializer(many=True)
