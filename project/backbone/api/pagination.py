"""Lists: keyset pages behind an opaque cursor, `{results, next, previous, count}`. A page costs two queries at any depth.

The order is whatever the view orders by, made total with the id; NULLs come last in either direction on both databases.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import date, time
from functools import reduce
from operator import or_
from typing import Any, Self

from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db.models import F, Model, Q, QuerySet
from django.db.models.expressions import OrderBy
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from project.backbone.problems import Invalid

DEFAULT_LIMIT = 50
LARGEST_LIMIT = 1000
LIMIT_SCHEMA = {"type": "integer", "minimum": 1, "maximum": LARGEST_LIMIT, "default": DEFAULT_LIMIT}


@dataclass(frozen=True, slots=True)
class Key:
    """One column of the order: an ORM path, its direction, and its model field (None for an annotation)."""

    path: str
    descending: bool
    field: Any

    @staticmethod
    def of(ordering: str, model: type[Model]) -> Key:
        path, field = ordering.lstrip("-"), None
        current: Any = model
        parts = path.split("__")
        try:
            for part in parts:
                field = current._meta.pk if part == "pk" else current._meta.get_field(part)
                current = field.related_model
        except (FieldDoesNotExist, AttributeError):
            field = None
        if field is not None and field.is_relation:
            # Django would order a relation by the related table's own default order; the key orders by the id itself.
            parts[-1] = field.attname
        return Key("__".join(parts), ordering.startswith("-"), field)

    def expression(self, *, backward: bool) -> OrderBy:
        last = not backward
        column = F(self.path)
        if self.descending != backward:
            return column.desc(nulls_last=True) if last else column.desc(nulls_first=True)
        return column.asc(nulls_last=True) if last else column.asc(nulls_first=True)

    def value_of(self, row: Any) -> Any:
        return reduce(lambda value, name: getattr(value, name, None), self.path.split("__"), row)

    def beyond(self, value: Any, *, backward: bool) -> Q | None:
        """Rows strictly after `value` in this direction; None when there can be none."""
        if value is None:
            return Q(**{f"{self.path}__isnull": False}) if backward else None
        comparison = Q(**{f"{self.path}__{'lt' if self.descending != backward else 'gt'}": value})
        nullable = self.field is None or self.field.null
        return comparison | Q(**{f"{self.path}__isnull": True}) if nullable and not backward else comparison

    def same(self, value: Any) -> Q:
        return Q(**{f"{self.path}__isnull": True}) if value is None else Q(**{self.path: value})

    def restored(self, value: Any) -> Any:
        return value if value is None or self.field is None else self.field.to_python(value)


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place between two rows: the key values of the row next to it, and the direction to read in."""

    backward: bool
    values: tuple[Any, ...]

    def encoded(self) -> str:
        text = json.dumps([self.backward, *self.values], default=_exact)
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    @classmethod
    def decoded(cls, text: str, keys: list[Key]) -> Self:
        """Raises: Invalid when the text was not made here, or for another order."""
        try:
            padded = text + "=" * (-len(text) % 4)
            backward, *values = json.loads(base64.urlsafe_b64decode(padded.encode()))
            if len(values) != len(keys) or not isinstance(backward, bool):
                raise ValueError("made for another order")
            return cls(backward, tuple(key.restored(value) for key, value in zip(keys, values, strict=True)))
        except (ValueError, TypeError, binascii.Error, ValidationError, RecursionError):
            raise Invalid(
                "The cursor does not fit this list.",
                errors=[{"field": "cursor", "code": "bad_cursor", "detail": "It was not given by this list in this order."}],
                next_step="Start again without cursor and follow the links next and previous.",
            ) from None


class KeysetPagination(BasePagination):
    """`?limit=` (1 to 1000, 50 unless told) and `?cursor=` (from `next` or `previous`)."""

    display_page_controls = False
    next: str | None
    previous: str | None

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        """The page's rows. A plain list (a catalogue kept in code) is one page."""
        self.request = request
        if not isinstance(queryset, QuerySet):
            self.next = self.previous = None
            self.count = len(queryset)
            return list(queryset)
        keys = self._keys(queryset)
        limit = _limit(request.query_params.get("limit", ""))
        given = request.query_params.get("cursor", "")
        cursor = Cursor.decoded(given, keys) if given else None
        backward = cursor is not None and cursor.backward
        rows = list(_window(queryset, keys, cursor, backward)[: limit + 1])
        more, rows = len(rows) > limit, rows[:limit]
        if backward:
            rows.reverse()
        self.count = queryset.count()
        self._link(keys, rows, has_next=more or backward, has_previous=(more if backward else cursor is not None))
        return rows

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"results": data, "next": self.next, "previous": self.previous, "count": self.count})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        link = {"type": "string", "format": "uri", "nullable": True}
        members = {"results": schema, "next": link, "previous": link, "count": {"type": "integer"}}
        return {"type": "object", "required": ["results", "next", "previous", "count"], "properties": members}

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        return [
            {"name": "limit", "in": "query", "required": False, "schema": LIMIT_SCHEMA},
            {"name": "cursor", "in": "query", "required": False, "schema": {"type": "string"}},
        ]

    def _keys(self, queryset: QuerySet[Any]) -> list[Key]:
        ordering = queryset.query.order_by or queryset.model._meta.ordering or ["-created_at"]
        names = [str(name) for name in ordering]
        if not {"id", "-id", "pk", "-pk"} & set(names):
            names.append(queryset.model._meta.pk.name)
        return [Key.of(name, queryset.model) for name in names]

    def _link(self, keys: list[Key], rows: list[Any], *, has_next: bool, has_previous: bool) -> None:
        self.next = self._url(keys, rows[-1], backward=False) if rows and has_next else None
        self.previous = self._url(keys, rows[0], backward=True) if rows and has_previous else None

    def _url(self, keys: list[Key], row: Any, *, backward: bool) -> str:
        cursor = Cursor(backward, tuple(key.value_of(row) for key in keys))
        return replace_query_param(self.request.build_absolute_uri(), "cursor", cursor.encoded())


def _exact(value: Any) -> str:
    """Times to the microsecond (Django's own encoder cuts them to milliseconds, and rows would come twice)."""
    return value.isoformat() if isinstance(value, date | time) else str(value)


def _window(queryset: QuerySet[Any], keys: list[Key], cursor: Cursor | None, backward: bool) -> QuerySet[Any]:
    ordered = queryset.order_by(*(key.expression(backward=backward) for key in keys))
    if cursor is None:
        return ordered
    alternatives = []
    equal = Q()
    for key, value in zip(keys, cursor.values, strict=True):
        beyond = key.beyond(value, backward=backward)
        if beyond is not None:
            alternatives.append(equal & beyond)
        equal &= key.same(value)
    return ordered.filter(reduce(or_, alternatives)) if alternatives else ordered.none()


def _limit(text: str) -> int:
    if not text:
        return DEFAULT_LIMIT
    if not text.isascii() or not text.isdigit() or len(text) > 9 or int(text) == 0:
        raise Invalid(
            f"limit must be a whole number from 1 to {LARGEST_LIMIT}.",
            errors=[{"field": "limit", "code": "not_a_limit", "detail": f"{text[:20]!r} is not one."}],
        )
    return min(int(text), LARGEST_LIMIT)
