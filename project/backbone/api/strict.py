"""Serializers that take nothing in silence: a member nobody would heed is refused, so that it does not look granted."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework import serializers

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
