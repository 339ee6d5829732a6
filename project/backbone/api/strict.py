"""Serializers that take nothing in silence: a member nobody would heed is refused, so that it does not look granted."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ClassVar

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

OF_FORMS = frozenset({"csrfmiddlewaretoken"})


# Put before the serializer class of a request. No docstring: the schema would tell it of every serializer that has none.
class StrictMixin:
    passed_over: ClassVar[frozenset[str]] = frozenset()
    """Members that belong to another document which is meant to be sent here as it came."""

    def to_internal_value(self, data: Any) -> Any:
        """Raises ValidationError naming every member that is not known here; what is read-only is known."""
        known = OF_FORMS.union(self.passed_over, self.fields)  # type: ignore[attr-defined]  # the serializer's, mixed in beside
        strangers = sorted(set(map(str, data)) - known) if isinstance(data, dict) else []
        if strangers:
            raise serializers.ValidationError({name: ["There is no such member here."] for name in strangers})
        return super().to_internal_value(data)  # type: ignore[misc]


class _NothingSerializer(StrictMixin, serializers.Serializer[Any]):
    pass


def takes_no_body(method: Callable[..., Response]) -> Callable[..., Response]:
    """Decorates a view's method that heeds nothing of a body: an empty one and `{}` pass, any member is refused by name.

    The method raises ValidationError then; ParseError for what is no JSON.
    """

    @wraps(method)
    def checked(view: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
        _NothingSerializer(data=request.data).is_valid(raise_exception=True)
        return method(view, request, *args, **kwargs)

    checked.takes_no_body = True  # type: ignore[attr-defined]  # read by the test that walks every endpoint
    return checked
