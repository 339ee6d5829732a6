"""The pool's side of a conversion: make the halted VM, start it once the gate was asked twice, stop it for a rollback."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from estate.errors import AskPerson, EdgeError
from estate.xapi import vm
from estate.xapi.errors import ObjectGone
from estate.xapi.pool_vms import CONVERSION_KEY, SOURCE_UUID_KEY
from estate.xapi.session import XapiSession
from migration.conversion import selectors
from migration.conversion.core.spec import ConversionSpec, DiskSpec
from migration.conversion.models import Conversion
from migration.conversion.services import progress
from migration.conversion.services.transitions import note
from project.backbone.clock import now

BLOCKED = "Xenbound is still converting this VM; its gate has not let it through yet"
ROLLED_BACK = "Xenbound rolled this VM back: its source counts"


def check_target(pool: XapiSession, row: Conversion, spec: ConversionSpec) -> None:
    """Refuse before anything is made: a MAC address of the source that another VM of the pool already has."""
    taken = vm.macs_in_use(pool, except_conversions={str(row.pk)})
    clashes = [f"{nic.mac_address} ({taken[nic.mac_address]})" for nic in spec.nics if nic.mac_address in taken]
    if clashes:
        raise AskPerson(
            f"{spec.name}: MAC addresses already in use in the pool: {', '.join(clashes)}",
            code="mac_in_use",
            next_step="Find out whether that VM is an earlier copy of this machine; remove it or change one address, then retry.",
            where=spec.name,
        )


def make_vm(pool: XapiSession, row: Conversion, spec: ConversionSpec) -> None:
    """Make the VM, halted and blocked, unless it is there."""
    wanted = vm.VmSpec(
        name=spec.name_in_pool,
        description=spec.annotation,
        firmware=spec.firmware,
        secure_boot=spec.secure_boot,
        vcpus=spec.vcpus,
        cores_per_socket=spec.cores_per_socket,
        memory_bytes=spec.memory_bytes,
        is_windows=spec.is_windows,
        template_name=spec.template_name,
        tags=spec.tags,
        origin={"xenbound-source-vm": spec.source_vm_id, SOURCE_UUID_KEY: spec.source_instance_uuid},
        blocked_because=BLOCKED,
    )
    uuid = vm.ensure_vm(pool, wanted, str(row.pk))
    _enter(pool, row, "vm", uuid)
    progress.remember_vm(row, uuid)
    row.refresh_from_db()


def make_disks(pool: XapiSession, row: Conversion, spec: ConversionSpec) -> None:
    """Make each VDI on its SR and attach it at its position."""
    planned = {disk.device_key: disk for disk in spec.disks}
    for copy in selectors.disks_of(row):
        disk = _vm_disk(planned[copy.device_key])
        uuid = vm.ensure_vdi(pool, disk, str(row.pk), vm_name=spec.name_in_pool)
        _enter(pool, row, "vdi", uuid)
        progress.remember_vdi(copy, uuid)
        vm.ensure_vbd(pool, row.target_vm_uuid, uuid, disk.position, conversion_id=str(row.pk))


def _enter(pool: XapiSession, row: Conversion, kind: str, uuid: str) -> None:
    """Into the ledger it goes also for a worker that lost its lease; the one that has it now may know of another object."""
    progress.enter_ledger(row, kind, uuid)
    pool.alive()


def _vm_disk(disk: DiskSpec) -> vm.VmDisk:
    return vm.VmDisk(disk.position, disk.capacity_bytes, disk.sr_uuid, disk.label, disk.device_key)


def attach_nics(pool: XapiSession, row: Conversion, spec: ConversionSpec) -> None:
    """Attach each interface with the source's MAC address."""
    for nic in spec.nics:
        vm.ensure_vif(
            pool,
            row.target_vm_uuid,
            vm.VmNic(nic.device, nic.network_uuid, nic.mac_address, spec.vif_locking),
            conversion_id=str(row.pk),
        )


def attach_cd(pool: XapiSession, row: Conversion, _spec: ConversionSpec) -> None:
    """Attach an empty CD drive."""
    vm.ensure_cd(pool, row.target_vm_uuid, conversion_id=str(row.pk))


def add_vtpm(pool: XapiSession, row: Conversion, _spec: ConversionSpec) -> None:
    """Give the VM a new, empty TPM."""
    vm.ensure_vtpm(pool, row.target_vm_uuid)


