"""HA on, HA off and the plan: what pool.enable_ha checks and does, in the order the real one does it.

The arithmetic is in ha_model.py and ha_plan.py; the API's doors to it in calls_ha.py. Source: xapi_ha.ml `enable`,
xha_statefile.ml, xapi_ha_vm_failover.ml.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lab.xapi_sim.agility import first_obstacle
from lab.xapi_sim.failure import NULL, XapiFailure, internal
from lab.xapi_sim.ha_model import effective_timeout_s
from lab.xapi_sim.ha_plan import PlanInput, ProtectedVm, largest_tolerable_failures
from lab.xapi_sim.pool import Pool

STATEFILE_BYTES = 4 << 20
REDO_LOG_BYTES = 3_988_783_104
NEEDED_FEATURES = {"VDI_GENERATE_CONFIG", "VDI_ATTACH_OFFLINE"}
JOIN_LAB_S = 20.0
LEAVE_LAB_S = 10.0
METADATA_VDIS = (("ha_statefile", "Statefile for HA", STATEFILE_BYTES), ("redo_log", "Metadata for HA", REDO_LOG_BYTES))


def assert_can_host_statefile(pool: Pool, sr: str) -> None:
    """The dry run of SR.assert_can_host_ha_statefile.

    Raises:
        XapiFailure: SR_HAS_NO_PBDS, SR_OPERATION_NOT_SUPPORTED, SR_SOURCE_SPACE_INSUFFICIENT.
    """
    attached = {
        pool.store.get("PBD", pbd, "host")
        for pbd in pool.store.get("SR", sr, "PBDs")
        if pool.store.get("PBD", pbd, "currently_attached")
    }
    if attached != set(pool.fabric.hosts):
        raise XapiFailure("SR_HAS_NO_PBDS", sr)
    drivers = pool.store.where("SM", type=pool.store.get("SR", sr, "type"))
    if not any(NEEDED_FEATURES & pool.store.get("SM", driver, "features").keys() for driver in drivers):
        raise XapiFailure("SR_OPERATION_NOT_SUPPORTED", sr)
    missing = sum(size for kind, _, size in METADATA_VDIS if not _reusable(pool, sr, kind, size))
    if missing and pool.storage.free_bytes(sr) < missing:
        raise XapiFailure("SR_SOURCE_SPACE_INSUFFICIENT", sr)


def enable(pool: Pool, srs: list[str], configuration: Mapping[str, str]) -> None:
    """Switch HA on; `ha_configuration` is overwritten with the given map, whatever it holds.

    Raises:
        XapiFailure: everything pool.enable_ha documents; INTERNAL_ERROR for an odd timeout or one below 10.
    """
    _assert_may_enable(pool)
    sr = _choose_sr(pool, srs)
    try:
        timeout_s = effective_timeout_s(configuration, pool.store.get("pool", pool.ref, "other_config"))
    except ValueError as error:
        raise internal(f"Failure({error})") from error
    pool.store.set("pool", pool.ref, ha_configuration=dict(configuration))
    _arm(pool, sr, timeout_s, JOIN_LAB_S)


def disable(pool: Pool) -> None:
    """Switch HA off; ha_configuration and ha_statefiles keep what they had.

    Raises:
        XapiFailure: HA_NOT_ENABLED.
    """
    if not pool.store.get("pool", pool.ref, "ha_enabled"):
        raise XapiFailure("HA_NOT_ENABLED")
    pool.linger(LEAVE_LAB_S)
    pool.armed_timeout_s = None
    pool.store.set("pool", pool.ref, ha_enabled=False, ha_plan_exists_for=0, ha_overcommitted=False)
    for host in pool.fabric.hosts:
        pool.store.set("host", host, ha_statefiles=[], ha_network_peers=[])


def switch_on_at_start(pool: Pool) -> None:
    """Bring a fresh pool into the HA state of its spec, without waiting."""
    ha = pool.spec.ha
    if ha.enabled:
        sr = pool.store.where("SR", name_label=ha.heartbeat_sr)[0]
        recorded = pool.store.row("pool", pool.ref).record
        timeout_s = effective_timeout_s(recorded["ha_configuration"], recorded["other_config"])
        pool.store.set("pool", pool.ref, ha_host_failures_to_tolerate=ha.failures_to_tolerate)
        _arm(pool, sr, timeout_s, 0.0)


def refresh_liveset(pool: Pool) -> None:
    """Bring ha_network_peers and ha_statefiles of all hosts in line with what they see now."""
    if pool.armed_timeout_s is None:
        return
    statefiles = pool.store.get("pool", pool.ref, "ha_statefiles")
    sr = heartbeat_sr(pool)
    for host in pool.fabric.hosts:
        live = pool.fabric.is_up(host)
        peers = [pool.uuid_of("host", peer) for peer in (host, *pool.fabric.peers(host))] if live else []
        sees = live and host in pool.plugged_hosts(sr) and reaches(pool, host, sr)
        pool.store.set("host", host, ha_network_peers=peers, ha_statefiles=list(statefiles) if sees else [])


def heartbeat_sr(pool: Pool) -> str:
    """The SR of the statefile, NULL when HA was never on."""
    files = pool.store.get("pool", pool.ref, "ha_statefiles")
    return str(pool.store.get("VDI", files[0], "SR")) if files and pool.store.has("VDI", files[0]) else NULL


def reaches(pool: Pool, host: str, sr: str) -> bool:
    """Whether the host has a path to the SR; SRs without storage nodes are always reached."""
    name = pool.store.get("SR", sr, "name_label")
    nodes = next((tuple(spec.portals) for spec in pool.spec.srs if spec.name == name), ())
    return not nodes or bool(pool.fabric.active_paths(host, nodes))


def protected_vms(pool: Pool, wanted: Mapping[str, str] | None = None) -> tuple[ProtectedVm, ...]:
    """The VMs the plan is about: the protected ones, or exactly those of `wanted` with priority restart."""
    if wanted is not None:
        vms = [vm for vm, priority in wanted.items() if priority == "restart"]
    else:
        vms = pool.store.where("VM", ha_restart_priority="restart", ha_always_run=True, is_a_template=False)
    return tuple(_protected(pool, vm) for vm in vms)


def plan_input(pool: Pool, wanted: Mapping[str, str] | None = None) -> PlanInput:
    """The planner's question as the pool stands now."""
    free = {host: pool.free_memory_bytes(host) for host in pool.enabled_hosts()}
    return PlanInput(free, len(pool.fabric.hosts), protected_vms(pool, wanted))


