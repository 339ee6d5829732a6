"""Bad states a pool can be put into at once, named by the readiness check that has to notice: records, as a sick pool shows them.

They stay until the pool is started anew. Faults that play out over time (cuts, fences, heals) are in trials.py.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

from lab.xapi_sim.failure import NULL
from lab.xapi_sim.pool import Pool

MIB = 1 << 20


def _second_host(pool: Pool) -> str:
    return pool.store.refs("host")[1]


def _host(**values: Any) -> Callable[[Pool], None]:
    return lambda pool: pool.store.set("host", _second_host(pool), **values)


def _pool(**values: Any) -> Callable[[Pool], None]:
    return lambda pool: pool.store.set("pool", pool.ref, **values)


def _host_key(field: str, key: str, value: str) -> Callable[[Pool], None]:
    return lambda pool: pool.store.put_key("host", _second_host(pool), field, key, value)


def _says(name: str, body: str = "", times: int = 1) -> Callable[[Pool], None]:
    def post(pool: Pool) -> None:
        for _ in range(times):
            pool.alerts.post(name, "Host", pool.uuid_of("host", _second_host(pool)), body)

    return post


def _certificate_ends(pool: Pool) -> None:
    (ref,) = pool.store.where("Certificate", host=_second_host(pool), type="host")
    pool.store.set("Certificate", ref, not_after=pool.clock.now() + datetime.timedelta(days=3))


def _management(pool: Pool) -> str:
    return pool.store.where("PIF", host=_second_host(pool), management=True)[0]


def _by_dhcp(pool: Pool) -> None:
    pool.store.set("PIF", _management(pool), ip_configuration_mode="DHCP")


def _bond(pool: Pool) -> str:
    return pool.store.where("Bond", master=_management(pool))[0]


def _one_card(pool: Pool) -> None:
    for port, slave in enumerate(pool.store.get("Bond", _bond(pool), "slaves")):
        pool.store.set("PIF_metrics", pool.store.get("PIF", slave, "metrics"), pci_bus_path=f"0000:3b:00.{port}")


def _link_lost(pool: Pool) -> None:
    slave = pool.store.get("Bond", _bond(pool), "slaves")[0]
    pool.store.set("PIF_metrics", pool.store.get("PIF", slave, "metrics"), carrier=False)
    pool.store.set("Bond", _bond(pool), links_up=1)


def _guest_on_management(pool: Pool) -> None:
    network = pool.store.get("PIF", _management(pool), "network")
    pool.store.set("VIF", pool.store.refs("VIF")[0], network=network)


def _other_mtu(pool: Pool) -> None:
    pool.store.set("PIF", _management(pool), MTU=9000)


def _statefile_sr(pool: Pool) -> str:
    vdi = pool.store.get("pool", pool.ref, "ha_statefiles")[0]
    return str(pool.store.get("VDI", vdi, "SR"))


def _pbd(pool: Pool) -> str:
    return pool.store.where("PBD", SR=_statefile_sr(pool), host=_second_host(pool))[0]


def _unplugged(pool: Pool) -> None:
    pool.store.set("PBD", _pbd(pool), currently_attached=False)


def _with_chap(pool: Pool) -> None:
    pool.store.put_key("PBD", _pbd(pool), "device_config", "chapuser", "xen")


def _path_lost(pool: Pool) -> None:
    config = pool.store.get("PBD", _pbd(pool), "other_config")
    key = next(key for key in config if key.startswith("mpath-"))
    pool.store.put_key("PBD", _pbd(pool), "other_config", key, "[1, 2]")


def _portal_lost(pool: Pool) -> None:
    config = pool.store.get("PBD", _pbd(pool), "device_config")
    pool.store.put_key("PBD", _pbd(pool), "device_config", "multihomelist", config["multihomelist"].split(",")[0])


def _full_sr(pool: Pool) -> None:
    sr = _statefile_sr(pool)
    size = pool.store.get("SR", sr, "physical_size")
    pool.store.set("SR", sr, physical_utilisation=size - 100 * MIB)


def _dead_cluster(pool: Pool) -> None:
    pool.store.create("Cluster", is_quorate=True, cluster_stack="corosync", token_timeout=20.0)


def _cluster_not_whole(pool: Pool) -> None:
    pool.store.set("pool", pool.ref, ha_cluster_stack="corosync")
    cluster = pool.store.create("Cluster", is_quorate=True, cluster_stack="corosync", token_timeout=20.0)
    members = []
    for host in pool.store.refs("host"):
        pif, joined = pool.store.where("PIF", host=host, management=True)[0], host != _second_host(pool)
        state = {"enabled": True, "joined": joined, "live": True}
        members.append(pool.store.create("Cluster_host", cluster=cluster, host=host, PIF=pif, **state))
    pool.store.set("Cluster", cluster, cluster_hosts=members)


def _running_guest(pool: Pool) -> str:
    return pool.store.where("VM", power_state="Running", is_control_domain=False)[0]


def _protected(pool: Pool, **values: Any) -> str:
    vm = _running_guest(pool)
    pool.store.set("VM", vm, ha_restart_priority="restart", ha_always_run=True, **values)
    return vm


def _disk_on_local_sr(pool: Pool) -> None:
    vm = _protected(pool)
    sr = pool.store.create("SR", name_label="local", type="ext", shared=False, physical_size=1 << 40)
    vbd = pool.store.get("VM", vm, "VBDs")[0]
    pool.store.set("VDI", pool.store.get("VBD", vbd, "VDI"), SR=sr)


def _on_host_only_network(pool: Pool) -> None:
    vm = _protected(pool)
    network = pool.store.create("network", name_label="host-only", bridge="xapi99")
    pool.store.set("VIF", pool.store.get("VM", vm, "VIFs")[0], network=network)


def _with_device(pool: Pool) -> None:
    pool.store.set("VM", _protected(pool), attached_PCIs=["OpaqueRef:a-card"])


def _without_tools(pool: Pool) -> None:
    pool.store.set("VM", _running_guest(pool), guest_metrics=NULL)


def _group_on_one_host(pool: Pool) -> None:
    host = pool.store.get("VM", _running_guest(pool), "resident_on")
    guests = pool.store.where("VM", power_state="Running", is_control_domain=False)[:2]
    for vm in guests:
        pool.store.set("VM", vm, resident_on=host)
    pool.store.create("VM_group", name_label="web", placement="anti_affinity", VMs=guests)


def _fourth_host(pool: Pool) -> None:
    """One more host, as a join would make it."""
    like = _second_host(pool)
    record = {key: value for key, value in pool.store.row("host", like).record.items() if key not in OWN_FIELDS}
    metrics = pool.store.create("host_metrics", memory_total=128 << 30, memory_free=120 << 30, live=True)
    pool.store.create("host", **record, name_label="xen04", address="10.20.0.99", metrics=metrics)


def _not_bonded(pool: Pool) -> None:
    pool.store.destroy("Bond", _bond(pool))


def _balances(pool: Pool) -> None:
    pool.store.set("Bond", _bond(pool), mode="lacp")


def _storage_by_management(pool: Pool) -> None:
    for pif in pool.store.where("PIF", host=_second_host(pool), management=False):
        pool.store.set("PIF", pif, ip_configuration_mode="None", IP="")


def _may_be_unplugged(pool: Pool) -> None:
    for pif in pool.store.where("PIF", host=_second_host(pool), management=False, ip_configuration_mode="Static"):
        pool.store.set("PIF", pif, disallow_unplug=False)


def _no_redo_log_and_no_room(pool: Pool) -> None:
    _full_sr(pool)
    for vdi in pool.store.where("VDI", type="redo_log"):
        pool.store.destroy("VDI", vdi)


def _two_statefiles(pool: Pool) -> None:
    (first, *_) = pool.store.get("pool", pool.ref, "ha_statefiles")
    second = pool.store.create("VDI", SR=_statefile_sr(pool), type="ha_statefile", virtual_size=4 * MIB)
    pool.store.set("pool", pool.ref, ha_statefiles=[first, second])


def _guests(**values: Any) -> Callable[[Pool], None]:
    def change(pool: Pool) -> None:
        for vm in pool.store.where("VM", power_state="Running", is_control_domain=False):
            pool.store.set("VM", vm, **values)

    return change


def _all_on_one_host(pool: Pool) -> None:
    host = pool.store.get("VM", _running_guest(pool), "resident_on")
    _guests(resident_on=host)(pool)


def _as_large_as_a_host(pool: Pool) -> None:
    pool.store.set("VM", _protected(pool), memory_static_max=120 << 30)


OWN_FIELDS = {
    "uuid", "name_label", "address", "metrics", "PBDs", "PIFs", "host_CPUs", "resident_VMs", "control_domain", "certificates",
    "features",
}  # fmt: skip
"""What a second host does not share with the first: its own, and what other records fill in."""
BAD_STATES: dict[str, Callable[[Pool], None]] = {
    "HA-001": _host(enabled=False),
    "HA-002": _fourth_host,
    "HA-003": _host(enabled=False),
    "HA-004": _host_key("software_version", "build_number", "another"),
    "HA-005": _host(pending_guidances=["reboot_host"]),
    "HA-006": _host_key("cpu_info", "vendor", "AuthenticAMD"),
    "HA-007": _says("HOST_CPU_FEATURES_DOWN"),
    "HA-008": _host_key("license_params", "enable_xha", "false"),
    "HA-009": _host(edition="trial"),
    "HA-010": _certificate_ends,
    "HA-011": _says("HOST_CLOCK_SKEW_DETECTED"),
    "HA-012": _host(ntp_mode="Disabled"),
    "HA-014": _pool(ha_enabled=False, redo_log_enabled=False),
    "HA-020": _pool(ha_enabled=False),
    "HA-021": _pool(ha_configuration={"timeout": "5"}),
    "HA-022": _pool(ha_configuration={"timeout": "30"}),
    "HA-023": lambda pool: pool.store.put_key("pool", pool.ref, "other_config", "default_ha_timeout", "45"),
    "HA-024": _pool(ha_configuration={"timeout": "30"}),
    "HA-025": _pool(ha_configuration={"timeout": "900"}),
    "HA-026": _pool(ha_configuration={"timeout": "30"}),
    "HA-027": _pool(ha_host_failures_to_tolerate=0),
    "HA-028": _pool(ha_plan_exists_for=0, ha_host_failures_to_tolerate=1),
    "HA-029": _pool(ha_overcommitted=True),
    "HA-030": _pool(ha_reboot_vm_on_internal_shutdown=False),
    "HA-040": _by_dhcp,
    "HA-041": _not_bonded,
    "HA-042": _link_lost,
    "HA-043": _one_card,
    "HA-046": _balances,
    "HA-047": _guest_on_management,
    "HA-048": _storage_by_management,
    "HA-049": _may_be_unplugged,
    "HA-050": _other_mtu,
    "HA-060": _with_chap,
    "HA-061": _no_redo_log_and_no_room,
    "HA-062": _unplugged,
    "HA-063": _two_statefiles,
    "HA-064": _host(multipathing=False),
    "HA-065": _path_lost,
    "HA-066": _portal_lost,
    "HA-069": _says("HA_STATEFILE_LOST"),
    "HA-070": _unplugged,
    "HA-071": _full_sr,
    "HA-072": _says("METADATA_LUN_BROKEN"),
    "HA-073": _cluster_not_whole,
    "HA-074": _dead_cluster,
    "HA-080": _guests(ha_restart_priority="", ha_always_run=False),
    "HA-081": _guests(order=0),
    "HA-082": _disk_on_local_sr,
    "HA-083": _on_host_only_network,
    "HA-084": _with_device,
    "HA-086": _as_large_as_a_host,
    "HA-087": _as_large_as_a_host,
    "HA-088": _without_tools,
    "HA-089": _group_on_one_host,
    "HA-090": _says("ALARM", '<variable><name value="mem_usage"/></variable>'),
    "HA-091": _says("ALARM", '<variable><name value="log_fs_usage"/></variable>'),
    "HA-092": _says("HA_HOST_WAS_FENCED"),
    "HA-093": _says("HA_XAPI_HEALTHCHECK_APPROACHING_TIMEOUT", times=2),
    "HA-096": _all_on_one_host,
}
"""Check id -> what makes a healthy pool fail (or, where that is the worst it does, warn in) that check."""


def spoil(pool: Pool, check_id: str) -> None:
    """Put the pool into the bad state of a check. Raises: KeyError for a check without one."""
    with pool.store.lock:
        BAD_STATES[check_id](pool)
