"""Sessions: login, idle expiry, roles. Passwords are compared here and never leave."""

from __future__ import annotations

import hmac
import time
import uuid

from lab.xapi_sim import tables
from lab.xapi_sim.clock import LabClock
from lab.xapi_sim.failure import XapiFailure
from lab.xapi_sim.store import Store

IDLE_LIMIT_S = 24 * 3600
ACCOUNTS = {"root": "pool-admin", "vmadmin": "vm-admin", "readonly": "read-only"}
SUPERUSER = "root"
HANDLERS = {"http/get_export_raw_vdi": "vm-admin", "http/put_import_raw_vdi": "vm-admin"}


class Sessions:
    """The sessions of the pool, kept as records of class `session` plus their last use."""

    def __init__(self, store: Store, password: str, clock: LabClock) -> None:
        self._store = store
        self._password = password
        self._clock = clock
        self._last_used: dict[str, float] = {}
        self._roles: dict[str, str] = {}

    def login(self, user: str, password: str, originator: str, host: str) -> str:
        """Open a session.

        Raises:
            XapiFailure: SESSION_AUTHENTICATION_FAILED.
        """
        if not self.password_is_right(user, password):
            raise XapiFailure("SESSION_AUTHENTICATION_FAILED", user, "Authentication failure")
        role, now = ACCOUNTS[user], self._clock.now()
        session = self._store.create(
            "session",
            uuid=str(uuid.uuid4()),
            this_host=host,
            last_active=now,
            validation_time=now,
            pool=False,
            is_local_superuser=user == SUPERUSER,
            auth_user_name=user,
            originator=originator,
            rbac_permissions=[] if user == SUPERUSER else _permissions(role),
        )
        self._last_used[session], self._roles[session] = time.monotonic(), role
        return session

    def password_is_right(self, user: str, password: str) -> bool:
        """Compare without telling by time how much was right."""
        same = hmac.compare_digest(password.encode(), self._password.encode())
        return same and user in ACCOUNTS

    def use(self, session: str) -> str:
        """Note the use of a session and return its role.

        Raises:
            XapiFailure: SESSION_INVALID [handle].
        """
        last = self._last_used.get(session)
        if last is None or time.monotonic() - last > IDLE_LIMIT_S:
            self.close(session)
            raise XapiFailure("SESSION_INVALID", session)
        self._last_used[session] = time.monotonic()
        return self._roles[session]

    def is_open(self, session: str) -> bool:
        """Whether the reference is a live session."""
        return session in self._last_used

    def close(self, session: str) -> None:
        """Forget a session; closing twice is fine."""
        if self._last_used.pop(session, None) is not None:
            self._store.destroy("session", session)
            self._roles.pop(session, None)

    def close_all(self) -> None:
        """Forget every session, as happens when another host becomes coordinator."""
        for session in list(self._last_used):
            self.close(session)


def _permissions(role: str) -> list[str]:
    """All that a role allows, as a session of it carries them: names of calls and handlers in lower case."""
    calls = {message.wire_name: message.role for each in tables.classes().values() for message in each.messages.values()}
    return sorted(name.lower() for name, needed in {**calls, **HANDLERS}.items() if tables.role_allows(role, needed))
