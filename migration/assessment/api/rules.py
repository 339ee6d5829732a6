"""A project's rules over HTTP: the catalogue beside the project's own, which can be tried, added, changed, switched off."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from migration.assessment import selectors
from migration.assessment.api.serializers import RuleSerializer
from migration.assessment.core.own_comparisons import Comparison, Quantifier, fitting
from migration.assessment.core.own_fields import Askable, askable_fields
from migration.assessment.core.own_rules import FACTS
from migration.assessment.core.registry import Subject
from migration.assessment.core.results import Severity
from migration.assessment.models import OwnRule, OwnRuleVersion
from migration.assessment.services import own_rules
from project.backbone.api.accepted import accepted
from project.backbone.api.etags import EtagMixin
from project.backbone.api.idempotency import idempotency_key_of
from project.backbone.api.scoping import ProjectViewSet
from project.backbone.api.strict import StrictMixin
from project.backbone.jobs.serializers import JobSerializer
from project.backbone.problems import NotVisible


class DefinitionSerializer(serializers.Serializer[dict[str, Any]]):
    """What a rule asks and says. `field` and `comparison` as GET rules/fields lists them."""

    id = serializers.CharField(max_length=32, help_text="OWN- and capitals or digits, as in OWN-BACKUP.")
    subject = serializers.ChoiceField(choices=[kind.value for kind in FACTS], required=False, help_text="`machine` unless told.")
    field = serializers.CharField(max_length=120, help_text="Path of the field it asks, as in disks[].capacity_bytes.")
    comparison = serializers.ChoiceField(choices=[each.value for each in Comparison], help_text="How the field is compared.")
    value = serializers.JSONField(required=False, allow_null=True, help_text="What is compared with; a list for in and not_in.")
    quantifier = serializers.ChoiceField(
        choices=[each.value for each in Quantifier],
        required=False,
        help_text="Of several values `any` (unless told) or `all`.",
    )
    severity = serializers.ChoiceField(choices=[each.value for each in Severity], help_text="How bad it is where it is true.")
    title = serializers.CharField(max_length=200)
    why = serializers.CharField(max_length=1000)
    remediation = serializers.CharField(max_length=1000)


class OwnRuleSerializer(serializers.ModelSerializer[OwnRule]):
    """A rule of the project's own."""

    id = serializers.CharField(source="rule_id")
    definition = DefinitionSerializer()

    class Meta:
        model = OwnRule
        fields: ClassVar = ["id", "definition", "active", "version", "changed_at", "changed_by_name", "created_at"]


class ProjectRuleSerializer(RuleSerializer):
    """A rule that is asked in this project. `own`: the project added it; then GET rules/{id} has its definition."""

    own = serializers.SerializerMethodField(help_text="Whether the project added it.")

    def get_own(self, rule: Any) -> bool:
        return bool(rule.project)


class OwnRuleChangeSerializer(StrictMixin, serializers.Serializer[dict[str, Any]]):
    """What is left out stays. `active` false: it is not asked any more."""

    definition = serializers.DictField(required=False, help_text="Members of the definition that change.")
    active = serializers.BooleanField(required=False, help_text="Whether it is asked.")


class OwnRuleVersionSerializer(serializers.ModelSerializer[OwnRuleVersion]):
    """One version as it was; findings cite its number."""

    class Meta:
        model = OwnRuleVersion
        fields: ClassVar = ["version", "definition", "active", "changed_by_name", "created_at"]


class FieldSerializer(serializers.Serializer[Askable]):
    """One field that a rule can ask, and how."""

    path = serializers.CharField()
    kind = serializers.CharField(help_text="`text`, `number`, `truth` or `time`.")
    unit = serializers.CharField(help_text="Empty where there is none.")
    is_list = serializers.BooleanField(help_text="A whole list; write path[] to ask each element.")
    keyed = serializers.BooleanField(help_text="Write the name of an attribute behind the dot.")
    choices = serializers.ListField(child=serializers.CharField(), help_text="All values there are; empty where any may come.")
    comparisons = serializers.SerializerMethodField(help_text="Those that fit the field.")

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_comparisons(self, field: Askable) -> list[str]:
        return [each.value for each in fitting(field.kind, is_list=field.is_list)]


class ProjectRuleViewSet(EtagMixin, ProjectViewSet):
    """The rules asked in this project: the catalogue's, and its own."""

    queryset = OwnRule.objects.all()
    serializer_class = OwnRuleSerializer
    lookup_field = "rule_id"
    lookup_value_converter = "str"
    filter_backends = ()

    def get_queryset(self) -> QuerySet[OwnRule]:
        return super().get_queryset() if self.for_schema else selectors.own_rules(self.project)

    @extend_schema(operation_id="project_rules_list", responses=ProjectRuleSerializer(many=True))
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Every rule that is asked; own ones that are switched off are not."""
        rows = sorted(selectors.rules_of(self.project).values(), key=lambda rule: (not rule.project, rule.id))
        shown = ProjectRuleSerializer(rows, many=True).data
        return Response({"results": shown, "next": None, "previous": None, "count": len(shown)})

    @extend_schema(responses=OwnRuleSerializer)
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """One of the project's own rules, with its definition."""
        return Response(OwnRuleSerializer(self.get_object()).data)

    @extend_schema(request=DefinitionSerializer, responses={201: OwnRuleSerializer})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Add a rule; the newest inventories are assessed again."""
        row = own_rules.create(self.project, _definition(request), actor=self.actor)
        return Response(OwnRuleSerializer(row).data, status=201)

    @extend_schema(request=OwnRuleChangeSerializer, responses=OwnRuleSerializer)
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Change its definition, or switch it off and on."""
        asked = OwnRuleChangeSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        return Response(OwnRuleSerializer(own_rules.change(self.get_object(), actor=self.actor, **asked.validated_data)).data)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Switch it off. Its versions stay, since findings cite them."""
        own_rules.change(self.get_object(), active=False, actor=self.actor)
        return Response(status=204)

    @extend_schema(responses=OwnRuleVersionSerializer(many=True))
    @action(detail=True, methods=["get"])
    def versions(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Every version it had, the newest first."""
        return Response(OwnRuleVersionSerializer(self.get_object().versions.all(), many=True).data)

    @extend_schema(request=DefinitionSerializer, responses={202: JobSerializer})
    @action(detail=False, methods=["post"], url_path="try")
    def try_out(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """On what it would be true or unknown now; the job's result says. Nothing is kept."""
        key = idempotency_key_of(request)
        return accepted(own_rules.ask_trial(self.project, _definition(request), actor=self.actor, idempotency_key=key), request)

    @extend_schema(
        parameters=[OpenApiParameter("subject", OpenApiTypes.STR, enum=[kind.value for kind in FACTS])],
        responses=FieldSerializer(many=True),
    )
    @action(detail=False, methods=["get"])
    def fields(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Every field a rule can ask of this kind of subject."""
        wanted = request.query_params.get("subject", Subject.MACHINE.value)
        if wanted not in [kind.value for kind in FACTS]:
            raise NotVisible("kind of subject")
        found: Any = list(askable_fields(FACTS[Subject(wanted)]))
        return Response(FieldSerializer(found, many=True).data)


def _definition(request: Request) -> dict[str, Any]:
    """The members as sent: the core says of each what is wrong with it. Raises: Invalid (no object)."""
    asked = serializers.DictField().run_validation(request.data)
    return dict(asked)
