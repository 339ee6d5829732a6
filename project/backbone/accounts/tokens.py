"""Signing in and API tokens: passwords checked with a brake, tokens issued once in plain and stored as a hash."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta

from django.contrib.auth import authenticate
from django.core.cache import cache
from django.db import transaction
from knox.settings import knox_settings

from project.backbone.accounts.models import ApiToken, Project, User
from project.backbone.accounts.policy import Actor, Role
from project.backbone.accounts.selectors import actor_for
from project.backbone.audit.services import record
from project.backbone.clock import now
from project.backbone.problems import Invalid, NotSignedIn, RoleTooLow, TooManyRequests

FAILURES_PER_NAME = 10
FAILURES_PER_ADDRESS = 50
BRAKE_S = 300
LONGEST = timedelta(days=366)
OUT_OF_RANGE = {"field": "lifetime_s", "code": "out_of_range", "detail": "From 1 second to 366 days."}


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A fresh token. `plain` is shown this once; the row has only its hash."""

    plain: str
    row: ApiToken


def check_password(*, username: str, password: str, address: str) -> User:
    """The person who signs in, for API and page alike. Ten failures per name (fifty per address) in five minutes close the door.

    Raises: NotSignedIn, TooManyRequests (429).
    """
    counters = {f"signin name {username.lower()[:150]}": FAILURES_PER_NAME, f"signin from {address}": FAILURES_PER_ADDRESS}
    keys = {_cache_key(name): most for name, most in counters.items()}
    if any(cache.get(key, 0) >= most for key, most in keys.items()):
        raise TooManyRequests("Too many failed sign-ins.", retry_after_s=BRAKE_S, next_step="Wait five minutes, then try again.")
    user = authenticate(username=username, password=password)
    if not isinstance(user, User):
        for key in keys:
            cache.add(key, 0, BRAKE_S)
            cache.incr(key)
        raise NotSignedIn("User name or password is wrong.", code="wrong_credentials", next_step="Check both; case matters.")
    return user


def issue_token(
    user: User,
    *,
    name: str = "",
    project: Project | None = None,
    role: Role | None = None,
    lifetime: timedelta | None = None,
    actor: Actor | None = None,
) -> IssuedToken:
    """A token for `user`, narrowed to a project and a role when given; 12 hours unless told, a year at most.

    Raises: RoleTooLow when a narrowed token tries to make another, Invalid for a lifetime outside of its limits, NotVisible.
    """
    asking = actor or actor_for(user)
    if asking.limit.project_id is not None or asking.limit.role is not None:
        raise RoleTooLow(needed="a token that is not narrowed")
    if project is not None:
        asking.require(project, Role.VIEWER)
    lifetime = lifetime or knox_settings.TOKEN_TTL
    if not timedelta(0) < lifetime <= LONGEST:
        raise Invalid(
            "A token lives for a year at most.",
            errors=[OUT_OF_RANGE],
        )
    with transaction.atomic():
        row, plain = ApiToken.objects.create(user, expiry=lifetime, name=name, project=project, role=role or "")
        limits = {"name": name, "project": str(project.id) if project else None, "role": role, "expires_at": row.expiry}
        record(asking, "token.issued", f"token {row.public_id}", project=None, after=limits)
    return IssuedToken(plain, row)


def revoke_token(row: ApiToken, *, actor: Actor) -> None:
    """End a token now. People revoke their own; superusers anybody's. Raises: RoleTooLow."""
    if row.user_id != actor.user_id:
        actor.require_superuser()
    with transaction.atomic():
        record(actor, "token.revoked", f"token {row.public_id}", project=None, before={"name": row.name})
        row.delete()


def remove_expired_tokens() -> int:
    """Delete tokens that no longer count; the number of them. Called by the ticker."""
    removed, _ = ApiToken.objects.filter(expiry__lte=now()).delete()
    return int(removed)


def _cache_key(name: str) -> str:
    """Names may hold anything; memcached-style keys may not."""
    return f"xenbound:{hashlib.sha256(name.encode()).hexdigest()}"
