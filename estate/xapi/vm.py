"""Making VMs for conversions and driving their life. Each step observes first: what has our tag is not made twice.

Records are shaped in vm_spec.py, disks and NICs attached in vm_devices.py, power switched in vm_power.py, remains cleared in
leftovers.py.
"""

from __future__ import annotations

from typing import Any

from estate.errors import AskPerson
from estate.xapi.leftovers import (
    Leftovers,
    has_run,
    leftovers,
    name_if_there,
    only_one,
    remove_everything,
    require_each_once,
    require_ours,
)
from estate.xapi.session import NULL_REF, XapiSession
from estate.xapi.vm_devices import (
    Attached,
    attached,
    ensure_cd,
    ensure_vbd,
    ensure_vdi,
    ensure_vif,
    ensure_vtpm,
    macs_in_use,
    vdi_bytes,
)
from estate.xapi.vm_power import NotAtRest, power_state, shut_down, start
from estate.xapi.vm_spec import VmDisk, VmNic, VmSpec, vm_record

__all__ = [
    "Attached",
    "Leftovers",
    "NotAtRest",
    "VmDisk",
    "VmNic",
    "VmSpec",
    "attached",
    "block",
    "ensure_cd",
    "ensure_vbd",
    "ensure_vdi",
    "ensure_vif",
    "ensure_vm",
    "ensure_vtpm",
    "has_run",
    "is_blocked",
    "leftovers",
    "macs_in_use",
    "made_before",
    "name_if_there",
    "power_state",
    "remove_everything",
    "require_each_once",
    "require_ours",
    "resident_host",
    "set_ha_restart_priority",
    "shut_down",
    "start",
    "unblock",
    "vdi_bytes",
]

_BLOCKED_OPERATIONS = ("start", "start_on")


def made_before(session: XapiSession, conversion_id: str) -> dict[str, Any] | None:
    """The record of the VM that was made for this conversion; None when the pool has none. Raises: AskPerson `tag_ambiguous`."""
    return only_one(session, "VM", conversion_id)


def ensure_vm(session: XapiSession, spec: VmSpec, conversion_id: str) -> str:
    """The uuid of the conversion's VM: made halted and blocked from the template, unless it is there already.

    Raises:
        AskPerson: `template_missing`, or a refusal of the pool.
    """
    made = made_before(session, conversion_id)
    if made is not None:
        return str(made["uuid"])
    template = _template(session, spec.template_name)
    vm = session.call("VM.create", vm_record(spec, template, conversion_id))
    uuid = str(session.call("VM.get_uuid", vm))
    block(session, uuid, spec.blocked_because)
    return uuid


def _template(session: XapiSession, name: str) -> dict[str, Any]:
    refs = session.call("VM.get_by_name_label", name)
    records = [session.call("VM.get_record", ref) for ref in refs]
    templates = [record for record in records if record["is_a_template"] and not record["is_a_snapshot"]]
    if not templates:
        raise AskPerson(
            f"{session.name}: there is no template called {name}",
            code="template_missing",
            next_step="Choose a template that the pool has in the mapping, then start again.",
            where=session.name,
        )
    return min(templates, key=lambda record: (not record.get("is_default_template", False), record["uuid"]))


def block(session: XapiSession, vm_uuid: str, why: str) -> None:
    """Keep everybody from starting the VM; `why` is what the pool shows them."""
    vm = session.call("VM.get_by_uuid", vm_uuid)
    blocked = session.call("VM.get_blocked_operations", vm)
    wanted = {**blocked, **dict.fromkeys(_BLOCKED_OPERATIONS, why)}
    if wanted != blocked:  # in one call: between two, somebody could start it
        session.call("VM.set_blocked_operations", vm, wanted)


def unblock(session: XapiSession, vm_uuid: str) -> None:
    """Allow the VM to start."""
    vm = session.call("VM.get_by_uuid", vm_uuid)
    blocked = session.call("VM.get_blocked_operations", vm)
    for operation in _BLOCKED_OPERATIONS:
        if operation in blocked:
            session.call("VM.remove_from_blocked_operations", vm, operation)


def is_blocked(session: XapiSession, vm_uuid: str) -> bool:
    """Whether the pool refuses to start the VM on our behalf."""
    return "start" in session.call("VM.get_blocked_operations", session.call("VM.get_by_uuid", vm_uuid))


def set_ha_restart_priority(session: XapiSession, vm_uuid: str, priority: str) -> None:
    """Protect the VM by HA: `restart`, `best-effort`, or empty for not at all. One that is so already is left alone.

    Raises:
        AskPerson: `ha_plan_would_break`: the pool could no longer survive the failures it tolerates.
    """
    vm = session.call("VM.get_by_uuid", vm_uuid)
    if session.call("VM.get_ha_restart_priority", vm) != priority:
        session.call("VM.set_ha_restart_priority", vm, priority)


def resident_host(session: XapiSession, vm_uuid: str) -> str | None:
    """The uuid of the host that runs the VM."""
    host = session.call("VM.get_resident_on", session.call("VM.get_by_uuid", vm_uuid))
    return None if host == NULL_REF else str(session.call("host.get_uuid", host))