def count_devices(pool: XapiSession, row: Conversion, spec: ConversionSpec) -> None:
    """What went in comes out: the VM has our VDIs at their places and the planned addresses, and nothing else.

    Raises: AskPerson `devices_differ`, or `tag_ambiguous`: a worker that died while it made something, or a person's copy.
    """
    vm.require_each_once(pool, str(row.pk))
    seen = vm.attached(pool, row.target_vm_uuid)
    disks = {copy.position: copy.vdi_uuid for copy in selectors.disks_of(row)}
    nics = {nic.device: nic.mac_address.lower() for nic in spec.nics}
    unlike = [*_unlike("disk", disks, seen.disks), *_unlike("interface", nics, seen.nics)]
    if unlike:
        raise AskPerson(
            f"{spec.name} is no longer in the pool as it was made: {'; '.join(unlike)}",
            code="devices_differ",
            next_step="Put back what somebody changed on the VM in the pool, or cancel the conversion, then try again.",
            where=spec.name,
        )


def _unlike(kind: str, planned: dict[str, str], seen: dict[str, str]) -> Iterator[str]:
    """What differs, in words; an interface without a planned address may have any."""
    for place in sorted(planned.keys() | seen.keys()):
        if place not in seen:
            yield f"{kind} {place} is missing"
        elif place not in planned:
            yield f"{kind} {place} was added"
        elif planned[place] not in ("", seen[place]):
            yield f"{kind} {place} is another one ({seen[place] or 'empty'})"


def count_bytes(pool: XapiSession, row: Conversion, spec: ConversionSpec) -> None:
    """Once more at the end: devices, and bytes of every disk in = bytes out. Raises AskPerson `bytes_differ`.

    Counted apart: what was read, what finished segments took or nothing held, where the last segment ended, what the VDI holds.
    A segment that a crash cut short is sent again, so that the pool may have taken more than there is.
    """
    count_devices(pool, row, spec)
    capacity_bytes = {disk.device_key: disk.capacity_bytes for disk in spec.disks}
    for copy in selectors.disks_of(row):
        wanted, room = capacity_bytes[copy.device_key], vm.vdi_bytes(pool, copy.vdi_uuid)
        landed = copy.bytes_sent + copy.bytes_zero
        exact = copy.copied_at is not None and copy.bytes_copied == copy.durable_bytes == wanted
        if not exact or landed < wanted or room < wanted:
            progress.note_fault(copy, {"code": "bytes_differ"})
            raise AskPerson(
                f"{copy.label} of {spec.name} has {wanted} bytes; {copy.bytes_copied} were read, {landed} were taken by the pool "
                f"or empty, segments ended at {copy.durable_bytes}, and its VDI holds {room}",
                code="bytes_differ",
                next_step="Let nobody resize its VDI in the pool, then retry the conversion: it is copied from the start.",
                where=spec.name,
            )


PREPARE_STEPS: dict[str, Callable[[XapiSession, Conversion, ConversionSpec], None]] = {
    "check_target": check_target,
    "make_vm": make_vm,
    "make_disks": make_disks,
    "attach_nics": attach_nics,
    "attach_cd": attach_cd,
    "add_vtpm": add_vtpm,
    "count_devices": count_devices,
}


def is_running(pool: XapiSession, row: Conversion) -> bool:
    """Whether the VM already runs in the pool."""
    return vm.power_state(pool, row.target_vm_uuid) == "Running"


def keep_blocked(pool: XapiSession, row: Conversion) -> None:
    """Block the halted VM again where a worker died between unblocking and starting it."""
    vm.block(pool, row.target_vm_uuid, BLOCKED)


def start(pool: XapiSession, row: Conversion, *, just_before: Callable[[], None]) -> None:
    """Unblock the VM and start it; blocked again when it does not run, so that nobody starts it behind the gate's back.

    `just_before` is called in front of the pool's start, and ends it by raising.
    """
    vm.unblock(pool, row.target_vm_uuid)
    try:
        just_before()
        vm.start(pool, row.target_vm_uuid)
    finally:
        if not is_running(pool, row):
            vm.block(pool, row.target_vm_uuid, BLOCKED)


