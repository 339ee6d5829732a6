"""What XAPI's error codes mean to us: one table from its codes to Retry, Wait or AskPerson.

Messages carry XAPI's own code and parameters, never a session, a password or a task's handle.
Source: the error codes of the XenAPI datamodel; SM driver numbers from the storage manager's error table.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from estate.errors import AskPerson, EdgeError, Retry, Wait


class XapiError(EdgeError):
    """An error the pool itself gave. `xapi_code` is XAPI's own code, for decisions inside this room."""

    xapi_code = ""


class XapiAsk(XapiError, AskPerson):
    """Root of those that need a person."""


class XapiRetry(XapiError, Retry):
    """Root of those that may pass by themselves."""


class AuthenticationRefused(XapiAsk):
    """The pool refused user name or password. Never tried twice, so that no account gets locked."""

    code = "authentication_refused"


class CoordinatorNotConfirmed(AskPerson):
    """Another host became coordinator, and nobody confirmed its certificate."""

    code = "coordinator_not_confirmed"


class SessionExpired(XapiRetry):
    """The pool no longer knows the session."""

    code = "session_expired"


class ObjectGone(XapiAsk):
    """The object a call named is no longer there (or never was)."""

    code = "object_gone"


class SrFull(XapiAsk):
    """The storage repository has no room for what was asked."""

    code = "sr_full"


class VdiInUse(XapiRetry):
    """The VDI is attached somewhere: a dom0 that is about to let go, or a VM."""

    code = "vdi_in_use"


class PoolBusy(XapiError, Wait):
    """Another operation on the same object has to end first."""

    code = "pool_busy"


class HostUnreachable(XapiRetry):
    """A host of the pool does not answer its coordinator."""

    code = "host_unreachable"


class PowerStateWrong(XapiAsk):
    """The VM is not in the power state that the operation needs."""

    code = "vm_power_state"


class UnexpectedXapiError(XapiAsk):
    """A code that is not in the table."""

    code = "xapi_unexpected"


class TaskStuck(AskPerson):
    """A task of the pool did not end within its deadline."""

    code = "task_stuck"


@dataclass(frozen=True, slots=True)
class _Rule:
    kind: type[XapiError]
    says: str
    next_step: str
    code: str = ""


_MOST_SHOWN = 500
_LATER = "It is tried again by itself. If it stays so, look at the pool's tasks in its console."
_RIGHTS = "Give the pool account the role pool-operator (or vm-admin for conversions alone), then start again."
_SPACE = "Free space on that SR or map the datastore to another SR, then start again."

_HOST_DOWN = _Rule(HostUnreachable, "a host of the pool cannot be reached", _LATER)
_BUSY = _Rule(PoolBusy, "the pool is busy with another operation on the same object", _LATER)
_SR_FULL = _Rule(SrFull, "the SR has not enough free space", _SPACE)

