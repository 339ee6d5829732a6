"""Which calls of a conversion the role of the pool's account forbids, asked before the first of them is made.

Source: xapi's rbac.ml: a session carries the names of all calls its roles allow, in lower case, HTTP handlers behind `http/`; the
local superuser may do everything and carries none.
"""

from __future__ import annotations

from collections.abc import Mapping

from estate.errors import AskPerson
from estate.facts.unknown import Unknown
from estate.xapi.session import XapiSession

NEEDED: dict[str, str] = {
    "VM.create": "making VMs",
    "VM.set_blocked_operations": "keeping VMs from being started too early",
    "VM.remove_from_blocked_operations": "starting VMs",
    "VDI.create": "making disks",
    "VBD.create": "attaching disks",
    "VIF.create": "attaching interfaces",
    "task.create": "copying disks",
    "task.destroy": "copying disks",
    "task.cancel": "ending starts that nobody waits for any more",
    "http/put_import_raw_vdi": "copying disks",
    "http/get_export_raw_vdi": "reading disks back",
    "VM.start": "starting VMs",
    "VM.clean_shutdown": "rolling back",
    "VM.hard_shutdown": "rolling back",
    "VM.destroy": "clearing up what was cancelled",
    "VDI.destroy": "clearing up what was cancelled",
}
FOR_VTPM: dict[str, str] = {"VTPM.create": "giving VMs a TPM"}
FOR_HA: dict[str, str] = {"VM.set_ha_restart_priority": "having VMs restarted by HA"}


def forbidden_calls(session: XapiSession, needed: Mapping[str, str] = NEEDED) -> tuple[str, ...] | Unknown:
    """Names of those calls of `needed` (purpose by name) that the account may not make; UNKNOWN when the pool does not tell.

    Raises:
        Retry: the line failed.
    """
    try:
        if session.call("session.get_is_local_superuser", session.handle) is True:
            return ()
        allowed = {str(name).lower() for name in session.call("session.get_rbac_permissions", session.handle)}
    except AskPerson as refused:
        return Unknown(refused.message)
    if not allowed:
        return Unknown("the pool names nothing that the account may do")
    return tuple(name for name in needed if name.lower() not in allowed)
