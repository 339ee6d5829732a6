"""Networks, PIFs, bonds and VLANs of a fresh pool.

Every NIC is a physical PIF. A network over one NIC uses that PIF; over several it gets a bond on each host, and the
members keep a network of their own, as on real hosts.
"""

from __future__ import annotations

import hashlib
from typing import Any

from lab.xapi_sim.failure import NULL
from lab.xapi_sim.pool import Pool
from lab.xapi_sim.spec import HostSpec, NetworkRole, NetworkSpec, NicSpec

NETMASK = "255.255.255.0"


def populate(pool: Pool) -> None:
    """Make all networks, then every host's PIFs on them, untagged before tagged."""
    by_name = {spec.name: _network(pool, spec) for spec in pool.spec.networks}
    ordered = sorted(pool.spec.networks, key=lambda spec: spec.vlan is not None)
    member_networks: dict[str, str] = {}
    for host, host_spec in pool.fabric.hosts.items():
        nics = {
            nic.device: _physical(pool, host, nic, _home_network(pool, by_name, member_networks, nic.device))
            for nic in host_spec.nics
        }
        for spec in ordered:
            _attach(pool, host, host_spec, spec, by_name[spec.name], nics)


def _network(pool: Pool, spec: NetworkSpec) -> str:
    return pool.store.create(
        "network",
        uuid=pool.spec.stable_uuid(f"network/{spec.name}"),
        name_label=spec.name,
        bridge=spec.bridge,
        MTU=spec.mtu,
        managed=True,
        default_locking_mode="unlocked",
        allowed_operations=["attaching"],
        other_config={"automatic": "false"},
    )


def _home_network(pool: Pool, by_name: dict[str, str], members: dict[str, str], device: str) -> str:
    for spec in pool.spec.networks:
        if spec.devices == (device,) and spec.vlan is None:
            return by_name[spec.name]
    if device not in members:
        members[device] = pool.store.create(
            "network",
            uuid=pool.spec.stable_uuid(f"network/of/{device}"),
            name_label=f"Pool-wide network associated with {device}",
            bridge=f"xenbr{device.removeprefix('eth')}",
            MTU=1500,
            managed=True,
            other_config={"automatic": "true"},
        )
    return members[device]


def _physical(pool: Pool, host: str, nic: NicSpec, network: str) -> str:
    return pool.store.create(
        "PIF",
        uuid=_pif_uuid(pool, host, nic.device),
        **_pif(host, network, nic.device, nic.mac),
        physical=True,
        metrics=_metrics(pool, nic.carrier, nic.speed_mbps, nic.device, nic.pci_bus_path),
    )


def _pif(host: str, network: str, device: str, mac: str) -> dict[str, Any]:
    return {
        "host": host,
        "network": network,
        "device": device,
        "MAC": mac,
        "MTU": 1500,
        "VLAN": -1,
        "currently_attached": True,
        "managed": True,
        "ip_configuration_mode": "None",
        "ipv6_configuration_mode": "None",
        "primary_address_type": "IPv4",
    }


def _metrics(pool: Pool, carrier: bool, speed_mbps: int, device: str, path: str = "N/A") -> str:
    return pool.store.create(
        "PIF_metrics",
        carrier=carrier,
        speed=speed_mbps if carrier else 0,
        duplex=carrier,
        vendor_id="0x8086",
        vendor_name="Intel Corporation" if path != "N/A" else "",
        device_id="0x1572",
        device_name="Ethernet Controller X710" if path != "N/A" else device,
        pci_bus_path=path,
        last_updated=pool.clock.now(),
    )


def _attach(pool: Pool, host: str, host_spec: HostSpec, spec: NetworkSpec, network: str, nics: dict[str, str]) -> None:
    if not spec.devices:
        return
    base = _base_pif(pool, host, host_spec, spec, network, nics)
    pif = _tagged(pool, host, spec, network, base) if spec.vlan is not None else base
    pool.store.set("PIF", pif, MTU=spec.mtu, disallow_unplug=spec.disallow_unplug)
    if spec.role is not NetworkRole.GUEST:
        _give_address(pool, pif, host_spec, spec)


def _base_pif(pool: Pool, host: str, host_spec: HostSpec, spec: NetworkSpec, network: str, nics: dict[str, str]) -> str:
    if len(spec.devices) == 1:
        return nics[spec.devices[0]]
    bond = pool.store.get("PIF", nics[spec.devices[0]], "bond_slave_of")
    if bond != NULL:
        return str(pool.store.get("Bond", bond, "master"))
    return _bond(pool, host, host_spec, spec, network, nics)


def _bond(pool: Pool, host: str, host_spec: HostSpec, spec: NetworkSpec, network: str, nics: dict[str, str]) -> str:
    members = [nic for nic in host_spec.nics if nic.device in spec.devices]
    number = len([ref for ref in pool.store.refs("Bond") if _bond_host(pool, ref) == host])
    device = f"bond{number}"
    master = pool.store.create(
        "PIF",
        uuid=_pif_uuid(pool, host, device),
        **_pif(host, network, device, members[0].mac),
        metrics=_metrics(pool, any(nic.carrier for nic in members), members[0].speed_mbps, device),
    )
    bond = pool.store.create(
        "Bond",
        uuid=pool.spec.stable_uuid(f"bond/{host_spec.name}/{device}"),
        master=master,
        primary_slave=nics[members[0].device],
        mode=spec.bond_mode,
        properties=dict(spec.bond_properties),
        links_up=sum(nic.carrier for nic in members),
    )
    for nic in members:
        pool.store.set("PIF", nics[nic.device], bond_slave_of=bond)
    return master


def _bond_host(pool: Pool, bond: str) -> str:
    return str(pool.store.get("PIF", pool.store.get("Bond", bond, "master"), "host"))


def _tagged(pool: Pool, host: str, spec: NetworkSpec, network: str, base: str) -> str:
    record = pool.store.row("PIF", base).record
    values = _pif(host, network, record["device"], record["MAC"]) | {"VLAN": spec.vlan}
    uuid = _pif_uuid(pool, host, f"{record['device']}.{spec.vlan}")
    metrics = _metrics(pool, True, 0, record["device"])
    pif = pool.store.create("PIF", uuid=uuid, metrics=metrics, **values)
    vlan = pool.store.create("VLAN", tagged_PIF=base, untagged_PIF=pif, tag=spec.vlan)
    pool.store.set("PIF", pif, VLAN_master_of=vlan)
    return pif


def _give_address(pool: Pool, pif: str, host_spec: HostSpec, spec: NetworkSpec) -> None:
    is_management = spec.role is NetworkRole.MANAGEMENT
    last = host_spec.address.rsplit(".", 1)[1]
    subnet = hashlib.sha256(spec.name.encode()).digest()[0]
    address = host_spec.address if is_management else f"10.{subnet}.0.{last}"
    pool.store.set(
        "PIF",
        pif,
        management=is_management,
        ip_configuration_mode=spec.ip_mode,
        IP=address,
        netmask=NETMASK,
        gateway=f"{address.rsplit('.', 1)[0]}.1" if is_management else "",
        DNS="10.10.0.5" if is_management else "",
    )


def _pif_uuid(pool: Pool, host: str, device: str) -> str:
    return pool.spec.stable_uuid(f"pif/{pool.store.get('host', host, 'name_label')}/{device}")
