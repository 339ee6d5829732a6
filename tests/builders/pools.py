"""Pools for tests: `a_pool(hosts=3)` is healthy in every respect; a test says only what is different.

Uuids are readable (`h1`, `h1-eth0`, `h1-pbd-hb`). Evidence builders follow below.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from estate.facts.planned import PlannedVm
from estate.facts.pool import (
    BondFacts,
    PbdFacts,
    PifFacts,
    PoolCertificateFacts,
    PoolDriveFacts,
    PoolFacts,
    PoolHostFacts,
    PoolNetworkFacts,
    PoolVmFacts,
    SrFacts,
    StatefileFacts,
    TemplateFacts,
)

NOW = datetime(2026, 11, 22, 19, 0, tzinfo=UTC)
GIB = 1024**3
MIB = 1024**2
HEARTBEAT_SR = "sr-hb"
NODES = ("san-a", "san-b")
CARDS = {"eth0": "0000:3b:00.0", "eth1": "0000:86:00.0"}
PORTALS = {"san-a": ("10.9.0.1",), "san-b": ("10.9.0.2",)}


def host_ids(hosts: int) -> tuple[str, ...]:
    return tuple(f"h{n}" for n in range(1, hosts + 1))


def a_host(uuid: str = "h1", **changes: Any) -> PoolHostFacts:
    """A live, enabled 64 GiB host."""
    host = PoolHostFacts(
        uuid=uuid,
        name=f"xen-{uuid}",
        address=f"10.0.0.{uuid.lstrip('h')}",
        live=True,
        enabled=True,
        memory_total_bytes=64 * GIB,
        memory_overhead_bytes=512 * MIB,
        multipathing=True,
        ha_statefiles=("vdi-statefile",),
        product_brand="XenServer",
        product_version="8.4.0",
        build_number="100",
        cpu_vendor="GenuineIntel",
        cpu_model="Intel(R) Xeon(R) Gold 6430",
        cpu_features="178bfbff-f7fa3223",
        edition="premium-per-socket",
        licence_expires_at=NOW + timedelta(days=400),
        licence_allows_ha=True,
        pending_mandatory=(),
        pending_recommended=(),
        ntp_mode="Custom",
        ntp_servers=("10.0.9.1", "10.0.9.2"),
    )
    return replace(host, **changes)


def host_pifs(host: str) -> tuple[PifFacts, ...]:
    """Two NICs and the bond over them, which carries management."""

    def pif(device: str, **fields: Any) -> PifFacts:
        return PifFacts(
            uuid=f"{host}-{device}",
            host_uuid=host,
            device=device,
            vlan=-1,
            currently_attached=True,
            carrier=True,
            mtu=1500,
            pci_bus_path=CARDS.get(device, "N/A"),
            **{
                "network_uuid": f"net-{device}",
                "management": False,
                "physical": True,
                "ip_mode": "None",
                "ip_address": "",
                **fields,
            },
        )

    address = f"10.0.0.{host.lstrip('h')}"
    bond = pif(
        "bond0", network_uuid="net-mgmt", management=True, physical=False, ip_mode="Static", ip_address=address,
        disallow_unplug=True,
    )  # fmt: skip
    return (pif("eth0"), pif("eth1"), bond)


def a_bond(host: str, **changes: Any) -> BondFacts:
    bond = BondFacts(f"{host}-bond", f"{host}-bond0", (f"{host}-eth0", f"{host}-eth1"), "active-backup", 2)
    return replace(bond, **changes)


def a_pbd(host: str, sr: str = HEARTBEAT_SR, **changes: Any) -> PbdFacts:
    pbd = PbdFacts(
        uuid=f"{host}-pbd-hb",
        host_uuid=host,
        sr_uuid=sr,
        currently_attached=True,
        multipathed=True,
        scsi_id="3600abc",
        paths_active=2,
        paths_max=2,
        portals=("10.9.0.1:3260", "10.9.0.2:3260"),
        mount_options="",
    )
    return replace(pbd, **changes)


def an_sr(uuid: str = HEARTBEAT_SR, **changes: Any) -> SrFacts:
    sr = SrFacts(uuid, "san-lun0", "lvmoiscsi", True, "user", 500 * GIB, 100 * GIB, True, True)
    return replace(sr, **changes)


def a_vm(uuid: str = "vm1", **changes: Any) -> PoolVmFacts:
    vm = PoolVmFacts(
        uuid=uuid,
        name=f"guest-{uuid}",
        power_state="Running",
        is_control_domain=False,
        memory_static_max_bytes=4 * GIB,
        memory_overhead_bytes=40 * MIB,
        vcpus_max=2,
        resident_on_uuid="h1",
        ha_restart_priority="restart",
        mac_addresses=(f"00:00:{uuid}",),
        start_blocked=False,
        drives=(PoolDriveFacts(f"{uuid}-vbd", "Disk", HEARTBEAT_SR), PoolDriveFacts(f"{uuid}-cd", "CD", None)),
        network_uuids=("net-mgmt",),
        host_devices=(),
        order=0,
        start_delay_s=0,
        memory_dynamic_max_bytes=4 * GIB,
        tools_detected=True,
        tools_up_to_date=True,
    )
    return replace(vm, **changes)


def a_pool(hosts: int = 3, *, timeout_s: int = 120, **changes: Any) -> PoolFacts:
    """A healthy pool with HA on at `timeout_s`, kept as the pool's default too."""
    ids = host_ids(hosts)
    facts = PoolFacts(
        uuid="pool-1",
        name="xen-pool",
        coordinator_uuid="h1",
        collected_at=NOW,
        ha_enabled=True,
        ha_configuration={"timeout": str(timeout_s)},
        other_config={"default_ha_timeout": str(timeout_s)},
        ha_host_failures_to_tolerate=1,
        ha_plan_exists_for=1,
        ha_overcommitted=False,
        ha_allow_overcommit=False,
        ha_cluster_stack="xhad",
        secure_boot_authority="2023",
        redo_log_enabled=False,
        wlb_enabled=False,
        ha_reboot_vm_on_internal_shutdown=True,
        certificates=tuple(PoolCertificateFacts(f"{h}-cert", "host", h, NOW + timedelta(days=400)) for h in ids),
        clusters=(),
        vm_groups=(),
        hosts=tuple(a_host(uuid) for uuid in ids),
        pifs=tuple(pif for uuid in ids for pif in host_pifs(uuid)),
        bonds=tuple(a_bond(uuid) for uuid in ids),
        srs=(an_sr(),),
        pbds=tuple(a_pbd(uuid) for uuid in ids),
        statefiles=(
            StatefileFacts("vdi-statefile", "ha_statefile", HEARTBEAT_SR, 4 * MIB, True),
            StatefileFacts("vdi-redo", "redo_log", HEARTBEAT_SR, 3804 * MIB, True),
        ),
        networks=(PoolNetworkFacts("net-mgmt", "management", "xapi1", 1500, tuple(f"{h}-bond0" for h in ids)),),
        vms=(a_vm(),),
        templates=(TemplateFacts("tpl-1", "Debian Bookworm 12", "bios"),),
    )
    return replace(facts, **changes)