_RULES: dict[str, _Rule] = {
    "SESSION_AUTHENTICATION_FAILED": _Rule(
        AuthenticationRefused, "the pool refuses this user name or password", "Correct the pool's credentials, then start again."
    ),
    "SESSION_INVALID": _Rule(SessionExpired, "the pool does not know this session any more", _LATER),
    "HANDLE_INVALID": _Rule(ObjectGone, "the pool does not have this object any more", "Collect the pool again."),
    "UUID_INVALID": _Rule(ObjectGone, "the pool has no object with this uuid", "Collect the pool again."),
    "OTHER_OPERATION_IN_PROGRESS": _BUSY,
    "OPERATION_NOT_ALLOWED": _Rule(
        XapiAsk, "the pool does not allow this operation now", "Read the pool's reason and remove it.", "operation_not_allowed"
    ),
    "OPERATION_BLOCKED": _Rule(
        XapiAsk,
        "the operation is blocked on this object",
        "Remove the block on the VM if it is meant to run.",
        "operation_blocked",
    ),
    "TOO_MANY_PENDING_TASKS": _BUSY,
    "TASK_CANCELLED": _Rule(XapiAsk, "somebody cancelled the pool's task", "Start the step again.", "task_cancelled"),
    "VM_BAD_POWER_STATE": _Rule(PowerStateWrong, "the VM is not in the needed power state", "Look at the VM in the pool."),
    "VDI_IN_USE": _Rule(VdiInUse, "the VDI is in use", _LATER),
    "VDI_IO_ERROR": _Rule(
        XapiRetry, "the transfer broke off: the pool could not read or write the VDI, or lost the line", _LATER, "vdi_io_error"
    ),
    "VDI_NOT_AVAILABLE": _Rule(
        XapiAsk, "the VDI is not available", "Look at the SR's hosts and connections.", "vdi_not_available"
    ),
    "SR_FULL": _SR_FULL,
    "SR_BACKEND_FAILURE_44": _SR_FULL,
    "SR_SOURCE_SPACE_INSUFFICIENT": _SR_FULL,
    "SR_BACKEND_FAILURE_79": _Rule(
        XapiAsk, "the SR cannot hold a VDI of this size", "Map this disk to an SR that takes larger VDIs.", "vdi_too_large"
    ),
    "SR_HAS_NO_PBDS": _Rule(XapiAsk, "no host is connected to the SR", "Repair the SR's connections.", "sr_not_plugged"),
    "SR_OPERATION_NOT_SUPPORTED": _Rule(
        XapiAsk, "the SR's driver cannot do this", "Map the disk to another SR.", "sr_operation_not_supported"
    ),
    "INCOMPATIBLE_STATEFILE_SR": _Rule(
        XapiAsk, "this kind of SR cannot hold an HA statefile", "Choose another heartbeat SR.", "sr_operation_not_supported"
    ),
    "CANNOT_CONTACT_HOST": _HOST_DOWN,
    "HOST_OFFLINE": _HOST_DOWN,
    "HOST_NOT_LIVE": _HOST_DOWN,
    "HOST_STILL_BOOTING": _HOST_DOWN,
    "HOST_IS_SLAVE": _Rule(HostUnreachable, "the host asked is not the pool's coordinator", _LATER),
    "HOST_NOT_ENOUGH_FREE_MEMORY": _Rule(
        XapiAsk, "no host has enough free memory", "Free memory in the pool or start fewer VMs.", "pool_memory_short"
    ),
    "NO_HOSTS_AVAILABLE": _Rule(
        XapiAsk, "no host of the pool can run this VM", "Read the pool's reason for each host.", "no_host_available"
    ),
    "HA_OPERATION_WOULD_BREAK_FAILOVER_PLAN": _Rule(
        XapiAsk, "HA would no longer survive the planned host failures", "Add memory or protect fewer VMs.", "ha_plan_would_break"
    ),
    "LICENCE_RESTRICTION": _Rule(
        XapiAsk, "the pool's licence does not cover this", "Check the pool's licence.", "licence_missing"
    ),
    "RBAC_PERMISSION_DENIED": _Rule(XapiAsk, "the pool account may not do this", _RIGHTS, "permission_denied"),
}
_SR_BACKEND = _Rule(
    XapiAsk, "the SR's driver failed", "Read the storage manager's log on the host that serves the SR.", "sr_backend_failure"
)
_UNEXPECTED = _Rule(
    UnexpectedXapiError, "the pool answered with an error unknown to us", "Report this code with the pool's version."
)


def translate(details: Sequence[object], *, where: str, secrets: Iterable[str] = ()) -> XapiError:
    """The edge error for a XAPI failure (`[code, parameter, ...]`).

    `where` names pool and object for people; `secrets` are strings that must not appear in the message.
    """
    code, *parameters = [str(part) for part in details] or ["EMPTY_FAILURE"]
    rule = _RULES.get(code) or (_SR_BACKEND if code.startswith("SR_BACKEND_FAILURE_") else _UNEXPECTED)
    shown = [] if rule.kind is SessionExpired else _cleaned(parameters, secrets)
    quoted = f"{code} [{', '.join(shown)}]" if any(shown) else code
    error = rule.kind(f"{where}: {rule.says} ({quoted})", code=rule.code, next_step=rule.next_step, where=where)
    error.xapi_code = code
    return error


def _cleaned(parameters: list[str], secrets: Iterable[str]) -> list[str]:
    for secret in filter(None, secrets):
        parameters = [text.replace(secret, "…") for text in parameters]
    return [text[:_MOST_SHOWN] for text in parameters]
