"""vSphere faults in the words of `estate.errors`: one table from fault types to retry, wait or ask a person.

A fault without a row of its own takes the row of its nearest ancestor in VMware's fault hierarchy. Unknown ones ask a
person and carry VMware's own type name, never silence. Socket and TLS errors are translated by `estate.tls.line_error`.
"""

from __future__ import annotations

from dataclasses import dataclass
from http.client import HTTPException
from typing import Any

from pyVmomi import vim, vmodl

from estate.errors import AskPerson, EdgeError, Retry, Wait
from estate.tls import line_error

BUSY_STATUS = frozenset({429, 502, 503, 504})


class SessionExpired(Retry):
    """The session is gone: it idled too long, or somebody ended it."""

    code = "session_expired"


class VersionLost(Retry):
    """A collector does not know the version it is asked to go on from."""

    code = "collector_version_lost"


class LoginRefused(AskPerson):
    """Name or password refused. It is not tried again by itself, since repeating locks the account."""

    code = "login_refused"


class InvalidPath(AskPerson):
    """This server does not know a property path; `path` says which."""

    code = "property_unknown"

    def __init__(self, path: str, *, where: str) -> None:
        super().__init__(f"{where} does not know the property {path}", next_step="Report the server's version.", where=where)
        self.path = path


class WireFault(Exception):
    """A fault as read from raw XML: VMware's type name, its message, and its plain fields."""

    def __init__(self, type_name: str, message: str, fields: dict[str, str]) -> None:
        super().__init__(f"{type_name}: {message}")
        self.type_name = type_name
        self.message = message
        self.fields = fields


@dataclass(frozen=True, slots=True)
class _Row:
    kind: type[EdgeError]
    code: str
    what: str
    next_step: str


_TABLE: dict[type[Any], _Row] = {
    vim.fault.InvalidLogin: _Row(
        LoginRefused,
        "login_refused",
        "name or password was refused",
        "Correct the stored name and password, or unlock the account; it was not tried again so as not to lock it.",
    ),
    vim.fault.NotAuthenticated: _Row(
        SessionExpired, "session_expired", "the session has expired", "Nothing: the next attempt logs in again."
    ),
    vmodl.query.InvalidCollectorVersion: _Row(
        VersionLost, "collector_version_lost", "the watch has lost its place", "Nothing: everything is read again."
    ),
    vim.fault.NoPermission: _Row(
        AskPerson,
        "permission_missing",
        "the account lacks a privilege",
        "Give the migration role on the vCenter root, propagated, to this account.",
    ),
    vmodl.fault.ManagedObjectNotFound: _Row(
        AskPerson, "object_gone", "the object no longer exists", "Collect the inventory again and plan with what is there."
    ),
    vim.fault.TaskInProgress: _Row(
        Wait, "task_in_progress", "another task holds the object", "Wait for that task, or end it in the vSphere Client."
    ),
    vim.fault.InvalidPowerState: _Row(
        AskPerson,
        "invalid_power_state",
        "the machine is in another power state than this needs",
        "See who changed its power state, then start this step again.",
    ),
    vim.fault.InvalidState: _Row(
        Retry, "invalid_state", "the object is busy or in a passing state", "Look at its tasks in the vSphere Client."
    ),
    vim.fault.ToolsUnavailable: _Row(
        AskPerson,
        "tools_unavailable",
        "VMware Tools do not run in the guest",
        "Shut the guest down from inside, or choose to power it off hard.",
    ),
    vim.fault.ConcurrentAccess: _Row(
        Retry, "changed_meanwhile", "somebody changed the object at the same time", "Nothing: it is tried again."
    ),
    vim.fault.FileFault: _Row(
        Retry, "file_fault", "a file of the machine cannot be used", "Check the datastore and locks on the machine's files."
    ),
    vim.fault.RestrictedVersion: _Row(
        AskPerson,
        "licence_forbids",
        "the licence of this host forbids the call",
        "Use a licensed vCenter or ESXi: the free ESXi licence is read-only for programs.",
    ),
    vmodl.fault.HostCommunication: _Row(
        Wait, "host_unreachable", "vCenter does not reach the host", "Check the host in the vSphere Client."
    ),
    vim.fault.HostConnectFault: _Row(
        Wait, "host_unreachable", "vCenter does not reach the host", "Check the host in the vSphere Client."
    ),
    vim.fault.Timedout: _Row(Retry, "server_gave_up", "the server gave up waiting", "Look at the load of vCenter and host."),
    vmodl.fault.RequestCanceled: _Row(Retry, "canceled", "the call was cancelled on the server", "See who cancelled it."),
    vim.fault.MethodDisabled: _Row(
        AskPerson,
        "method_disabled",
        "another product has disabled this call on the object",
        "End the backup or migration that holds the machine, or enable the method in vCenter.",
    ),
    vmodl.fault.NotSupported: _Row(
        AskPerson, "not_supported", "the server does not support the call here", "See the supported versions in docs."
    ),
    vmodl.fault.NotEnoughLicenses: _Row(
        AskPerson, "licence_forbids", "the licence does not cover the call", "Check the licences in the vSphere Client."
    ),
    vmodl.fault.SystemError: _Row(
        Retry, "vsphere_system_error", "the server failed inside", "Look into the server's own log when it stays so."
    ),
    vmodl.MethodFault: _Row(
        AskPerson, "vsphere_fault", "the server refused the call", "Look the fault up and correct its cause."
    ),
}


