"""Multipath figures in PBD.other_config: `multipathed` and `mpath-<SCSIid>` = "[active, max]".

`max` only grows while a PBD stays plugged and the host runs; both keys go away when it is unplugged or the host
reboots. Source: sm mpathcount.py.
"""

from __future__ import annotations

import re

from lab.xapi_sim.pool import Pool
from lab.xapi_sim.spec import SrSpec
from lab.xapi_sim.values import DATE_FORMAT

COUNTS = re.compile(r"\[(\d+)L?, (\d+)L?\]")


def sr_spec(pool: Pool, sr: str) -> SrSpec | None:
    """The description an SR was made from, None for one made later."""
    name = pool.store.get("SR", sr, "name_label")
    return next((spec for spec in pool.spec.srs if spec.name == name), None)


def is_multipathed(pool: Pool, pbd: str) -> bool:
    """Whether path counts are kept for the PBD: a block SR with portals, on a host with multipathing on."""
    record = pool.store.row("PBD", pbd).record
    spec = sr_spec(pool, record["SR"])
    on = bool(pool.store.get("host", record["host"], "multipathing"))
    return spec is not None and spec.is_block and len(spec.portals) > 1 and on


def write_path_counts(pool: Pool, pbd: str, forget_max: bool = False) -> str:
    """Bring the PBD's keys in line with the paths its host has now; returns the alert line of a change, or ""."""
    record = pool.store.row("PBD", pbd).record
    spec = sr_spec(pool, record["SR"])
    if spec is None or not is_multipathed(pool, pbd):
        return ""
    key = f"mpath-{spec.scsi_id}"
    kept = {k: v for k, v in record["other_config"].items() if k not in (key, "multipathed", "iscsi_sessions")}
    if record["currently_attached"]:
        active = len(pool.fabric.active_paths(record["host"], spec.portals))
        before = COUNTS.fullmatch(record["other_config"].get(key, ""))
        most = max(active, int(before.group(2)) if before and not forget_max else 0)
        kept |= {"multipathed": "true", key: f"[{active}, {most}]", "iscsi_sessions": str(active)}
    before_text = record["other_config"].get(key)
    pool.store.set("PBD", pbd, other_config=kept)
    return _alert_line(pool, pbd, spec.scsi_id, kept[key]) if before_text and key in kept and kept[key] != before_text else ""


def write_all_path_counts(pool: Pool, rebooted: frozenset[str] = frozenset()) -> None:
    """The same for every PBD of a live host; hosts in `rebooted` start counting anew. Changes make one alert."""
    lines = [
        write_path_counts(pool, pbd, forget_max=pool.store.get("PBD", pbd, "host") in rebooted)
        for pbd in pool.store.refs("PBD")
        if pool.fabric.is_up(pool.store.get("PBD", pbd, "host"))
    ]
    changed = [line for line in lines if line]
    if changed:
        body = "\n".join(["Events received during the last 120 seconds:", *changed])
        pool.alerts.post("MULTIPATH_PERIODIC_ALERT", "Pool", pool.uuid_of("pool", pool.ref), body)


def _alert_line(pool: Pool, pbd: str, scsi_id: str, counts: str) -> str:
    host = pool.store.row("host", pool.store.get("PBD", pbd, "host")).record
    current, most = counts.strip("[]").split(", ")
    return (
        f'[{pool.clock.now():{DATE_FORMAT}}] host={host["uuid"]}; host-name="{host["name_label"]}"; '
        f"pbd={pool.uuid_of('PBD', pbd)}; scsi_id={scsi_id}; current={current}; max={most}"
    )
