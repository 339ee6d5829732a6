"""From a PoolSpec to records: the order in which a pool comes into being.

Hosts and the pool record are made here; networks, storage and VMs in their own modules. Uuids of what the spec names
are the same at every start.
"""

from __future__ import annotations

import base64
import datetime
from pathlib import Path
from typing import Any

from lab.xapi_sim import populate_network, populate_storage, populate_vms
from lab.xapi_sim.failure import NULL
from lab.xapi_sim.ha_control import switch_on_at_start
from lab.xapi_sim.pool import Pool
from lab.xapi_sim.spec import GIB, HostSpec, PoolSpec

HOST_OVERHEAD_BYTES = 600 << 20
DOM0_BYTES = 4 * GIB
CPU = {
    "vendor": "GenuineIntel",
    "modelname": "Intel(R) Xeon(R) Gold 6430",
    "speed": "2100.000",
    "features_hvm": "178bfbff-f7fa3223-2c100800-00000121-0000000f-f1bf07ab-00405fce-00000000",
    "socket_count": "2",
    "threads_per_core": "2",
}
FREE_FLAGS = (
    "restrict_cbt", "restrict_vtpm", "restrict_vif_locking", "restrict_pool_size", "restrict_vss",
    "restrict_pci_device_for_auto_update", "restrict_storage_xen_motion", "restrict_vm_start", "restrict_corosync",
    "restrict_nested_virt", "restrict_zstd_export",
)  # fmt: skip
FEATURES = {"enable_xha": "true"} | dict.fromkeys(FREE_FLAGS, "false")


def populate(pool: Pool) -> None:
    """Fill an empty pool from its spec, HA included."""
    spec = pool.spec
    for host_spec in spec.hosts:
        host = _host(pool, host_spec)
        pool.fabric.hosts[host] = host_spec
    pool.ref = _pool_record(pool, spec)
    populate_network.populate(pool)
    populate_storage.populate(pool)
    for host in pool.fabric.hosts:
        _control_domain(pool, host)
    populate_vms.templates(pool)
    populate_vms.existing(pool)
    for host in pool.fabric.hosts:
        pool.refresh_memory(host)
    switch_on_at_start(pool)


def _pool_record(pool: Pool, spec: PoolSpec) -> str:
    coordinator = pool.host_named(spec.coordinator) if spec.coordinator else next(iter(pool.fabric.hosts))
    ha = spec.ha
    return pool.store.create(
        "pool",
        uuid=spec.stable_uuid("pool"),
        name_label=spec.name,
        master=coordinator,
        default_SR=NULL,
        other_config={"default_ha_timeout": str(ha.default_ha_timeout_s)} if ha.default_ha_timeout_s else {},
        ha_configuration={"timeout": str(ha.timeout_s)} if ha.timeout_s else {},
        ha_allow_overcommit=ha.allow_overcommit,
        ha_cluster_stack="xhad",
        restrictions=dict(FEATURES),
        cpu_info={"vendor": CPU["vendor"], "features_hvm": CPU["features_hvm"], "socket_count": "6"},
        tls_verification_enabled=True,
        uefi_certificates=base64.b64encode(b"db.auth: Windows UEFI CA 2023").decode(),
    )


def _host(pool: Pool, spec: HostSpec) -> str:
    now = pool.clock.now()
    metrics = pool.store.create(
        "host_metrics",
        uuid=pool.spec.stable_uuid(f"{spec.name}/metrics"),
        memory_total=spec.memory_bytes,
        live=True,
        last_updated=now,
    )
    host = pool.store.create("host", **_identity(pool, spec), **_software(pool, now), metrics=metrics)
    for number in range(spec.cpu_count):
        pool.store.create("host_cpu", host=host, number=number, vendor=CPU["vendor"], modelname=CPU["modelname"])
    return host


def _identity(pool: Pool, spec: HostSpec) -> dict[str, Any]:
    booted = (pool.clock.now() - datetime.timedelta(days=30)).timestamp()
    multipathing = "true" if spec.multipathing else "false"
    return {
        "uuid": spec.uuid,
        "name_label": spec.name,
        "hostname": spec.name,
        "address": spec.address,
        "enabled": spec.enabled,
        "memory_overhead": HOST_OVERHEAD_BYTES,
        "multipathing": spec.multipathing,
        "other_config": {
            "multipathing": multipathing,
            "multipathhandle": "dmp",
            "boot_time": f"{booted:.0f}.",
            "agent_start_time": f"{booted + 60:.0f}.",
        },
        "iscsi_iqn": f"iqn.2026-01.example.lab:{spec.name}",
        "cpu_info": CPU | {"cpu_count": str(spec.cpu_count)},
        "cpu_configuration": {},
        "allowed_operations": ["vm_migrate", "evacuate", "provision", "vm_resume", "vm_start"],
    }


def _software(pool: Pool, now: datetime.datetime) -> dict[str, Any]:
    spec = pool.spec
    expiry = (now + datetime.timedelta(days=400)).strftime("%Y%m%dT%H:%M:%SZ")
    return {
        "API_version_major": 2,
        "API_version_minor": 23,
        "API_version_vendor": "XenSource",
        "software_version": {
            "product_version": spec.product_version,
            "product_version_text": spec.product_version,
            "product_version_text_short": spec.product_version,
            "product_brand": spec.product_brand,
            "platform_name": "XCP",
            "platform_version": "3.4.0",
            "xapi": "26.17",
            "xapi_build": "26.17.0",
            "build_number": "cloud",
            "xen": "4.17.5-13",
            "linux": "4.19.0+1",
            "network_backend": "openvswitch",
            "db_schema": "5.792",
            "date": "2026-08-20",
        },
        "license_params": FEATURES | {"sku_type": "premium-per-socket", "expiry": expiry},
        "edition": "premium-per-socket",
        "editions": ["trial", "standard-per-socket", "premium-per-socket"],
        "capabilities": ["xen-3.0-x86_64", "hvm-3.0-x86_32", "hvm-3.0-x86_64"],
        "sched_policy": "credit",
        "virtual_hardware_platform_versions": [0, 1, 2],
        "supported_bootloaders": ["pygrub", "eliloader"],
        "tls_verification_enabled": True,
        "ntp_mode": "Custom",
        "ntp_custom_servers": ["10.10.0.5", "10.10.0.6"],
        "last_update_hash": "5d5c9b1f",
    }


def _control_domain(pool: Pool, host: str) -> None:
    name = pool.store.get("host", host, "name_label")
    domain = pool.store.create(
        "VM",
        uuid=pool.spec.stable_uuid(f"{name}/dom0"),
        name_label=f"Control domain on host: {name}",
        power_state="Running",
        is_control_domain=True,
        resident_on=host,
        affinity=host,
        domid=0,
        VCPUs_max=16,
        VCPUs_at_startup=16,
        actions_after_shutdown="destroy",
        actions_after_reboot="destroy",
        actions_after_crash="destroy",
        domain_type="pv",
        memory_static_max=DOM0_BYTES,
        memory_dynamic_max=DOM0_BYTES,
        memory_dynamic_min=DOM0_BYTES,
        memory_static_min=DOM0_BYTES,
        memory_target=DOM0_BYTES,
        metrics=populate_vms.metrics(pool, DOM0_BYTES, 16),
    )
    pool.store.set("host", host, control_domain=domain)


def certificate_directory(state_dir: Path) -> Path:
    """Where the hosts' key pairs live."""
    return state_dir / "certificates"
