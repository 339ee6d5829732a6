"""How KMS looks on the wire. Unknown figures are null, with the reason beside."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from estate.facts.unknown import UNKNOWN, Unknown
from kms.api.plan_serializers import CMID_POLICIES, MOST_DAYS, MOST_MACHINES
from kms.core.alarm import Level
from kms.core.duplicates import DuplicateCmid, DuplicateKind
from kms.core.machines import MachineAlias
from kms.core.observed import HostCount, Quality
from kms.core.plan import CmidPolicy
from kms.core.policy import Threshold
from kms.core.verdict import PlannedMachine
from kms.models import FORMATS, KmsHost, KmsReadingRow
from kms.selectors import HostForecast
from project.backbone.api.strict import StrictMixin
from project.backbone.clock import now

LEVELS = [level.value for level in Level]
QUALITIES = [quality.value for quality in Quality]


class KmsHostSerializer(StrictMixin, serializers.ModelSerializer[KmsHost]):
    endpoint = serializers.UUIDField(source="endpoint_id", allow_null=True, required=False)

    class Meta:
        model = KmsHost
        fields: ClassVar = ["id", "name", "computer_name", "legacy", "endpoint", "created_at"]
        read_only_fields: ClassVar = ["id", "computer_name", "created_at"]


class KmsReadingSerializer(serializers.ModelSerializer[KmsReadingRow]):
    sha256 = serializers.CharField(source="upload.sha256")
    size_bytes = serializers.IntegerField(source="upload.size_bytes")
    uploaded_by = serializers.CharField(source="upload.uploaded_by_name")
    uploaded_at = serializers.DateTimeField(source="upload.created_at")
    format = serializers.ChoiceField(
        source="upload.format", choices=FORMATS, help_text="What the file was, found by its content."
    )

    upload = serializers.UUIDField(source="upload_id", help_text="Id of the file; `kms/uploads/{id}/withdraw` takes it back.")
    withdrawn = serializers.SerializerMethodField(help_text="By whom and why it was taken back; empty while it counts.")

    def get_withdrawn(self, row: KmsReadingRow) -> str:
        word = getattr(row.upload, "withdrawal", None)
        return "" if word is None else f"withdrawn by {word.withdrawn_by_name}: {word.reason}"

    class Meta:
        model = KmsReadingRow
        fields: ClassVar = [
            "id", "upload", "withdrawn", "collected_at", "current_count", "contacts", "log_covers_from", "quality",
            "parser_version", "sha256", "size_bytes", "uploaded_by", "uploaded_at", "format",
        ]  # fmt: skip


class KmsCountSerializer(serializers.Serializer[HostCount]):
    """`count` is the figure to use, null while unknown; with `at_cap` it means "at least"."""

    at = serializers.DateTimeField()
    count = serializers.SerializerMethodField()
    count_unknown_because = serializers.SerializerMethodField()
    at_cap = serializers.BooleanField()
    cap = serializers.IntegerField()
    quality = serializers.ChoiceField(choices=QUALITIES)
    observed = serializers.SerializerMethodField()
    modelled = serializers.IntegerField()
    unseen = serializers.IntegerField()
    surplus = serializers.IntegerField()
    server_ok = serializers.SerializerMethodField()
    client_ok = serializers.SerializerMethodField()
    collected_at = serializers.DateTimeField(allow_null=True)
    covered_from = serializers.DateTimeField(allow_null=True)
    notes = serializers.ListField(child=serializers.CharField())

    def get_count(self, count: HostCount) -> int | None:
        return known(count.count)

    def get_count_unknown_because(self, count: HostCount) -> str | None:
        return count.count.reason if isinstance(count.count, Unknown) else None

    def get_observed(self, count: HostCount) -> int | None:
        return known(count.observed)

    def get_server_ok(self, count: HostCount) -> bool | None:
        return reaches(count, Threshold.SERVER)

    def get_client_ok(self, count: HostCount) -> bool | None:
        return reaches(count, Threshold.CLIENT)


def known(figure: int | Unknown | None) -> int | None:
    """The figure, or null."""
    return None if isinstance(figure, Unknown) else figure


def reaches(count: HostCount, threshold: Threshold) -> bool | None:
    """Whether the count reaches a threshold; null while it is unknown."""
    figure = known(count.count)
    return None if figure is None else figure >= threshold


class KmsForecastDaySerializer(serializers.Serializer[Any]):
    """The lowest count of 24 hours from `at` on, between two bounds."""

    at = serializers.DateTimeField()
    lower = serializers.IntegerField(help_text="The count at worst.")
    upper = serializers.IntegerField(help_text="The count at best.")


class KmsAlarmedDaySerializer(KmsForecastDaySerializer):
    """A day of a forecast with the alarm of its lower bound against 5 and 25, which does not flap around them."""

    server = serializers.ChoiceField(choices=LEVELS, help_text="The alarm for Windows Server, which needs a count of 5.")
    client = serializers.ChoiceField(choices=LEVELS, help_text="The alarm for Windows clients, which need a count of 25.")


class KmsMilestoneSerializer(serializers.Serializer[Any]):
    """One thing that happens on the way; `required_count` says for which N an alarm changes, null for the count itself."""

    at = serializers.DateTimeField()
    day = serializers.IntegerField(help_text="Days from the start of the forecast.")
    kind = serializers.ChoiceField(choices=["falls", "rises", "low", "tight", "ok"], help_text="What happens.")
    required_count = serializers.IntegerField(allow_null=True, help_text="The N of an alarm; null for the count itself.")
    detail = serializers.CharField()


class KmsForecastSerializer(serializers.Serializer[Any]):
    start = KmsCountSerializer()
    days = serializers.SerializerMethodField()
    events = KmsMilestoneSerializer(many=True, help_text="What happens on the way, in order of time.")

    @extend_schema_field(KmsAlarmedDaySerializer(many=True))
    def get_days(self, forecast: HostForecast) -> Any:
        rows = zip(forecast.days, forecast.server, forecast.client, strict=True)
        days = [{"at": d.at, "lower": d.lower, "upper": d.upper, "server": s, "client": c} for d, s, c in rows]
        return KmsAlarmedDaySerializer(days, many=True).data


class KmsClientSerializer(serializers.Serializer[Any]):
    """One client by its last request; `counted` is false for one the host refused or pushed out of its cache."""

    cmid = serializers.CharField(source="last_contact.cmid")
    machine_name = serializers.CharField(source="last_contact.machine_name")
    required_count = serializers.IntegerField(source="last_contact.required_count")
    last_seen = serializers.DateTimeField(source="last_contact.seen_at")
    is_vm = serializers.BooleanField(source="last_contact.is_vm")
    license_state = serializers.IntegerField(source="last_contact.license_state")
    result_code = serializers.CharField(source="last_contact.result_code")
    counted = serializers.BooleanField()
    expires_at = serializers.DateTimeField()


class DuplicateCmidSerializer(serializers.Serializer[Any]):
    cmid = serializers.CharField()
    machines = serializers.ListField(child=serializers.CharField())
    kind = serializers.ChoiceField(choices=[kind.value for kind in DuplicateKind])
    rearms_left = serializers.SerializerMethodField(
        help_text="How often each machine that was read can still be rearmed, by name."
    )
    remedy = serializers.CharField()

    @extend_schema_field(serializers.DictField(child=serializers.IntegerField()))
    def get_rearms_left(self, duplicate: DuplicateCmid) -> dict[str, int]:
        return dict(duplicate.rearms_left)


class KmsReasonSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    subject = serializers.CharField()
    detail = serializers.CharField()
    remedy = serializers.CharField()


class KmsHostVerdictSerializer(serializers.Serializer[Any]):
    host_id = serializers.UUIDField()
    host_name = serializers.CharField()
    state = serializers.ChoiceField(choices=LEVELS)
    server = serializers.ChoiceField(choices=LEVELS)
    client = serializers.ChoiceField(choices=LEVELS)
    count = KmsCountSerializer()
    is_fresh = serializers.BooleanField()
    lowest = KmsForecastDaySerializer(allow_null=True)
    needs = serializers.ListField(child=serializers.IntegerField())
    reading_id = serializers.CharField(source="evidence_id")
    host_moves = serializers.BooleanField(help_text="Whether the KMS host itself is one of the machines that move.")
    serves_clients_only = serializers.BooleanField(help_text="Whether it runs a client Windows and activates no server.")


class KmsVerdictSerializer(serializers.Serializer[Any]):
    """`state` is the worst of the hosts concerned over the move day to +45 days; `low` and `unknown` close a gate."""

    at = serializers.DateTimeField()
    moves_at = serializers.DateTimeField()
    state = serializers.ChoiceField(choices=LEVELS)
    closes_gate = serializers.BooleanField()
    detail = serializers.CharField()
    remedy = serializers.CharField()
    quality = serializers.ChoiceField(choices=QUALITIES, allow_null=True)
    count = serializers.IntegerField(allow_null=True)
    server_ok = serializers.BooleanField(allow_null=True)
    client_ok = serializers.BooleanField(allow_null=True)
    server = serializers.ChoiceField(choices=LEVELS)
    client = serializers.ChoiceField(choices=LEVELS)
    lowest = KmsForecastDaySerializer(allow_null=True)
    hosts = KmsHostVerdictSerializer(many=True)
    duplicates = DuplicateCmidSerializer(many=True)
    machines_not_seen = serializers.ListField(child=serializers.CharField())
    reasons = KmsReasonSerializer(many=True)


class KmsMachineSerializer(StrictMixin, serializers.Serializer[Any]):
    """A Windows machine of the wave, by what is known of it. `is_server` null: nobody knows."""

    id = serializers.CharField(max_length=100)
    names = serializers.ListField(child=serializers.CharField(max_length=255), max_length=20, default=list)
    smbios_uuids = serializers.ListField(child=serializers.CharField(max_length=64), max_length=20, default=list)
    cmids = serializers.ListField(child=serializers.UUIDField(), max_length=20, default=list)
    is_server = serializers.BooleanField(allow_null=True, default=None)
    cmid_policy = serializers.ChoiceField(choices=CMID_POLICIES, default=CmidPolicy.UNKNOWN.value)

    @staticmethod
    def planned(fields: dict[str, Any]) -> PlannedMachine:
        """The machine as core takes it."""
        alias = MachineAlias(
            machine_id=fields["id"],
            names=tuple(fields["names"]),
            smbios_uuids=tuple(fields["smbios_uuids"]),
            cmids=tuple(str(cmid) for cmid in fields["cmids"]),
            is_server=UNKNOWN if fields["is_server"] is None else fields["is_server"],
        )
        return PlannedMachine(alias, CmidPolicy(fields["cmid_policy"]))


class KmsVerdictQuestionSerializer(StrictMixin, serializers.Serializer[Any]):
    moves_at = serializers.DateTimeField(required=False)
    machines = KmsMachineSerializer(many=True, default=list)

    def validate_moves_at(self, moves_at: datetime) -> datetime:
        if moves_at > now() + timedelta(days=MOST_DAYS):
            raise serializers.ValidationError(f"No count can be projected further than {MOST_DAYS} days ahead.")
        return moves_at

    def validate_machines(self, machines: list[Any]) -> list[Any]:
        if len(machines) > MOST_MACHINES:
            raise serializers.ValidationError(f"A wave of {len(machines)} machines is too large; {MOST_MACHINES} at most.")
        return machines
