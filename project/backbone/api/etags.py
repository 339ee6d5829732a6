"""Entity tags of rows that people edit: `ETag` from the row's `version`, `If-Match` honoured with 412."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from project.backbone.problems import PreconditionFailed

UNSAFE = ("PUT", "PATCH", "DELETE", "POST")


def etag_of(version: int) -> str:
    return f'"{version}"'


def require_match(request: Request, version: int) -> None:
    """Pass when the request names no version or the present one. Raises: PreconditionFailed (412)."""
    wanted = request.headers.get("If-Match", "").strip()
    if not wanted or wanted == "*":
        return
    named = {tag.strip().removeprefix("W/") for tag in wanted.split(",")}
    if etag_of(version) not in named:
        raise PreconditionFailed(
            f"You edited version {wanted}, the present one is {etag_of(version)}.",
            next_step="Read it again, then send only the members that you change, with the new ETag as If-Match.",
        )


class EtagMixin:
    """For viewsets of models with a `version` field, which their serializer shows. Put it before the viewset class."""

    def get_object(self) -> Any:
        row = super().get_object()  # type: ignore[misc]  # GenericAPIView's, mixed in beside
        request: Request = self.request  # type: ignore[attr-defined]
        if request.method in UNSAFE:
            require_match(request, row.version)
        return row

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        answer: Response = super().finalize_response(request, response, *args, **kwargs)  # type: ignore[misc]
        document = getattr(answer, "data", None)
        if isinstance(document, dict) and isinstance(document.get("version"), int):
            answer["ETag"] = etag_of(document["version"])
        return answer
