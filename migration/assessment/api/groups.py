"""Groups over HTTP: machines that belong together, as the newest assessments saw them."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from migration.assessment import selectors
from migration.assessment.core.groups import TieKind
from migration.assessment.models import MachineGroup
from migration.assessment.selectors import GroupView
from project.backbone.api.scoping import ProjectViewSet


class GroupMemberSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField(help_text="Id of the machine.")
    name = serializers.CharField()


class TieSerializer(serializers.Serializer[Any]):
    """One thing that several machines have in common."""

    kind = serializers.ChoiceField(choices=[kind.value for kind in TieKind], help_text="What ties them.")
    what = serializers.CharField(help_text="The disk's file or id, the rule's, group's or vApp's name, the MAC address.")
    machines = serializers.ListField(child=serializers.UUIDField(), help_text="Ids of the machines it ties.")


class GroupSerializer(serializers.Serializer[GroupView]):
    """Machines of one source that belong together: moved alone, each breaks something."""

    id = serializers.UUIDField()
    source_name = serializers.CharField()
    kinds = serializers.ListField(child=serializers.CharField(), help_text="The kinds of ties among them.")
    machines = GroupMemberSerializer(many=True, help_text="Who belongs to it.")
    ties = TieSerializer(many=True, help_text="Every tie among them.")


class GroupsSerializer(serializers.Serializer[Any]):
    """All groups on one page, the largest first."""

    results = GroupSerializer(many=True)
    count = serializers.IntegerField()
    untied = serializers.IntegerField(help_text="Machines that may be tied to others without anybody knowing: facts are unread.")


class GroupViewSet(ProjectViewSet):
    """Machines that belong together."""

    queryset = MachineGroup.objects.all()
    project_lookup = "assessment__project"
    serializer_class = GroupSerializer
    filter_backends = ()

    @extend_schema(responses=GroupsSerializer)
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The groups as the newest assessments saw them."""
        found = selectors.groups(self.project)
        told: Any = {"results": found, "count": len(found), "untied": selectors.untied(self.project)}
        return Response(GroupsSerializer(told).data)
