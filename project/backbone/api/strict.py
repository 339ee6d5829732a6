"""Serializers that take nothing in silence: a member nobody would heed is refused, so that it does not look granted."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers


class StrictMixin:
    """For serializers of requests; put it before the serializer class. What is read-only counts as known."""

    def to_internal_value(self, data: Any) -> Any:
        """Raises ValidationError naming every member that is not known here."""
        known = self.fields  # type: ignore[attr-defined]  # the serializer's, mixed in beside
        strangers = sorted(set(map(str, data)) - set(known)) if isinstance(data, dict) else []
        if strangers:
            raise serializers.ValidationError({name: ["There is no such member here."] for name in strangers})
        return super().to_internal_value(data)  # type: ignore[misc]
