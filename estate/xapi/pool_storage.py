"""SRs, PBDs with their path counters, and HA state files of a pool as facts.

Source: the storage manager's multipath counters and the order in which XenCenter looks for an SR's SCSI id.
"""

from __future__ import annotations

import re

from estate.facts.pool import PbdFacts, SrFacts, StatefileFacts
from estate.facts.unknown import Unknown
from estate.xapi.errors import XapiError
from estate.xapi.records import Record, Snapshot
from estate.xapi.session import XapiSession

COUNTED_KINDS = frozenset({"iscsi", "lvmoiscsi", "lvmohba", "gfs2"})
"""SR types for which the storage manager counts paths."""
_LVM_KINDS = frozenset({"lvm", "lvmoiscsi", "lvmohba"})
_ZEROED_KINDS = frozenset(
    {"ext", "nfs", "smb", "cifs", "file", "xfs", "gfs2", "zfs", "largeblock", "cephfs", "glusterfs", "moosefs"}
)
"""File-based types: a new VDI is an empty file or image."""
_STATEFILE_KINDS = frozenset({"ha_statefile", "redo_log"})
_PATH_COUNTER = re.compile(r"\[(\d+)L?,\s*(\d+)L?\]")
_CANNOT_HOST = frozenset(
    {"SR_HAS_NO_PBDS", "INCOMPATIBLE_STATEFILE_SR", "SR_OPERATION_NOT_SUPPORTED", "SR_SOURCE_SPACE_INSUFFICIENT"}
)


def srs(session: XapiSession, snapshot: Snapshot) -> tuple[SrFacts, ...]:
    """All SRs."""
    return snapshot.collect("SR", lambda sr: _sr(session, sr))


def _sr(session: XapiSession, sr: Record) -> SrFacts:
    return SrFacts(
        uuid=sr.text("uuid"),
        name=sr.text("name_label"),
        kind=sr.text("type"),
        shared=sr.maybe_flag("shared"),
        content_type=sr.text("content_type"),
        physical_size_bytes=_measured(sr, "physical_size"),
        physical_utilisation_bytes=_measured(sr, "physical_utilisation"),
        new_vdis_are_zeroed=new_vdis_are_zeroed(sr.text("type"), sr.map("sm_config")),
        can_host_statefile=_can_host_statefile(session, sr),
    )


def _measured(sr: Record, name: str) -> int | Unknown:
    """A size in bytes; XAPI writes -1 where the driver has not measured yet."""
    value = sr.maybe_number(name)
    return Unknown(f"the SR's driver does not tell its {name}") if not isinstance(value, Unknown) and value < 0 else value


def new_vdis_are_zeroed(kind: str, sm_config: dict[str, str]) -> bool | Unknown:
    """Whether a fresh VDI of such an SR reads as zeros. LVM gives raw volumes with old bytes until it was switched to VHD."""
    if kind in _LVM_KINDS:
        return sm_config.get("use_vhd") == "true"
    return True if kind in _ZEROED_KINDS else Unknown(f"whether an SR of type {kind} gives zeroed VDIs is not known")


def _can_host_statefile(session: XapiSession, sr: Record) -> bool | Unknown:
    """Ask the pool itself; the call is a dry run and changes nothing."""
    if not sr.flag("shared") or sr.text("content_type") == "iso":
        return Unknown("asked for shared disk SRs only")
    try:
        session.call("SR.assert_can_host_ha_statefile", sr.ref)
    except XapiError as error:
        return False if error.xapi_code in _CANNOT_HOST else Unknown(error.message)
    return True


def pbds(snapshot: Snapshot) -> tuple[PbdFacts, ...]:
    """All connections of hosts to SRs, with their path counters."""
    return snapshot.collect("PBD", lambda pbd: _pbd(snapshot, pbd))