def require_running(pool: XapiSession, row: Conversion, spec: ConversionSpec) -> dict[str, object]:
    """What was seen of the started VM. Raises AskPerson when it does not run."""
    if not is_running(pool, row):
        raise AskPerson(
            f"{spec.name} was started in the pool and does not run",
            code="vm_not_running",
            next_step="Look at its console in the pool; roll it back, start it and finish it, or retry with discard_writes.",
            where=spec.name,
        )
    return {
        "power_state": "Running",
        "host_uuid": vm.resident_host(pool, row.target_vm_uuid),
        "guest_seen": False,  # a running VM is no booted guest: nobody has asked the guest yet
        "seen_at": now().isoformat(),
    }


def protect(pool: XapiSession, row: Conversion, spec: ConversionSpec) -> dict[str, object]:
    """Tell HA of the running VM; what HA does for it now. A refusal is told and stops nothing: the VM runs by now."""
    if not spec.ha_restart_priority:
        return {"ha_restart_priority": ""}
    try:
        vm.set_ha_restart_priority(pool, row.target_vm_uuid, spec.ha_restart_priority)
    except AskPerson as refused:
        note(row, f"HA does not protect it: {refused.message}")
        return {"ha_restart_priority": "", "unprotected_because": refused.message}
    return {"ha_restart_priority": spec.ha_restart_priority}


def stop_and_block(pool: XapiSession, row: Conversion) -> None:
    """Shut the VM down, hard if its guest does not obey, and keep it from starting.

    Raises: AskPerson `vm_not_at_rest` when the pool is still at work on it: its source must not run then.
    """
    try:  # by its uuid: without our tag, which anybody can take away, it runs all the same
        _unprotect(pool, row)
        vm.block(pool, row.target_vm_uuid, ROLLED_BACK)
    except ObjectGone:
        return  # never made, or removed by somebody: nothing of ours can run
    try:
        vm.shut_down(pool, row.target_vm_uuid)
    except vm.NotAtRest:
        raise
    except EdgeError as refused:
        note(row, f"The guest did not shut down, its power is cut: {refused.message}")
        vm.shut_down(pool, row.target_vm_uuid, force=True)


def _unprotect(pool: XapiSession, row: Conversion) -> None:
    """HA starts what it protects; what is shut down by order it leaves alone, so that a refusal stops nothing."""
    try:
        vm.set_ha_restart_priority(pool, row.target_vm_uuid, "")
    except ObjectGone:
        raise
    except AskPerson as refused:
        note(row, f"HA still protects the VM: {refused.message}")


def never_ran(pool: XapiSession, row: Conversion) -> bool:
    """Whether the pool shows that the VM never ran; what cannot be read shows nothing."""
    try:
        made = vm.made_before(pool, str(row.pk))
        return made is not None and not vm.has_run(pool, made)
    except EdgeError:
        return False


def remove_everything(pool: XapiSession, row: Conversion, *, even_if_it_ran: bool) -> list[tuple[str, str]]:
    """Remove the conversion's VM and VDIs, and close the ledger for what the pool has no more: (uuid, name) of what was removed.

    Raises:
        AskPerson: as the pool's side of it; `tag_missing` when something that was made is still there without our tag.
    """
    made = {entry.uuid: entry.kind.upper() for entry in selectors.open_ledger(row)}
    removed = vm.remove_everything(pool, str(row.pk), known=made, even_if_it_ran=even_if_it_ran)
    gone = [*removed.vms, *removed.vdis]
    still = {uuid: name for uuid, kind in made.items() if (name := vm.name_if_there(pool, kind, uuid)) is not None}
    progress.close_ledger(row.pk, made.keys() - still.keys())
    if still:
        if gone:
            note(row, f"Removed from the pool: {', '.join(uuid for uuid, _ in gone)}")
        raise _untagged(pool, row, still)
    return gone


def _untagged(pool: XapiSession, row: Conversion, still: dict[str, str]) -> AskPerson:
    names = ", ".join(sorted(f"{name} ({uuid})" for uuid, name in still.items()))
    return AskPerson(
        f"{pool.name}: {names} was made for {row.name} and is still there, but no longer carries its tag",
        code="tag_missing",
        next_step=f"Remove it yourself, or set other_config:{CONVERSION_KEY}={row.pk} on it again; "
        "then remove the pool's leftovers, or retry the conversion.",
        where=pool.name,
    )
