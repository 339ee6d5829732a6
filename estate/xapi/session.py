"""One session with a pool: login, following the coordinator, logging in again, logging out.

Every XAPI call of the product goes through `XapiSession.call`; every failure leaves it as an edge error.
"""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any

import structlog
import XenAPI

from estate.connection import Connection
from estate.errors import EdgeError, Retry
from estate.tls import READ_TIMEOUT_S, CertificateChanged, host_and_port
from estate.xapi.errors import CoordinatorNotConfirmed, translate
from estate.xapi.transport import PinnedTransport, join_address, line_errors, split_address

log = structlog.get_logger(__name__)

NULL_REF = "OpaqueRef:NULL"
ORIGINATOR = "xenbound"
"""A constant, because XAPI caps sessions per originator and drops the oldest."""
API_VERSION = "1.0"
_MOST_HOPS = 3


class XapiSession:
    """A logged-in session, used by one thread. Enter it to log in; leaving it logs out.

    `alive()` is called between the polls of long operations and ends them by raising.

    Raises:
        AuthenticationRefused: user name or password are wrong; not tried again.
        CoordinatorNotConfirmed: the pool's coordinator shows a certificate that nobody confirmed.
        CertificateChanged: the host behind the URL does.
    """

    def __init__(
        self, connection: Connection, *, timeout_s: float = READ_TIMEOUT_S, alive: Callable[[], None] | None = None
    ) -> None:
        self.connection = connection
        self.name = connection.name or connection.url
        self.alive = alive or _never_cancelled
        self._timeout_s = timeout_s
        host, self.port = host_and_port(connection.url)
        self.address = host
        """The host that answers: the coordinator, once logged in."""
        self._proxy: XenAPI.Session | None = None
        self._handle = ""

    @property
    def handle(self) -> str:
        """The session's reference, for HTTP requests. A secret: never to be logged."""
        return self._handle

    @property
    def pins(self) -> frozenset[str]:
        """The confirmed certificates of the pool's hosts."""
        return self.connection.pins

    def __enter__(self) -> XapiSession:
        self.login()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.logout()

    def login(self) -> None:
        """Log in at the known address, following the pool to its coordinator."""
        for _ in range(_MOST_HOPS):
            coordinator = self._login_here()
            if coordinator is None:
                return
            self.address = split_address(coordinator, self.port)[0]
        raise translate(["HOST_IS_SLAVE", self.address], where=self.name)

    def logout(self) -> None:
        """End the session on the pool. A pool that no longer answers is only noted: leaving must not fail."""
        handle, self._handle = self._handle, ""
        if not handle:
            return
        try:
            self._raw("session.logout", handle)
        except EdgeError as error:
            log.info("xapi.logout_failed", pool=self.name, code=error.code)
        finally:
            self._close()

    def call(self, method: str, *parameters: Any) -> Any:
        """Call `Class.method` with the session in front and return its value.

        Logs in again once when the session ended or the coordinator moved: XAPI refuses such calls before they run.

        Raises:
            EdgeError: the pool's refusal or the line's fault; see `estate.xapi.errors`.
        """
        details = self._attempt(method, parameters)
        if isinstance(details, _Refusal) and details.code in ("SESSION_INVALID", "HOST_IS_SLAVE"):
            log.info("xapi.login_again", pool=self.name, why=details.code)
            if details.code == "HOST_IS_SLAVE" and len(details.parts) > 1:
                self.address = split_address(details.parts[1], self.port)[0]
            self._handle = ""
            self.login()
            details = self._attempt(method, parameters)
        if isinstance(details, _Refusal):
            raise self.translate(details.parts, where=f"{self.name}, {method}")
        return details

    def translate(self, parts: list[str], *, where: str = "") -> EdgeError:
        """The edge error for a XAPI failure that came by another way (a task's `error_info`)."""
        return translate(parts, where=where or self.name, secrets=(self._handle, self.connection.password))

    def _attempt(self, method: str, parameters: tuple[Any, ...]) -> Any:
        """One request; a lost one is repeated if it only reads. Others may have run, so their caller has to look first."""
        try:
            return self._raw(method, self._handle, *parameters)
        except Retry:
            if not method.partition(".")[2].startswith("get_"):
                raise
        return self._raw(method, self._handle, *parameters)

    def _login_here(self) -> str | None:
        """Log in at `self.address`; gives the coordinator's address when that is another host."""
        self._close()
        uri = f"https://{join_address(self.address, self.port)}/"
        transport = PinnedTransport(self.pins, where=f"{self.name} ({self.address})", timeout_s=self._timeout_s)
        self._proxy = XenAPI.Session(uri, transport=transport)
        answer = self._login_answer()
        if isinstance(answer, _Refusal):
            if answer.code == "HOST_IS_SLAVE" and len(answer.parts) > 1:
                return answer.parts[1]
            raise self.translate(answer.parts)
        self._handle = str(answer)
        return None

    def _login_answer(self) -> Any:
        connection = self.connection
        try:
            return self._raw("session.login_with_password", connection.username, connection.password, API_VERSION, ORIGINATOR)
        except CertificateChanged as error:
            if self.address == host_and_port(connection.url)[0]:
                raise
            raise CoordinatorNotConfirmed(
                f"{self.name}: the pool's coordinator is now {self.address}, and its certificate was never confirmed",
                next_step="Probe the pool again, compare the fingerprint on that host and confirm it.",
                where=self.name,
            ) from error

    def _raw(self, method: str, *parameters: Any) -> Any:
        """One request. Gives the value, or a `_Refusal` with XAPI's error description."""
        assert self._proxy is not None
        with line_errors(f"{self.name} ({self.address})"):
            answer = getattr(self._proxy, method)(*parameters)
        if isinstance(answer, dict) and answer.get("Status") == "Success" and "Value" in answer:
            return answer["Value"]
        parts = answer.get("ErrorDescription") if isinstance(answer, dict) else None
        return _Refusal([str(part) for part in parts] if isinstance(parts, list) and parts else ["MALFORMED_ANSWER"])

    def _close(self) -> None:
        if self._proxy is not None:
            self._proxy("close")()
            self._proxy = None


class _Refusal:
    """XAPI's `ErrorDescription`: the code and its parameters."""

    def __init__(self, parts: list[str]) -> None:
        self.code = parts[0]
        self.parts = parts


def _never_cancelled() -> None:
    """Stands for `alive` where nobody can cancel."""