def recompute_plan(pool: Pool) -> int:
    """Compute the maximum; with HA on, write ha_plan_exists_for and ha_overcommitted and warn about a drop."""
    most = largest_tolerable_failures(plan_input(pool))
    if pool.armed_timeout_s is None:
        return most
    record = pool.store.row("pool", pool.ref).record
    exists_for = min(most, record["ha_host_failures_to_tolerate"])
    overcommitted = most < record["ha_host_failures_to_tolerate"]
    if exists_for < record["ha_plan_exists_for"]:
        pool.alerts.post("HA_POOL_DROP_IN_PLAN_EXISTS_FOR", "Pool", record["uuid"], str(exists_for))
    if overcommitted and not record["ha_overcommitted"]:
        name = record["name_label"]
        body = f"The failover tolerance for pool '{name}' has dropped below the number of failures to tolerate"
        pool.alerts.post("HA_POOL_OVERCOMMITTED", "Pool", record["uuid"], body)
    pool.store.set("pool", pool.ref, ha_plan_exists_for=exists_for, ha_overcommitted=overcommitted)
    return most


def assert_plan_survives(pool: Pool, added: ProtectedVm, taken: Mapping[str, int]) -> None:
    """Refuse protecting or starting a VM that would break a plan that holds now.

    `taken` is memory that goes away from hosts with the operation, in bytes by host.

    Raises:
        XapiFailure: HA_OPERATION_WOULD_BREAK_FAILOVER_PLAN.
    """
    record = pool.store.row("pool", pool.ref).record
    if pool.armed_timeout_s is None or record["ha_allow_overcommit"]:
        return
    now = plan_input(pool)
    wanted = record["ha_host_failures_to_tolerate"]
    free = {host: size - taken.get(host, 0) for host, size in now.free_bytes.items()}
    others = tuple(vm for vm in now.vms if vm.vm != added.vm)
    then = PlanInput(free, now.host_count, (*others, added))
    if largest_tolerable_failures(now) >= wanted > largest_tolerable_failures(then):
        raise XapiFailure("HA_OPERATION_WOULD_BREAK_FAILOVER_PLAN")


