"""VDI.* and SR.*: disks and the repositories they live in. The bytes go through transfer.py."""

from __future__ import annotations

from typing import Any

from lab.xapi_sim.construct import constructor_values
from lab.xapi_sim.context import Context, api_call
from lab.xapi_sim.failure import NULL, XapiFailure, handle_invalid
from lab.xapi_sim.operations import at_work
from lab.xapi_sim.pool import Pool
from lab.xapi_sim.storage import NO_SPACE


@api_call("VDI.create")
def create(context: Context, args: dict[str, Any]) -> str:
    """A fresh, all-zero VDI; virtual_size is rounded up to the driver's unit.

    Raises:
        XapiFailure: HANDLE_INVALID, SR_HAS_NO_PBDS, SR_OPERATION_NOT_SUPPORTED, SR_BACKEND_FAILURE_79 (size),
            SR_BACKEND_FAILURE_44 (no space).
    """
    values = constructor_values("VDI", args)
    _check_sr(context.pool, values["SR"])
    with at_work(context, "SR", values["SR"], "vdi_create", method="VDI.create"):
        return make_vdi(context.pool, values)


def make_vdi(pool: Pool, values: dict[str, Any]) -> str:
    """Make a VDI from checked values; also used by imports that name only an SR."""
    sr = values["SR"]
    _check_sr(pool, sr)
    pool.storage.report_full(sr, False)
    _run_into_full_fault(pool, sr)
    size_bytes = pool.storage.round_up(sr, values["virtual_size"])
    pool.storage.require_space(sr, pool.storage.claim_bytes(sr, size_bytes))
    fixed = {"virtual_size": size_bytes, "managed": True, "parent": NULL, "physical_utilisation": 0}
    kind = "vhd" if pool.storage.is_vhd(sr) else "aio"
    values["sm_config"] = {"vdi_type": kind} | values.get("sm_config", {})
    vdi = pool.store.create("VDI", **values | fixed)
    pool.store.set("VDI", vdi, location=pool.uuid_of("VDI", vdi))
    pool.storage.make_file(vdi)
    pool.storage.refresh(sr)
    return vdi


def _check_sr(pool: Pool, sr: str) -> None:
    if not pool.store.has("SR", sr):
        raise handle_invalid("SR", sr)
    if not pool.plugged_hosts(sr):
        raise XapiFailure("SR_HAS_NO_PBDS", sr)
    if pool.store.get("SR", sr, "content_type") == "iso":
        raise XapiFailure("SR_OPERATION_NOT_SUPPORTED", sr)


def _run_into_full_fault(pool: Pool, sr: str) -> None:
    """An armed sr_full fault without after_bytes refuses the creation itself."""
    names = (pool.store.get("SR", sr, "name_label"), pool.uuid_of("SR", sr))
    if pool.faults.take("sr_full", lambda fault: fault["sr"] in names and not fault.get("after_bytes")):
        pool.storage.report_full(sr)
        raise XapiFailure(*NO_SPACE)


@api_call("VDI.destroy")
def destroy(context: Context, self: str) -> None:
    """Remove a VDI, its file and the idle drives that point at it.

    Raises:
        XapiFailure: VDI_IN_USE while attached, imported into, or serving HA.
    """
    pool, record = context.pool, context.store.row("VDI", self).record
    attached = [vbd for vbd in record["VBDs"] if context.store.get("VBD", vbd, "currently_attached")]
    serves_ha = pool.armed_timeout_s is not None and record["type"] in ("ha_statefile", "redo_log")
    if attached or serves_ha:
        raise XapiFailure("VDI_IN_USE", self, "destroy")
    for vbd in list(record["VBDs"]):
        context.store.destroy("VBD", vbd)
    pool.storage.remove_file(self)
    context.store.destroy("VDI", self)
    pool.storage.report_full(record["SR"], False)


@api_call("VDI.resize")
def resize(context: Context, vdi: str, size: int) -> None:
    """Grow an idle VDI.

    Raises:
        XapiFailure: VDI_IN_USE; INVALID_VALUE when it would shrink; the SR's space and size errors.
    """
    pool, record = context.pool, context.store.row("VDI", vdi).record
    if any(context.store.get("VBD", vbd, "currently_attached") for vbd in record["VBDs"]):
        raise XapiFailure("VDI_IN_USE", vdi, "resize")
    wanted = pool.storage.round_up(record["SR"], size)
    if wanted < record["virtual_size"]:
        raise XapiFailure("INVALID_VALUE", "size", str(size))
    claim, now = pool.storage.claim_bytes(record["SR"], wanted), pool.storage.claim_bytes(record["SR"], record["virtual_size"])
    pool.storage.require_space(record["SR"], claim - now)
    pool.storage.resize_file(vdi, wanted)
    context.store.set("VDI", vdi, virtual_size=wanted)
    pool.storage.refresh(record["SR"])


@api_call("VDI.update")
def update_vdi(context: Context, vdi: str) -> None:
    """Refresh the figures of one VDI."""
    context.pool.storage.refresh(context.store.get("VDI", vdi, "SR"))


@api_call("SR.scan", "SR.update")
def scan(context: Context, sr: str) -> None:
    """Refresh the figures of an SR.

    Raises:
        XapiFailure: SR_HAS_NO_PBDS.
    """
    if not context.pool.plugged_hosts(sr):
        raise XapiFailure("SR_HAS_NO_PBDS", sr)
    context.pool.storage.refresh(sr)


@api_call("SR.get_supported_types")
def get_supported_types(context: Context) -> list[str]:
    """Driver names."""
    return [row.record["type"] for _, row in context.store.rows("SM")]
