"""What a conversion left in a pool, and how it is removed: only objects with its tag, never a running VM."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from estate.errors import AskPerson
from estate.xapi import tasks
from estate.xapi.errors import ObjectGone
from estate.xapi.pool_vms import CONVERSION_KEY, DISK_KEY
from estate.xapi.records import parse_time
from estate.xapi.session import XapiSession
from estate.xapi.vdi_access import wait_until_free
from estate.xapi.vm_power import BRINGS_UP

_REMOVE_DEADLINE_S = 600.0
_FREE_DEADLINE_S = 60.0
_NEVER = datetime.fromtimestamp(0, tz=UTC)


@dataclass(frozen=True, slots=True)
class Leftovers:
    """(uuid, name) of the VMs and VDIs that carry a conversion's tag."""

    vms: tuple[tuple[str, str], ...]
    vdis: tuple[tuple[str, str], ...]

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left."""
        return not self.vms and not self.vdis


def leftovers(session: XapiSession, conversion_id: str) -> Leftovers:
    """Everything in the pool that carries the conversion's tag."""
    return Leftovers(
        vms=_named(_tagged(session, "VM", conversion_id)),
        vdis=_named(_tagged(session, "VDI", conversion_id)),
    )


def remove_everything(
    session: XapiSession, conversion_id: str, *, known: Collection[str] = (), even_if_it_ran: bool = False
) -> Leftovers:
    """Remove a conversion's halted VM and its VDIs; gives what was removed. Run again, it removes the rest.

    `known` are the uuids that the ledger has. What it does not have (its worker died in between) goes only where nothing else
    can be meant: a copy that a person made carries the tag too.

    Raises:
        AskPerson: `tag_ambiguous`; `vm_not_halted`; `vm_has_run`, unless `even_if_it_ran`; or `vdi_shared` with a VM that is not
            ours; nothing is removed then.
        VdiInUse: a VDI is still attached.
    """
    machines = _tagged(session, "VM", conversion_id)
    disks = _tagged(session, "VDI", conversion_id)
    _check_each_once(session, machines, known)
    _check_each_once(session, disks, known)
    for record in machines.values():
        _check_halted(session, record)
        if not even_if_it_ran and has_run(session, record):
            raise _ran(session, record)
    for record in disks.values():
        _check_ours(session, record, machines)
    for vm in machines:
        session.call("VM.destroy", vm)
    for vdi, record in disks.items():
        wait_until_free(session, vdi, deadline_s=_FREE_DEADLINE_S)
        what = f"removing the VDI {record['name_label']}"
        tasks.run_to_end(session, "VDI.destroy", vdi, deadline_s=_REMOVE_DEADLINE_S, what=what)
    return Leftovers(_named(machines), _named(disks))


def has_run(session: XapiSession, record: dict[str, Any]) -> bool:
    """Whether a VM may have run, so that its disks may hold what is nowhere else; False only where the pool shows it never did.

    Source: xapi sets VM_metrics.start_time when a VM comes up, and never back; a VM that was only made has the epoch there.
    """
    if record["power_state"] != "Halted" or BRINGS_UP.intersection(record["current_operations"].values()):
        return True
    try:
        return parse_time(session.call("VM_metrics.get_start_time", record["metrics"])) != _NEVER
    except (ObjectGone, ValueError):
        return True


def _ran(session: XapiSession, record: dict[str, Any]) -> AskPerson:
    return AskPerson(
        f"{session.name}: {record['name_label']} has run, so nothing of its conversion is removed or copied over",
        code="vm_has_run",
        next_step="Roll the conversion back, which keeps its disks; or say discard_writes, if what it wrote may be lost.",
        where=session.name,
    )


def only_one(session: XapiSession, kind: str, conversion_id: str, *, disk_key: str = "") -> dict[str, Any] | None:
    """The record of the one VM (or VDI of one source disk) with the conversion's tag; None when there is none yet.

    Raises:
        AskPerson: `tag_ambiguous`. A clone inherits the tag, and which of them is ours nobody can tell from here.
    """
    records = _tagged(session, kind, conversion_id).values()
    found = [record for record in records if not disk_key or record["other_config"].get(DISK_KEY) == disk_key]
    if len(found) < 2:
        return found[0] if found else None
    raise _ambiguous(session, found)


