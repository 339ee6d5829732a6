"""Who may touch a VDI now: whether somebody holds it, which host can serve it, and what its unwritten ranges read as."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from estate.xapi.errors import HostUnreachable, ObjectGone, VdiInUse
from estate.xapi.pool_storage import new_vdis_are_zeroed
from estate.xapi.session import NULL_REF, XapiSession
from estate.xapi.vm_spec import LARGEST_VHD_BYTES, VHD_SR_KINDS

_POLL_S = 0.1


def reads_as_zero(session: XapiSession, vdi_uuid: str) -> bool:
    """Whether a VDI that was never written surely reads as zeros, so that zeros need not be sent."""
    return _zeroed(*_records(session, vdi_uuid))


def is_vhd(session: XapiSession, vdi_uuid: str) -> bool:
    """Whether the VDI surely is a VHD, so that its own table tells which blocks were ever written."""
    vdi, sr = _records(session, vdi_uuid)
    is_other = vdi.get("sm_config", {}).get("image-format", "vhd") != "vhd" or int(vdi["virtual_size"]) > LARGEST_VHD_BYTES
    return str(sr["type"]) in VHD_SR_KINDS and _zeroed(vdi, sr) and not is_other


def _records(session: XapiSession, vdi_uuid: str) -> tuple[dict[str, Any], dict[str, Any]]:
    vdi = session.call("VDI.get_record", session.call("VDI.get_by_uuid", vdi_uuid))
    return vdi, session.call("SR.get_record", vdi["SR"])


def _zeroed(vdi: dict[str, Any], sr: dict[str, Any]) -> bool:
    if vdi.get("sm_config", {}).get("type") == "raw":
        return False
    return new_vdis_are_zeroed(str(sr["type"]), sr.get("sm_config", {})) is True


def wait_until_free(session: XapiSession, vdi: str, *, deadline_s: float, alive: Callable[[], None] | None = None) -> None:
    """Wait until no VBD holds the VDI: dom0 lets go of it some time after a request ended.

    Raises:
        VdiInUse: somebody still holds it at the deadline.
    """
    end_s = time.monotonic() + deadline_s
    while holders := _holders(session, vdi):
        if time.monotonic() > end_s:
            raise VdiInUse(
                f"{session.name}: the VDI {session.call('VDI.get_name_label', vdi)} is attached to {', '.join(holders)}",
                next_step="Shut that VM down or detach the VDI from it, then start again. A control domain lets go when its "
                "transfer ends: if the worker of that is gone, cancel its task in the pool, or restart that host's toolstack.",
                where=session.name,
            )
        (alive or session.alive)()
        time.sleep(_POLL_S)


def _holders(session: XapiSession, vdi: str) -> list[str]:
    """Names of the VMs that have the VDI attached."""
    names = (_holder(session, vbd) for vbd in session.call("VDI.get_VBDs", vdi))
    return [name for name in names if name is not None]


def _holder(session: XapiSession, vbd: str) -> str | None:
    try:
        if not session.call("VBD.get_currently_attached", vbd):
            return None
        return str(session.call("VM.get_name_label", session.call("VBD.get_VM", vbd)))
    except ObjectGone:
        return None  # dom0's drive went away between two calls, which is what is being waited for


def serving_address(session: XapiSession, vdi: str) -> str:
    """Address of a live host with the VDI's SR plugged: the coordinator if it is one of them, which saves a redirect.

    Raises:
        HostUnreachable: no live host has the SR.
    """
    sr = session.call("VDI.get_SR", vdi)
    pbds = [session.call("PBD.get_record", pbd) for pbd in session.call("SR.get_PBDs", sr)]
    hosts = [pbd["host"] for pbd in pbds if pbd.get("currently_attached") and pbd.get("host") != NULL_REF]
    addresses = sorted(str(session.call("host.get_address", host)) for host in hosts if _is_live(session, host))
    if not addresses:
        raise HostUnreachable(
            f"{session.name}: no live host is connected to the SR {session.call('SR.get_name_label', sr)}",
            next_step="Repair the SR's connections in the pool, then start again.",
            where=session.name,
        )
    return session.address if session.address in addresses else addresses[0]


def _is_live(session: XapiSession, host: str) -> bool:
    return bool(session.call("host_metrics.get_live", session.call("host.get_metrics", host)))
