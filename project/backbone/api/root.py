"""`GET /api/v1/`: the top collections, to start browsing from."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView


class ApiRootView(APIView):
    """The collections by name: the top ones, and under `in_a_project` those that hang below a project."""

    collections: tuple[str, ...] = ()
    project_collections: tuple[str, ...] = ()

    @extend_schema(responses=OpenApiTypes.OBJECT, operation_id="root")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        base = request.build_absolute_uri(request.path)
        top = {name: f"{base}{name}" for name in self.collections}
        below = {name: f"{base}projects/{{project_id}}/{name}" for name in self.project_collections}
        return Response({**top, "in_a_project": below})
