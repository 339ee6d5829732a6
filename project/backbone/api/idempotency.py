"""`Idempotency-Key`: the key of a request together with a digest of what it asked, so that a reused key is noticed."""

from __future__ import annotations

import hashlib

from rest_framework.request import Request

from project.backbone.jobs.services import IdempotencyKey
from project.backbone.problems import Invalid

LONGEST = 200


def idempotency_key_of(request: Request) -> IdempotencyKey | None:
    """The request's key with the digest of its method, path and body, or None without the header.

    Hand it to `enqueue`; a view that writes rows before it enqueues asks `jobs.services.job_of_key` first.

    Raises: Invalid when the key is longer than 200 characters or not printable ASCII.
    """
    key = request.headers.get("Idempotency-Key", "")
    if not key:
        return None
    if len(key) > LONGEST or not key.isascii() or not key.isprintable():
        raise Invalid(f"Idempotency-Key must be printable ASCII of at most {LONGEST} characters.")
    asked = hashlib.sha256(f"{request.method} {request.path}\n".encode())
    asked.update(repr(_stable(request.data)).encode())
    return IdempotencyKey(key, digest=asked.hexdigest())


def _stable(value: object) -> object:
    """The body with dictionaries in the order of their keys; an uploaded file counts by name and size."""
    if isinstance(value, dict):
        return [(str(key), _stable(value[key])) for key in sorted(value, key=str)]
    if isinstance(value, list | tuple):
        return [_stable(part) for part in value]
    name = getattr(value, "name", None)
    return (name, getattr(value, "size", None)) if name is not None else value
