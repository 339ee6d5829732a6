"""SRs, PBDs, SM drivers and library ISOs of a fresh pool."""

from __future__ import annotations

from lab.xapi_sim.failure import NULL
from lab.xapi_sim.multipath import write_path_counts
from lab.xapi_sim.pool import Pool
from lab.xapi_sim.spec import SrSpec

COMMON_FEATURES = ("SR_PROBE", "SR_UPDATE", "VDI_CREATE", "VDI_DELETE", "VDI_ATTACH", "VDI_DETACH", "VDI_RESIZE",
                   "VDI_CLONE", "VDI_SNAPSHOT", "VDI_UPDATE", "VDI_CONFIG_CBT")  # fmt: skip
STATEFILE_DRIVERS = ("lvmoiscsi", "lvmohba", "nfs", "smb", "file", "ext")
DRIVER_NAMES = {"lvmoiscsi": "LVM over iSCSI", "nfs": "NFS VHD", "lvm": "Local LVM", "iso": "ISO"}
ISO_BYTES = 128 << 20


def populate(pool: Pool) -> None:
    """Make the drivers, the SRs with a plugged PBD on each of their hosts, and the pool's default SR."""
    for driver in DRIVER_NAMES:
        _driver(pool, driver)
    for spec in pool.spec.srs:
        sr = _sr(pool, spec)
        if pool.store.get("pool", pool.ref, "default_SR") == NULL and spec.shared and spec.type != "iso":
            pool.store.set("pool", pool.ref, default_SR=sr, suspend_image_SR=sr, crash_dump_SR=sr)


def _driver(pool: Pool, driver: str) -> None:
    extra = ("VDI_GENERATE_CONFIG",) if driver in STATEFILE_DRIVERS else ()
    features = () if driver == "iso" else COMMON_FEATURES + extra
    pool.store.create(
        "SM",
        uuid=pool.spec.stable_uuid(f"sm/{driver}"),
        name_label=DRIVER_NAMES[driver],
        type=driver,
        vendor="Cloud Software Group",
        version="3.0",
        required_api_version="1.0",
        features=dict.fromkeys(features, 1),
        capabilities=list(features),
        driver_filename=f"/opt/xensource/sm/{driver.upper()}SR",
    )


def _sr(pool: Pool, spec: SrSpec) -> str:
    sr = pool.store.create(
        "SR",
        uuid=pool.spec.stable_uuid(f"sr/{spec.name}"),
        name_label=spec.name,
        type=spec.type,
        content_type="iso" if spec.type == "iso" else "user",
        shared=spec.shared,
        physical_size=spec.physical_size_bytes,
        sm_config=_sm_config(spec),
        other_config={"auto-scan": "false"} if spec.type != "iso" else {"auto-scan": "true"},
        allowed_operations=["vdi_create", "vdi_destroy", "scan", "plug", "unplug", "update"],
    )
    pool.storage.foreign_bytes[sr] = spec.used_bytes
    for host, host_spec in pool.fabric.hosts.items():
        if spec.hosts is None or host_spec.name in spec.hosts:
            _pbd(pool, spec, sr, host)
    for name in spec.isos:
        _iso(pool, sr, name)
    pool.storage.refresh(sr)
    return sr


def _sm_config(spec: SrSpec) -> dict[str, str]:
    config = {}
    if spec.is_block:
        config = {"allocation": "thick", "devserial": f"scsi-{spec.scsi_id}", "multipathable": "true"}
        if spec.use_vhd:
            config["use_vhd"] = "true"
    if spec.type == "iso":
        config = {"iso_type": "nfs_iso"}
    return config


def device_config(spec: SrSpec) -> dict[str, str]:
    """What `xe pbd-list params=device-config` would show for the SR."""
    if spec.type == "lvmoiscsi":
        portals = list(spec.portals.values())
        return {
            "SCSIid": spec.scsi_id,
            "target": portals[0] if portals else "",
            "targetIQN": "iqn.2000-08.example.san:lun01",
            "multihomelist": ",".join(f"{portal}:3260" for portal in portals),
            "port": "3260",
        }
    if spec.type == "iso":
        return {"location": f"{spec.server}:{spec.path}", "type": "nfs_iso"}
    return {"server": spec.server, "serverpath": spec.path} if spec.type == "nfs" else {"device": "/dev/sdb"}


def _pbd(pool: Pool, spec: SrSpec, sr: str, host: str) -> None:
    name = pool.store.get("host", host, "name_label")
    pbd = pool.store.create(
        "PBD",
        uuid=pool.spec.stable_uuid(f"pbd/{spec.name}/{name}"),
        SR=sr,
        host=host,
        device_config=device_config(spec),
        currently_attached=True,
    )
    write_path_counts(pool, pbd)


def _iso(pool: Pool, sr: str, name: str) -> None:
    pool.store.create(
        "VDI",
        uuid=pool.spec.stable_uuid(f"iso/{name}"),
        name_label=name,
        location=name,
        SR=sr,
        virtual_size=ISO_BYTES,
        physical_utilisation=0,
        type="user",
        read_only=True,
        sharable=True,
        managed=True,
        parent=NULL,
    )