def _protected(pool: Pool, vm: str) -> ProtectedVm:
    host = pool.store.get("VM", vm, "resident_on")
    agile = first_obstacle(pool, vm) is None
    return ProtectedVm(vm, pool.vm_need_bytes(vm), host if host != NULL else None, agile)


def _assert_may_enable(pool: Pool) -> None:
    record = pool.store.row("pool", pool.ref).record
    if record["ha_enabled"]:
        raise XapiFailure("HA_IS_ENABLED")
    if record["restrictions"].get("enable_xha") != "true":
        raise XapiFailure("LICENCE_RESTRICTION", "HA")
    unplugged = pool.store.where("PIF", disallow_unplug=True, currently_attached=False)
    if unplugged:
        raise XapiFailure("REQUIRED_PIF_IS_UNPLUGGED", *unplugged)
    _warn_of_loose_pifs(pool, record["uuid"])
    for host in pool.fabric.hosts:
        if not pool.fabric.is_up(host):
            raise XapiFailure("HOST_OFFLINE", host)


def _warn_of_loose_pifs(pool: Pool, pool_uuid: str) -> None:
    lines = [
        f"{pool.store.get('host', pif['host'], 'hostname')}: {pif['device']} (uuid: {pif['uuid']})"
        for pif in (row.record for _, row in pool.store.rows("PIF"))
        if pif["IP"] and not pif["management"] and not pif["disallow_unplug"] and pif["bond_slave_of"] == NULL
    ]
    if lines:
        pool.alerts.post("IP_CONFIGURED_PIF_CAN_UNPLUG", "Pool", pool_uuid, "\n".join(lines))


def _choose_sr(pool: Pool, srs: list[str]) -> str:
    if srs:
        if not pool.store.has("SR", srs[0]):
            raise XapiFailure("HANDLE_INVALID", "SR", srs[0])
        assert_can_host_statefile(pool, srs[0])
        return srs[0]
    for sr in pool.store.refs("SR"):
        try:
            assert_can_host_statefile(pool, sr)
        except XapiFailure:
            continue  # not this one; the call fails only when none is able
        return sr
    raise XapiFailure("CANNOT_CREATE_STATE_FILE")


def _arm(pool: Pool, sr: str, timeout_s: int, join_lab_s: float) -> None:
    files = {kind: _metadata_vdi(pool, sr, kind, label, size) for kind, label, size in METADATA_VDIS}
    pool.linger(join_lab_s)
    for host in pool.fabric.hosts:
        if not reaches(pool, host, sr):
            raise XapiFailure("HA_HOST_CANNOT_ACCESS_STATEFILE", host)
        if host in pool.fabric.isolated:
            raise XapiFailure("HA_FAILED_TO_FORM_LIVESET")
    pool.armed_timeout_s = timeout_s
    pool.store.set("pool", pool.ref, ha_enabled=True, ha_statefiles=[files["ha_statefile"]])
    refresh_liveset(pool)
    recompute_plan(pool)


def _reusable(pool: Pool, sr: str, kind: str, size_bytes: int) -> str:
    fitting = (v for v in pool.store.where("VDI", SR=sr, type=kind) if pool.store.get("VDI", v, "virtual_size") >= size_bytes)
    return next(fitting, "")


def _metadata_vdi(pool: Pool, sr: str, kind: str, label: str, size_bytes: int) -> str:
    existing = _reusable(pool, sr, kind, size_bytes)
    if existing:
        return existing
    values: dict[str, Any] = {"name_label": label, "name_description": "Used for master failover and HA", "type": kind}
    vdi = pool.store.create(
        "VDI", SR=sr, virtual_size=size_bytes, sharable=True, managed=True, parent=NULL, sm_config={"type": "raw"}, **values
    )
    pool.storage.make_file(vdi)
    pool.storage.refresh(sr)
    return vdi
