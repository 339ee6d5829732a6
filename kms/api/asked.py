"""What a request about KMS asks for in its query: moments, days, a wave. Bad values are refused by the name of the parameter."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.utils.dateparse import parse_datetime
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from kms.api.plan_serializers import MOST_DAYS
from project.backbone.clock import now
from project.backbone.problems import Invalid

DAYS = OpenApiParameter("days", OpenApiTypes.INT, description=f"0 to {MOST_DAYS}, 45 unless told")
WAVE = OpenApiParameter("wave", OpenApiTypes.UUID, description="id of a wave; every client of the hosts unless told")
MOVES_AT = OpenApiParameter("moves_at", OpenApiTypes.DATETIME, description="when it moves, ISO 8601 with a zone; now unless told")
AT = OpenApiParameter("at", OpenApiTypes.DATETIME, description="ISO 8601 with a zone; now unless told")

COLLECTED_AT = OpenApiParameter(
    "collected_at",
    OpenApiTypes.DATETIME,
    description="when the file was written, ISO 8601 in that computer's own zone; needed for all but the script's JSON",
)
COMPUTER = OpenApiParameter("computer", OpenApiTypes.STR, description="name of the guest, for a text of slmgr, which names none")
UNTIL = OpenApiParameter("until", OpenApiTypes.DATETIME, description="a day to last until, e.g. the end of a proof of concept")
LONGEST_NAME = 255


def collected_at_of(request: Request) -> datetime | None:
    """`?collected_at=` in the zone it was told in: times of the same file without one are in it too. Raises: Invalid."""
    return _told(request, "collected_at")


def until_of(request: Request) -> datetime | None:
    """`?until=`. Raises: Invalid."""
    return _moment(request, "until")


def computer_of(request: Request) -> str:
    """`?computer=`. Raises: Invalid."""
    name = request.query_params.get("computer", "").strip()
    if len(name) > LONGEST_NAME or not name.isprintable():
        raise _wrong("computer", f"computer must be a name of at most {LONGEST_NAME} characters.")
    return name


def at_of(request: Request) -> datetime:
    """`?at=` as aware UTC, now unless told. Raises: Invalid."""
    return _moment(request, "at") or now()


def moves_at_of(request: Request) -> datetime | None:
    """`?moves_at=`. Raises: Invalid."""
    moves_at = _moment(request, "moves_at")
    if moves_at is not None and moves_at > now() + timedelta(days=MOST_DAYS):
        raise _wrong("moves_at", f"No count can be projected further than {MOST_DAYS} days ahead.")
    return moves_at


def _moment(request: Request, name: str) -> datetime | None:
    at = _told(request, name)
    return None if at is None else at.astimezone(UTC)


def _told(request: Request, name: str) -> datetime | None:
    text = request.query_params.get(name, "")
    if not text:
        return None
    try:
        at = parse_datetime(text.replace(" ", "+"))  # an unescaped plus sign of the zone arrives as a blank
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise _wrong(name, f"{name} must be an ISO 8601 time with a zone, e.g. 2026-03-12T10:00:00Z.")
    try:
        at.astimezone(UTC)
    except OverflowError:
        raise _wrong(name, f"{name} lies outside the calendar.") from None
    return at


def days_of(request: Request) -> int:
    """`?days=`. Raises: Invalid."""
    text = request.query_params.get("days", "45")
    if not text.isascii() or not text.isdigit() or len(text) > 4 or int(text) > MOST_DAYS:
        raise _wrong("days", f"days must be a whole number from 0 to {MOST_DAYS}.")
    return int(text)


def _wrong(field: str, detail: str) -> Invalid:
    return Invalid(detail, errors=[{"field": field, "code": "not_usable", "detail": detail}])