def require_ours(session: XapiSession, conversion_id: str) -> None:
    """See that no VM but the conversion's own has its VDIs. Raises: AskPerson `vdi_shared`."""
    machines = _tagged(session, "VM", conversion_id)
    for record in _tagged(session, "VDI", conversion_id).values():
        _check_ours(session, record, machines)


def require_each_once(session: XapiSession, conversion_id: str) -> None:
    """See that one VM, and one VDI of each source disk, carries the conversion's tag. Raises: AskPerson `tag_ambiguous`."""
    for kind in ("VM", "VDI"):
        _check_each_once(session, _tagged(session, kind, conversion_id), ())


def _check_each_once(session: XapiSession, tagged: dict[str, dict[str, Any]], known: Collection[str]) -> None:
    """Several that may be the same thing are ours only if each of them is known to be."""
    same: dict[str, list[dict[str, Any]]] = {}
    for record in tagged.values():
        same.setdefault(record["other_config"].get(DISK_KEY, ""), []).append(record)
    for records in same.values():
        if len(records) > 1 and any(record["uuid"] not in known for record in records):
            raise _ambiguous(session, records, known)


def _ambiguous(session: XapiSession, records: list[dict[str, Any]], known: Collection[str] = ()) -> AskPerson:
    ours = [str(record["uuid"]) for record in records if record["uuid"] in known]
    names = " and ".join(sorted(f"{record['name_label']} ({record['uuid']})" for record in records))
    told = f"; Xenbound knows that it made {' and '.join(ours)}" if ours else ""
    return AskPerson(
        f"{session.name}: {names} carry the tag of the same conversion{told}",
        code="tag_ambiguous",
        next_step=f"Remove other_config:{CONVERSION_KEY} from the copies that Xenbound did not make, then start again.",
        where=session.name,
    )


def name_if_there(session: XapiSession, kind: str, uuid: str) -> str | None:
    """The name of a VM or VDI that the pool has, whatever its tags; None when it has none of this uuid."""
    try:
        return str(session.call(f"{kind}.get_name_label", session.call(f"{kind}.get_by_uuid", uuid)))
    except ObjectGone:
        return None


def _tagged(session: XapiSession, kind: str, conversion_id: str) -> dict[str, dict[str, Any]]:
    """Records of a class with the tag, by reference. Snapshots and templates inherit tags and are not ours."""
    if not conversion_id:
        raise ValueError("an empty conversion id would match what is not ours")
    records = session.call(f"{kind}.get_all_records")
    return {
        ref: record
        for ref, record in records.items()
        if record["other_config"].get(CONVERSION_KEY) == conversion_id
        and not record["is_a_snapshot"]
        and not record.get("is_a_template", False)
    }


def _named(records: dict[str, dict[str, Any]]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((str(record["uuid"]), str(record["name_label"])) for record in records.values()))


def _check_halted(session: XapiSession, record: dict[str, Any]) -> None:
    at_work = ", ".join(sorted(set(record["current_operations"].values())))
    if record["power_state"] == "Halted" and not at_work:
        return
    seen = record["power_state"] + (f" with {at_work} under way" if at_work else "")
    raise AskPerson(
        f"{session.name}: {record['name_label']} is {seen}, so nothing of its conversion is removed",
        code="vm_not_halted",
        next_step="Shut the VM down if its conversion is really to be removed, then start again.",
        where=session.name,
    )


def _check_ours(session: XapiSession, record: dict[str, Any], machines: dict[str, dict[str, Any]]) -> None:
    for vbd in record["VBDs"]:
        holder = session.call("VBD.get_VM", vbd)
        if holder not in machines and not session.call("VM.get_is_control_domain", holder):
            raise AskPerson(
                f"{session.name}: the VDI {record['name_label']} also belongs to {session.call('VM.get_name_label', holder)}",
                code="vdi_shared",
                next_step="Detach the VDI from that VM in the pool, then start again.",
                where=session.name,
            )