def _pbd(snapshot: Snapshot, pbd: Record) -> PbdFacts:
    sr = snapshot.table("SR").get(pbd.text("SR"))
    device, counters = pbd.map("device_config"), pbd.map("other_config")
    scsi_id = scsi_id_of(device, sr.map("sm_config") if sr else {})
    active, known = _path_counts(counters, scsi_id)
    return PbdFacts(
        uuid=pbd.text("uuid"),
        host_uuid=snapshot.table("host").uuid(pbd.text("host")) or "",
        sr_uuid=snapshot.table("SR").uuid(pbd.text("SR")) or "",
        currently_attached=pbd.maybe_flag("currently_attached"),
        multipathed=_multipathed(pbd, counters, sr),
        scsi_id=scsi_id,
        paths_active=active,
        paths_max=known,
        portals=_portals(device),
        uses_chap=bool(device.get("chapuser")),
        mount_options=_mount_options(pbd),
    )


def scsi_id_of(device_config: dict[str, str], sm_config: dict[str, str]) -> str | None:
    """The SCSI id of an SR's LUN, or None for SRs without one."""
    for found in (device_config.get("SCSIid"), device_config.get("ScsiId"), sm_config.get("SCSIid", "").split(",")[0]):
        if found:
            return found
    for key in sorted(sm_config):
        if key.startswith("scsi-"):
            return key.removeprefix("scsi-")
    return sm_config.get("devserial", "").removeprefix("scsi-").rstrip(",") or None


def path_counts_of(snapshot: Snapshot, pbd: Record) -> tuple[int | Unknown, int | Unknown]:
    """Active and most paths of a connection, as its host last counted them."""
    sr = snapshot.table("SR").get(pbd.text("SR"))
    scsi_id = scsi_id_of(pbd.map("device_config"), sr.map("sm_config") if sr else {})
    return _path_counts(pbd.map("other_config"), scsi_id)


def _path_counts(counters: dict[str, str], scsi_id: str | None) -> tuple[int | Unknown, int | Unknown]:
    written = counters.get(f"mpath-{scsi_id}", "")
    match = _PATH_COUNTER.search(written)
    if match is None:
        why = Unknown("the host keeps no path counter for this SR" if not written else f"the path counter reads {written!r}")
        return why, why
    return int(match[1]), int(match[2])


def _multipathed(pbd: Record, counters: dict[str, str], sr: Record | None) -> bool | Unknown:
    """The driver writes the key when it attaches: absent on an attached block SR, it says no."""
    if "multipathed" in counters:
        return counters["multipathed"] == "true"
    if sr is not None and sr.text("type") in COUNTED_KINDS and pbd.flag("currently_attached"):
        return False
    return Unknown("other_config:multipathed is not set")


def _mount_options(pbd: Record) -> str | Unknown:
    device = pbd.maybe_map("device_config")
    return device if isinstance(device, Unknown) else device.get("options", "")


def _portals(device: dict[str, str]) -> tuple[str, ...]:
    """Addresses and target names that the connection is configured for."""
    named = [device.get("target", ""), device.get("multihomelist", ""), device.get("targetIQN", ""), device.get("server", "")]
    return tuple(sorted({part.strip() for field in named for part in field.split(",")} - {"", "*"}))


def statefiles(snapshot: Snapshot, in_use: tuple[str, ...]) -> tuple[StatefileFacts, ...]:
    """VDIs that HA uses (`pool.ha_statefiles`) or kept from before."""
    return snapshot.collect("VDI", lambda vdi: _statefile(snapshot, vdi, in_use))


def _statefile(snapshot: Snapshot, vdi: Record, in_use: tuple[str, ...]) -> StatefileFacts | None:
    kind = vdi.text("type")
    if kind not in _STATEFILE_KINDS and vdi.ref not in in_use:
        return None
    return StatefileFacts(
        vdi_uuid=vdi.text("uuid"),
        vdi_type=kind,
        sr_uuid=snapshot.table("SR").uuid(vdi.text("SR")) or "",
        size_bytes=vdi.number("virtual_size"),
        in_use=vdi.ref in in_use,
    )
