"""Logins: who is in, since when, and what dies with a session.

Views, page tokens and collectors belong to a session. Passwords are compared here and kept nowhere else.
"""

from __future__ import annotations

import datetime
import hmac
import secrets
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

COOKIE = "vmware_soap_session"
Now = Callable[[], datetime.datetime]


@dataclass(slots=True)
class Session:
    """One login. `tokens` are pages still to be fetched, `views` and `collectors` ids of objects it made."""

    cookie: str
    key: str
    user: str
    login_at: datetime.datetime
    active_at: datetime.datetime
    tokens: dict[str, list[Any]] = field(default_factory=dict)
    views: set[str] = field(default_factory=set)
    collectors: dict[str, Any] = field(default_factory=dict)


class SessionBook:
    """All sessions; one that was idle for `idle_timeout_s` real seconds is gone.

    `on_end` is called with every session that ends, however it ends, outside any lock of the book.
    """

    def __init__(
        self, user: str, password: str, now: Now, on_end: Callable[[Session], None], idle_timeout_s: float = 1800
    ) -> None:
        self.user, self._password, self._now, self._on_end = user, password, now, on_end
        self.idle_timeout_s = idle_timeout_s
        self._sessions: dict[str, Session] = {}
        self._lock = threading.Lock()

    def login(self, user: str, password: str) -> Session | None:
        """A new session, or None when user or password is wrong."""
        same_user = hmac.compare_digest(user.encode(), self.user.encode())
        if not hmac.compare_digest(password.encode(), self._password.encode()) or not same_user:
            return None
        moment = self._now()
        session = Session(secrets.token_hex(20), str(uuid.uuid4()), user, moment, moment)
        with self._lock:
            self._sessions[session.cookie] = session
        return session

    def find(self, cookie: str) -> Session | None:
        """The live session of a cookie; finding it counts as activity."""
        with self._lock:
            session = self._sessions.get(cookie)
            if session is None:
                return None
            if (self._now() - session.active_at).total_seconds() <= self.idle_timeout_s:
                session.active_at = self._now()
                return session
        self.end(session)
        return None

    def is_active(self, key: str) -> bool:
        """A session with this key is logged in."""
        with self._lock:
            return any(session.key == key for session in self._sessions.values())

    def end(self, session: Session) -> None:
        """Log out or throw out."""
        with self._lock:
            ended = self._sessions.pop(session.cookie, None)
        if ended is not None:
            self._on_end(ended)

    def all(self) -> list[Session]:
        """The sessions that are in."""
        with self._lock:
            return list(self._sessions.values())