def with_host(facts: PoolFacts, uuid: str, **changes: Any) -> PoolFacts:
    """The same pool with one host changed."""
    return replace(facts, hosts=tuple(replace(h, **changes) if h.uuid == uuid else h for h in facts.hosts))


def with_pif(facts: PoolFacts, uuid: str, **changes: Any) -> PoolFacts:
    """The same pool with one PIF changed."""
    return replace(facts, pifs=tuple(replace(p, **changes) if p.uuid == uuid else p for p in facts.pifs))


def with_pbd(facts: PoolFacts, host: str, **changes: Any) -> PoolFacts:
    """The same pool with one host's PBD changed."""
    return replace(facts, pbds=tuple(replace(p, **changes) if p.host_uuid == host else p for p in facts.pbds))


def without_bond(facts: PoolFacts, host: str) -> PoolFacts:
    """The same pool with a host whose management rides on eth0 alone."""
    pifs = tuple(p for p in facts.pifs if p.uuid not in (f"{host}-bond0", f"{host}-eth1"))
    plain = with_pif(replace(facts, pifs=pifs), f"{host}-eth0", management=True, ip_mode="Static", network_uuid="net-mgmt")
    networks = tuple(
        replace(n, pif_uuids=tuple(f"{host}-eth0" if p == f"{host}-bond0" else p for p in n.pif_uuids)) for n in facts.networks
    )
    return replace(plain, bonds=tuple(b for b in facts.bonds if b.uuid != f"{host}-bond"), networks=networks)


def with_sr(facts: PoolFacts, **changes: Any) -> PoolFacts:
    """The same pool with its heartbeat SR changed."""
    return replace(facts, srs=(an_sr(**changes),))


def changed(**changes: Any) -> Callable[[PoolFacts], PoolFacts]:
    """A change of pool fields, for tables of cases."""
    return lambda facts: replace(facts, **changes)


def a_planned_vm(
    name: str = "app01", *, memory_bytes: int = 4 * GIB, vcpus: int = 2, priority: str = "", mac: str = ""
) -> PlannedVm:
    return PlannedVm(f"machine-{name}", name, memory_bytes, vcpus, (), (mac or f"52:54:{name}",), priority)
