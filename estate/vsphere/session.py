"""One logged-in session with a vCenter or ESXi: login once, log in again once when it expired, log out at the end.

Every control call goes through `call`, which is where faults become `estate.errors`. Bulk reads borrow the session's
stub. A refused password is remembered and never sent a second time: repeating it locks the account.
"""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self, TypeVar
from xml.parsers.expat import ExpatError

import structlog
from pyVmomi import vim, vmodl

from estate.connection import Connection
from estate.errors import EdgeError
from estate.facts.source import SourceAbout
from estate.tls import READ_TIMEOUT_S
from estate.vsphere import wire, xmlstream
from estate.vsphere.errors import LoginRefused, SessionExpired, bad_answer, http_error, translate, translate_wire

T = TypeVar("T")
log = structlog.get_logger(__name__)

_PAGE_TAGS = (f"{xmlstream.VIM}objects", f"{xmlstream.VIM}token")
_PAGE_PARENTS = (f"{xmlstream.VIM}returnval",)


class VsphereSession:
    """`with VsphereSession(connection) as session:` is logged in; leaving logs out.

    `logins` counts logins: views, collectors and page tokens made under an earlier count are gone. Calls may come from
    several threads. `server_s` sums what bulk reads waited for the first byte of each answer. `timeout_s` bounds each
    read on the line.

    Raises on entry:
        LoginRefused, CertificateChanged, CertificateNotConfirmed: ask a person.
        Retry: the server does not answer properly.
    """

    def __init__(self, connection: Connection, *, timeout_s: float = READ_TIMEOUT_S) -> None:
        self.connection = connection
        self.logins = 0
        self.session_key = ""
        self.server_s = 0.0
        self.content: Any = None
        self.stub: Any = None
        self._timeout_s = timeout_s
        self._login_lock = threading.RLock()
        self._refused: LoginRefused | None = None
        self._logged_in = False
        self._ended = False

    @property
    def where(self) -> str:
        """The endpoint's name for messages."""
        return self.connection.name or self.connection.url

    def __enter__(self) -> Self:
        try:
            self.open()
            with self._login_lock:
                self._login()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    @classmethod
    def resumed(cls, connection: Connection, cookie: str) -> Self:
        """A session that an earlier one left behind with `keep`; close it or keep it again. Whether it still lives shows at the
        first call. Raises: EdgeError, as `open` does.
        """
        session = cls(connection)
        session.open()
        session.stub.cookie = cookie
        session.logins, session._logged_in = 1, True
        return session

    def keep(self) -> str:
        """Let the session live on at the server when this is closed; gives the cookie, a secret, to take it up again."""
        self._logged_in = False
        return str(self.stub.cookie)

    def open(self) -> None:
        """Connect and read who answers, without logging in: no password leaves."""
        self._ended = False
        version = wire.negotiated_version(self.connection, timeout_s=self._timeout_s)
        self.stub = wire.pinned_stub(self.connection, version, timeout_s=self._timeout_s)
        instance = vim.ServiceInstance("ServiceInstance", self.stub)
        with self.translated():
            self.content = instance.RetrieveContent()

    def close(self) -> None:
        """Log out, so that no session is left behind, and close every connection. Never raises an edge error."""
        with self._login_lock:
            self._ended = True  # a thread that still reads must not log in once more: nobody would log that session out
        try:
            if self._logged_in:
                with self.translated():
                    self.content.sessionManager.Logout()
        except EdgeError as error:
            log.warning("vsphere.logout_failed", endpoint=self.where, code=error.code)
        finally:
            self._logged_in = False
            if self.stub is not None:
                self.stub.DropConnections()

    @property
    def about(self) -> SourceAbout:
        """Who answered."""
        about = self.content.about
        return SourceAbout(
            product=about.fullName,
            api_version=about.apiVersion,
            build=about.build or "",
            instance_uuid=about.instanceUuid or "",
            is_vcenter=about.apiType == "VirtualCenter",
        )

    def call(self, operation: Callable[[], T], *, where: str = "") -> T:
        """Run a control call; when the session has expired, log in again once and run it once more.

        `operation` has to be repeatable as a whole: a call that was refused as not authenticated did nothing.
        `where` names the object the call is about.

        Raises:
            EdgeError: what `estate.vsphere.errors` makes of the fault.
        """
        seen = self.logins
        try:
            with self.translated(where):
                return operation()
        except SessionExpired:
            self.login_again(seen=seen)
        with self.translated(where):
            return operation()

    def login_again(self, *, seen: int) -> None:
        """Log in again, unless somebody already did since `seen` (the `logins` of the failed call).

        Raises: SessionExpired when this session was closed meanwhile; what a login raises.
        """
        with self._login_lock:
            if self._ended and self._refused is None:
                raise SessionExpired(f"{self.where}: the session was closed on this side", where=self.where)
            if self.logins == seen:
                log.info("vsphere.login_again", endpoint=self.where)
                self._login()

    def managed(self, kind: type[Any], native_id: str) -> Any:
        """The managed object of a moref value in this session."""
        return kind(native_id, self.stub)

    def bulk(
        self,
        target: Any,
        method: str,
        *arguments: Any,
        tags: tuple[str, ...] = _PAGE_TAGS,
        parents: tuple[str, ...] = _PAGE_PARENTS,
        timed: bool = True,
    ) -> Iterator[Any]:
        """Stream the elements `tags` right below `parents` of a property collector's raw answer; each valid until the next.

        By default those of a page: `objects` and `token`. A call that waits on purpose is not `timed`.

        Raises:
            SessionExpired: not repeated in here, since tokens and views are gone with the session.
            EdgeError: any other fault, or a broken answer.
        """
        with wire.bulk_call(self.stub, target, method, list(arguments), where=self.where) as answer:
            self.server_s += answer.waited_s if timed else 0.0
            try:
                if answer.status == 500:
                    raise translate_wire(xmlstream.fault(answer.chunks), where=self.where)
                yield from xmlstream.elements(answer.chunks, tags, *parents)
            except xmlstream.BadXml as error:
                raise bad_answer(str(error), where=self.where) from error

    @contextmanager
    def translated(self, where: str = "") -> Iterator[None]:
        """Everything pyVmomi may raise inside leaves as an `EdgeError`. `where` names the object inside the endpoint."""
        place = f"{self.where}, {where}" if where else self.where
        try:
            yield
        except vmodl.MethodFault as fault:
            raise translate(fault, where=place) from fault
        except (OSError, http.client.HTTPException) as error:
            raise http_error(error, where=self.where) from error
        except (ExpatError, TypeError, AttributeError, LookupError, ValueError) as error:
            # pyVmomi's deserialiser raises these on an answer that does not fit its type tables.
            raise bad_answer(f"{type(error).__name__}: {error}", where=place) from error

    def _login(self) -> None:
        if self._refused is not None:
            raise self._refused
        self.stub.cookie = ""
        try:
            with self.translated(self.connection.username):
                user_session = self.content.sessionManager.Login(self.connection.username, self.connection.password, None)
        except LoginRefused as refused:
            self._refused = refused
            raise
        self.session_key = str(user_session.key)
        self.logins += 1
        self._logged_in = True
