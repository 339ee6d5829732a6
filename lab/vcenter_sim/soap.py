"""From one SOAP request to its answer: session check, dispatch, faults.

No sockets here: text and cookie in, status, text and perhaps a cookie out.
"""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from typing import Any

from pyVmomi import vim, vmodl

from lab.control import RequestLog
from lab.vcenter_sim import collector_methods, lease_methods, service, vm_methods
from lab.vcenter_sim.center import ANONYMOUS, METHODS, Center, not_authenticated
from lab.vcenter_sim.wire import Call, NotSoap, answer, fault, parse_call

HANDLED_IN = (collector_methods, lease_methods, service, vm_methods)  # importing them registers their methods


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes back: HTTP status, XML, and the cookie of a new session."""

    status: int
    body: bytes
    cookie: str = ""


class SoapDesk:
    """Answers the calls on one vCenter."""

    def __init__(self, center: Center, log: RequestLog) -> None:
        self._center, self._log = center, log

    def reply(self, body: bytes, soap_action: str, cookie: str, peer: str) -> Reply:
        """Answer one request; every refusal is a SOAP fault with status 500."""
        try:
            call = parse_call(body, soap_action)
        except NotSoap as error:
            self._log.record("vcenter", peer, "SOAP", "(unreadable)")
            return Reply(500, fault(vmodl.fault.InvalidRequest(msg=str(error))))
        self._log.record("vcenter", peer, "SOAP", call.name)
        try:
            return self._dispatch(call, cookie)
        except vmodl.MethodFault as refusal:
            return Reply(500, fault(refusal))
        except Exception:  # noqa: BLE001 - the outermost request handler: a bug of the lab must not look like a dead server
            traceback.print_exc()
            return Reply(500, fault(vmodl.fault.SystemError(reason="lab", msg=f"the lab itself failed in {call.name}")))

    def _dispatch(self, call: Call, cookie: str) -> Reply:
        if call.name == "Login":
            return self._login(call)
        session = self._center.sessions.find(cookie) if cookie else None
        if session is None and call.name not in ANONYMOUS and call.name != "Fetch":
            raise not_authenticated()
        handler = METHODS.get(call.name)
        if handler is None:
            raise vmodl.fault.NotImplemented(msg=f"the lab's vCenter does not offer {call.name}")
        if call.name.startswith("WaitForUpdates"):  # waits on the lock itself
            return Reply(200, self._answer(call, handler(self._center, session, call)))
        with self._center.registry.lock:
            return Reply(200, self._answer(call, handler(self._center, session, call)))

    def _answer(self, call: Call, value: Any) -> bytes:
        if call.name != "Fetch" or value is None:
            return answer(call, value)
        fetched = Call(call.name, call.target, call.arguments, call.version, service.fetch_type(call))
        return answer(fetched, value)

    def _login(self, call: Call) -> Reply:
        session = self._center.sessions.login(call.arguments["userName"] or "", call.arguments["password"] or "")
        if session is None:
            raise vim.fault.InvalidLogin(msg="Cannot complete login due to an incorrect user name or password.")
        return Reply(200, answer(call, service.user_session(session)), session.cookie)
