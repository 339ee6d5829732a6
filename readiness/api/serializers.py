"""Shapes on the wire for readiness. Passwords are write-only; facts and results are plain JSON of the core's values."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from project.backbone.api.strict import StrictMixin
from readiness.core.evidence import EvidenceKind
from readiness.core.results import Result
from readiness.core.verdict import VerdictState
from readiness.models import Evidence, Intent, Pool


class CertificateSerializer(serializers.Serializer[Any]):
    """A certificate the last probe saw."""

    subject = serializers.CharField()
    sha256 = serializers.CharField()
    sha1 = serializers.CharField(required=False)
    address = serializers.CharField()
    not_after = serializers.CharField(required=False)


class PoolSerializer(serializers.ModelSerializer[Pool]):
    """A pool as it is shown."""

    url = serializers.CharField(source="endpoint.url", read_only=True)
    username = serializers.CharField(source="endpoint.username", read_only=True)
    certificates = CertificateSerializer(source="endpoint.offered_pins", many=True, read_only=True)
    tls_thumbprints = serializers.ListField(child=serializers.CharField(), source="endpoint.pins", read_only=True)
    confirmed_at = serializers.DateTimeField(source="endpoint.pins_confirmed_at", read_only=True, allow_null=True)

    class Meta:
        model = Pool
        fields: ClassVar = [
            "id", "name", "url", "username", "ha_intent", "pool_uuid", "certificates", "tls_thumbprints", "confirmed_at",
            "created_at",
        ]  # fmt: skip


class NewPoolSerializer(StrictMixin, serializers.Serializer[Any]):
    """What adds a pool."""

    url = serializers.CharField(max_length=500)
    username = serializers.CharField(max_length=200)
    password = serializers.CharField(write_only=True, max_length=500, trim_whitespace=False)
    name = serializers.CharField(max_length=200, required=False, default="", allow_blank=True)
    ha_intent = serializers.ChoiceField(choices=Intent.choices, default=Intent.REQUIRED)


class PoolChangeSerializer(StrictMixin, serializers.Serializer[Any]):
    """What may be changed of a pool."""

    url = serializers.CharField(max_length=500, required=False)
    username = serializers.CharField(max_length=200, required=False)
    password = serializers.CharField(write_only=True, max_length=500, required=False, trim_whitespace=False)
    name = serializers.CharField(max_length=200, required=False)
    ha_intent = serializers.ChoiceField(choices=Intent.choices, required=False)


class ConfirmSerializer(StrictMixin, serializers.Serializer[Any]):
    """The certificates a person vouches for."""

    tls_thumbprints = serializers.ListField(child=serializers.CharField(max_length=200), allow_empty=False, max_length=200)


class PoolFactsSerializer(serializers.Serializer[Any]):
    """One reading of a pool."""

    id = serializers.UUIDField()
    collected_at = serializers.DateTimeField()
    digest = serializers.CharField()
    facts = serializers.JSONField()


class DriftLineSerializer(serializers.Serializer[Any]):
    subject = serializers.CharField()
    expected = serializers.CharField()
    found = serializers.CharField()
    detail = serializers.CharField()


class DriftSerializer(serializers.Serializer[Any]):
    """What is no longer as it was tested; `drifted` is null when there is nothing to compare with."""

    timeout_s = serializers.IntegerField(allow_null=True)
    timeout_source = serializers.CharField()
    tuned_timeout_s = serializers.IntegerField(allow_null=True)
    default_timeout_s = serializers.CharField(allow_null=True)
    drifted = serializers.BooleanField(allow_null=True)
    lines = DriftLineSerializer(many=True)


class EvidencePointSerializer(serializers.Serializer[Any]):
    path = serializers.CharField()
    value = serializers.JSONField(allow_null=True)
    at = serializers.DateTimeField(allow_null=True)


class CheckResultSerializer(serializers.Serializer[Any]):
    """One check's answer and whether it closes the gate."""

    id = serializers.CharField()
    title = serializers.CharField()
    family = serializers.CharField()
    severity = serializers.CharField()
    waiver_class = serializers.CharField()
    result = serializers.ChoiceField(choices=[result.value for result in Result])
    blocks = serializers.BooleanField()
    waived_by = serializers.CharField(allow_blank=True)
    blocked_by = serializers.CharField(allow_blank=True)
    detail = serializers.CharField()
    why = serializers.CharField()
    evidence = EvidencePointSerializer(many=True)
    remediation = serializers.ListField(child=serializers.CharField())