def translate(fault: Exception, *, where: str) -> EdgeError:
    """The edge error for a pyVmomi fault (a `vmodl.MethodFault`); `where` names endpoint and object."""
    name = type(fault).__name__.rsplit(".", 1)[-1]
    if isinstance(fault, vmodl.query.InvalidProperty):
        return InvalidPath(fault.name or "", where=where)
    return _edge_error(type(fault), name, str(getattr(fault, "msg", "") or ""), _detail(vars(fault)), where)


def translate_wire(fault: WireFault, *, where: str) -> EdgeError:
    """The same for a fault that came through the raw way."""
    if fault.type_name == "InvalidProperty":
        return InvalidPath(fault.fields.get("name", ""), where=where)
    return _edge_error(_class_of(fault.type_name), fault.type_name, fault.message, _detail(fault.fields), where)


def http_status_error(status: int, reason: str, *, where: str) -> Retry:
    """For an answer that is neither 200 nor a fault."""
    code = "server_busy" if status in BUSY_STATUS else "bad_answer"
    return Retry(
        f"{where} answered {status} {reason}",
        code=code,
        next_step="Check that vCenter's services run; it is tried again.",
        where=where,
        after_s=15.0,
    )


def http_error(error: Exception, *, where: str) -> EdgeError:
    """For what the line raised; pyVmomi reports a status as a bare HTTPException that says `503 Service Unavailable`."""
    status, _, reason = str(error).partition(" ")
    if type(error) is HTTPException and status.isdigit():
        return http_status_error(int(status), reason, where=where)
    return line_error(error, where=where)


def bad_answer(detail: str, *, where: str) -> Retry:
    """For an answer that is not the XML it should be (broken off, or not from a vSphere server)."""
    return Retry(
        f"{where} sent an answer that cannot be read: {detail}",
        code="bad_answer",
        next_step="Check the line and any proxy in between; it is tried again.",
        where=where,
    )


def _class_of(type_name: str) -> type[Any]:
    for room in (vim.fault, vmodl.fault, vmodl.query):
        found = getattr(room, type_name, None)
        if isinstance(found, type):
            return found
    return vmodl.MethodFault


def _detail(fields: dict[str, Any]) -> str:
    named = (fields.get(name) for name in ("privilegeId", "reason", "name", "file"))
    return ", ".join(str(value) for value in named if value)


def _edge_error(kind: type[Any], name: str, message: str, detail: str, where: str) -> EdgeError:
    row = next((_TABLE[ancestor] for ancestor in kind.__mro__ if ancestor in _TABLE), _TABLE[vmodl.MethodFault])
    said = "; ".join(part for part in (name, detail, message) if part)
    return row.kind(f"{where}: {row.what} ({said})", code=row.code, next_step=row.next_step, where=where)
