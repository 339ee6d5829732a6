"""Problems: what services say when a request cannot be done, with a stable code, a status and a next step.

Pure values; how they are answered (RFC 9457 for the API, a page for a browser) is in api/answers.py and middleware.py.
Source: RFC 9457 for the members; every `code` is listed in docs/errors.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class Problem(Exception):
    """Root of everything a service refuses with. `detail` says what and where; `next_step` what to do."""

    status: int = 400
    code: str = "problem"
    title: str = "The request cannot be done"

    def __init__(
        self,
        detail: str = "",
        *,
        code: str = "",
        next_step: str = "",
        errors: list[dict[str, Any]] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail or self.title)
        self.code = code or type(self).code
        self.detail = detail or self.title
        self.next_step = next_step
        self.errors = errors or []
        self.extra = dict(extra or {})

    def document(self) -> dict[str, Any]:
        """The members of the problem document, empty ones left out. `extra` holds members of this one problem."""
        members: dict[str, Any] = {
            "type": f"urn:xenbound:problem:{self.code}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
        }
        if self.errors:
            members["errors"] = self.errors
        if self.next_step:
            members["next_step"] = self.next_step
        return {**self.extra, **members}


class Invalid(Problem):
    """A value in the request is wrong. `errors` lists `{field, code, detail}` for each."""

    status = 400
    code = "invalid"
    title = "The request has values that cannot be used"


class NotSignedIn(Problem):
    """No or no valid credentials."""

    status = 401
    code = "not_signed_in"
    title = "Sign in first"


class RoleTooLow(Problem):
    """The actor sees the project but holds too low a role; `needed` is part of the answer."""

    status = 403
    code = "role_too_low"
    title = "Your role is too low for this"

    def __init__(self, *, needed: str, held: str = "") -> None:
        now_held = f"; yours is {held}" if held else ""
        super().__init__(
            f"This needs the role {needed}{now_held}.",
            next_step=f"Ask an admin of the project to give you {needed}, or somebody who has it to do this.",
            extra={"role_needed": needed},
        )
        self.needed = needed


class NotVisible(Problem):
    """The thing does not exist, or belongs to a project the actor has no part in; the answer does not tell which."""

    status = 404
    code = "not_found"
    title = "There is no such thing here"

    def __init__(self, what: str = "", *, detail: str = "") -> None:
        super().__init__(
            detail or (f"There is no such {what} among the ones you may see." if what else ""),
            next_step="Check the id and the project; ask an admin of the project if you should see it.",
        )


class Conflict(Problem):
    """The thing is in a state that forbids this now; `code` says which."""

    status = 409
    code = "conflict"
    title = "The present state forbids this"


class PreconditionFailed(Problem):
    """`If-Match` named another version than the present one."""

    status = 412
    code = "version_changed"
    title = "Somebody changed it in between"


class TooManyRequests(Problem):
    """Throttled; `retry_after_s` says for how long."""

    status = 429
    code = "too_many_requests"
    title = "Too many requests"

    def __init__(self, detail: str = "", *, retry_after_s: float = 0, next_step: str = "") -> None:
        super().__init__(detail, next_step=next_step, extra={"retry_after_s": round(retry_after_s, 1)})
        self.retry_after_s = retry_after_s


class Internal(Problem):
    """A fault of ours: the log has it under `id`, the answer has nothing but that id."""

    status = 500
    code = "internal_error"
    title = "Something went wrong on our side"


class Refused(Problem):
    """A refusal whose status and title come from HTTP itself; see `problem_of_status`."""

    code = "refused"

    def __init__(self, status: int, title: str, detail: str, *, code: str, next_step: str) -> None:
        self.status, self.title = status, title
        super().__init__(detail, code=code, next_step=next_step)


HTTP_CODES: dict[int, tuple[str, str, str]] = {
    400: ("malformed", "The request cannot be read", "Check the body and its Content-Type against the schema at /api/docs/."),
    403: ("forbidden", "This is not allowed", ""),
    404: ("not_found", "There is no such thing here", "Check the path against the schema at /api/docs/."),
    405: ("method_not_allowed", "This cannot be done with this method", "Use one of the methods in the answer's Allow header."),
    406: ("not_acceptable", "There is no such form of this answer", "Ask for application/json."),
    413: ("too_large", "The request is too large", "Send it in smaller parts."),
    415: ("unsupported_media_type", "A body of this kind is not understood", "Send application/json."),
    503: ("busy", "The service is busy", "Try again in some seconds."),
}


def problem_of_status(status: int, detail: str) -> Problem:
    """A problem for a plain HTTP refusal, with the code and next step of the table above."""
    code, title, next_step = HTTP_CODES.get(status, (Refused.code, "The request was refused", ""))
    return Refused(status, title, detail, code=code, next_step=next_step)
