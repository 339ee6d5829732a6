"""What an earlier attempt at a conversion left in the pool, before it is taken up again: used as it is, refused, or removed.

A VM that ran holds what is nowhere else; its disks are copied over or removed only when a person has said so.
"""

from __future__ import annotations

from estate.errors import AskPerson
from estate.xapi import vm
from estate.xapi.session import XapiSession
from migration.conversion.core.spec import ConversionSpec
from migration.conversion.models import Conversion
from migration.conversion.services import progress
from migration.conversion.services.transitions import note
from migration.conversion.work import target


def settle(pool: XapiSession, row: Conversion, spec: ConversionSpec, *, discard_writes: bool) -> None:
    """See to it that nothing is lost by copying into what is there; a VM that is there stays blocked, so that this holds.

    Raises: AskPerson `target_vm_runs`, `vdi_shared`, or `vm_has_run` without `discard_writes`.
    """
    made = vm.made_before(pool, str(row.pk))
    if made is not None:
        _require_at_rest(pool, str(made["uuid"]), spec)
        if target.never_ran(pool, row):
            vm.require_ours(pool, str(row.pk))
            progress.forget_start(row)
            return
    elif row.start_asked_at is None and not (row.target_vm_uuid and vm.leftovers(pool, str(row.pk)).vdis):
        return  # without its VM nobody can say whether its disks were ever booted from; but there are none
    if not discard_writes:
        raise _has_run(spec)
    progress.note_may_have_run(row)
    removed = target.remove_everything(pool, row, even_if_it_ran=True)
    progress.start_anew(row)
    told = ", ".join(uuid for uuid, _ in removed) or "nothing was left"
    note(row, f"Removed with what it wrote in the pool, as asked for: {told}")


def require_untouched(pool: XapiSession, row: Conversion, spec: ConversionSpec) -> None:
    """Before bytes are written, or the VM is started: it is halted and blocked, never ran, and its disks are its own.

    Raises: AskPerson `vm_gone`, `target_vm_runs`, `vm_has_run`, `vdi_shared`.
    """
    made = vm.made_before(pool, str(row.pk))
    if made is None:
        raise AskPerson(
            f"{spec.name} is no longer in the pool, or no longer carries our tag",
            code="vm_gone",
            next_step="Retry the conversion once it has failed: what is missing is made again.",
            where=spec.name,
        )
    _require_at_rest(pool, str(made["uuid"]), spec)
    if not target.never_ran(pool, row):
        raise _has_run(spec)
    vm.require_ours(pool, str(row.pk))


def _require_at_rest(pool: XapiSession, vm_uuid: str, spec: ConversionSpec) -> None:
    _require_halted(pool, vm_uuid, spec)
    vm.block(pool, vm_uuid, target.BLOCKED)
    _require_halted(pool, vm_uuid, spec)  # nobody was faster


def _require_halted(pool: XapiSession, vm_uuid: str, spec: ConversionSpec) -> None:
    """A VM that somebody started meanwhile holds its disks: copying over them would destroy what it writes."""
    seen = vm.power_state(pool, vm_uuid)
    if seen != "Halted":
        raise AskPerson(
            f"{spec.name} is {seen} in the pool, so it is not copied again",
            code="target_vm_runs",
            next_step="Roll this conversion back; or shut the VM down in the pool and retry with discard_writes.",
            where=spec.name,
        )


def _has_run(spec: ConversionSpec) -> AskPerson:
    return AskPerson(
        f"{spec.name} has run in the pool, or may have: what it wrote would be lost if its source were copied again",
        code="vm_has_run",
        next_step="Roll this conversion back, which keeps its disks; or retry with discard_writes, if what it wrote may be lost.",
        where=spec.name,
    )