class SimulatedFaultSerializer(serializers.Serializer[Any]):
    """What one fault would do, or a pair of faults (`kind` pair) that does more harm than its two parts."""

    kind = serializers.CharField()
    subject = serializers.CharField()
    result = serializers.CharField()
    hosts_fenced = serializers.ListField(child=serializers.CharField())
    hosts_off = serializers.ListField(child=serializers.CharField(), help_text="Hosts that lose their power with it.")
    survivors = serializers.ListField(child=serializers.CharField())
    vms_lost = serializers.ListField(child=serializers.CharField())
    vms_restarted = serializers.ListField(child=serializers.CharField())
    vms_stranded = serializers.ListField(
        child=serializers.CharField(), help_text="Protected VMs that find no host, or no host that may run them."
    )
    alike = serializers.IntegerField(help_text="For how many faults that are alike this one stands, itself among them.")
    rule = serializers.CharField(allow_blank=True)
    detail = serializers.CharField(allow_blank=True)


class ReadinessReasonSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    subject = serializers.CharField()
    detail = serializers.CharField()
    remedy = serializers.ListField(child=serializers.CharField())
    evidence = serializers.ListField(child=serializers.CharField())


class EvaluationSerializer(serializers.Serializer[Any]):
    """The verdict on a pool."""

    id = serializers.UUIDField()
    verdict = serializers.ChoiceField(choices=[state.value for state in VerdictState])
    evaluated_at = serializers.DateTimeField()
    facts_id = serializers.UUIDField(allow_null=True)
    facts_at = serializers.DateTimeField(allow_null=True)
    policy_profile = serializers.CharField()
    gate_profile = serializers.CharField()
    for_cutover = serializers.BooleanField()
    reasons = ReadinessReasonSerializer(many=True)
    refused_waivers = serializers.ListField(child=serializers.CharField())
    checks = CheckResultSerializer(many=True)
    simulated_faults = SimulatedFaultSerializer(many=True)


class EvaluateSerializer(StrictMixin, serializers.Serializer[Any]):
    """How to evaluate: `collect` reads the pool first."""

    collect = serializers.BooleanField(default=True)


class AttachmentSerializer(StrictMixin, serializers.Serializer[Any]):
    """The file that shows it, by name and hash; the file itself stays where it is."""

    name = serializers.CharField(max_length=255)
    sha256 = serializers.RegexField(r"^[0-9a-fA-F]{64}$")


class EvidenceSerializer(serializers.ModelSerializer[Evidence]):
    """An attestation as it is shown."""

    recorded_by = serializers.CharField(source="recorded_by.username", read_only=True, allow_null=True, default=None)
    withdrawn = serializers.SerializerMethodField()
    file_stored = serializers.SerializerMethodField()

    class Meta:
        model = Evidence
        fields: ClassVar = [
            "id", "kind", "subject", "value", "tested_at", "timeout_s", "storage_node", "who", "attachment", "file_stored",
            "expires_at", "note", "recorded_by", "withdraws", "withdrawn", "created_at",
        ]  # fmt: skip

    @extend_schema_field(serializers.BooleanField())
    def get_withdrawn(self, row: Evidence) -> bool:
        return row.withdrawn_by_row is not None if hasattr(row, "withdrawn_by_row") else False

    @extend_schema_field(serializers.BooleanField(help_text="Whether the attachment was handed in and can be downloaded."))
    def get_file_stored(self, row: Evidence) -> bool:
        return hasattr(row, "file")


class NewEvidenceSerializer(StrictMixin, serializers.Serializer[Any]):
    """What records an attestation. Which members `value` needs depends on `kind`; the answer names each one missing."""

    kind = serializers.ChoiceField(choices=[kind.value for kind in EvidenceKind])
    subject = serializers.CharField(max_length=200, required=False, default="", allow_blank=True)
    value = serializers.DictField(required=False, default=dict)
    tested_at = serializers.DateTimeField()
    timeout_s = serializers.IntegerField(min_value=1, max_value=86_400, required=False, allow_null=True, default=None)
    storage_node = serializers.CharField(max_length=200, required=False, default="", allow_blank=True)
    who = serializers.CharField(max_length=200)
    attachment = AttachmentSerializer(required=False, allow_null=True, default=None)
    expires_at = serializers.DateTimeField(required=False, allow_null=True, default=None)
    note = serializers.CharField(max_length=2000, required=False, default="", allow_blank=True)


class WithdrawSerializer(StrictMixin, serializers.Serializer[Any]):
    """Why an attestation is taken back."""

    reason = serializers.CharField(max_length=2000)


class CheckSpecSerializer(serializers.Serializer[Any]):
    """A check as the catalogue lists it."""

    id = serializers.CharField()
    family = serializers.CharField()
    title = serializers.CharField()
    severity = serializers.CharField()
    waiver = serializers.CharField()
    why = serializers.CharField()
    remedy = serializers.ListField(child=serializers.CharField())
    prerequisites = serializers.ListField(child=serializers.CharField())
