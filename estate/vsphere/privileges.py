"""Which privileges the migration account needs, for what, and which of them it lacks on the root folder.

Source: the `Required Privileges` of each method in the vSphere Web Services API reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from estate.errors import AskPerson, Retry
from estate.facts.unknown import Unknown
from estate.vsphere.session import VsphereSession

NEEDED: dict[str, str] = {
    "System.View": "inventory",
    "System.Read": "inventory",
    "VApp.Export": "reading disks",
    "VirtualMachine.Interact.PowerOff": "shutting the source down",
    "VirtualMachine.Interact.PowerOn": "starting the source again on rollback",
    "VirtualMachine.Config.EditDevice": "disconnecting the source's network cards",
    "VirtualMachine.Interact.DeviceConnection": "disconnecting the source's network cards",
    "VirtualMachine.Config.Annotation": "leaving a note on the source",
}
FOR_FILES: dict[str, str] = {
    "Datastore.Browse": "reading disks that an export leaves out",
    "Datastore.FileManagement": "reading disks that an export leaves out",
}


@dataclass(frozen=True, slots=True)
class MissingPrivilege:
    """A privilege id the account lacks, and what cannot be done without it."""

    privilege: str
    purpose: str


def missing_privileges(session: VsphereSession, needed: Mapping[str, str] = NEEDED) -> tuple[MissingPrivilege, ...] | Unknown:
    """What of `needed` (purpose by privilege) the account lacks on the root folder; UNKNOWN when the server does not tell.

    Raises:
        Retry: the line failed.
    """
    content = session.content
    if content.authorizationManager is None:
        return Unknown("this server has no authorization manager")
    try:
        answers = session.call(
            lambda: content.authorizationManager.HasPrivilegeOnEntities([content.rootFolder], session.session_key, list(needed)),
            where="its root folder",
        )
    except AskPerson as refused:
        return Unknown(refused.message)
    except Retry as broken:
        if broken.code != "bad_answer":
            raise
        return Unknown(broken.message)
    granted = {each.privId for answer in answers or () for each in answer.privAvailability or () if each.isGranted}
    return tuple(MissingPrivilege(privilege, purpose) for privilege, purpose in needed.items() if privilege not in granted)
