"""The rows about ESXi hosts as facts: vHost, and from other sheets their NICs, switches, adapters and LUNs."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import TypeVar

from msgspec.structs import replace

from estate.facts.source import HbaFacts, HostFacts, KernelNicFacts, LunFacts, NetworkFacts, PhysicalNicFacts, VirtualSwitchFacts
from estate.facts.unknown import Unknown, is_known
from estate.rvtools.devices import not_in_workbooks
from estate.rvtools.landscape import Register, Rows
from estate.rvtools.names import Key
from estate.rvtools.tables import NOT_IN_WORKBOOKS, Record

P = TypeVar("P")
_HOST, _LUN = not_in_workbooks(HostFacts), not_in_workbooks(LunFacts)
_VERSION = re.compile(r"(\d+\.\d+(?:\.\d+)*)")
_BUILD = re.compile(r"build[- ](\d+)", re.IGNORECASE)
_MOST_PATHS = 8
_MORE_PATHS = Unknown("eight paths or more")
_HT_NOT_TOLD = Unknown("the workbook does not tell whether hyperthreading is active")
_WORKING = frozenset({"active", "standby"})
_ADAPTER_KINDS = (
    ("ethernet", "HostFibreChannelOverEthernetHba"),
    ("fcoe", "HostFibreChannelOverEthernetHba"),
    ("fibre", "HostFibreChannelHba"),
    ("iscsi", "HostInternetScsiHba"),
    ("sas", "HostSerialAttachedHba"),
    ("nvme", "HostPcieHba"),
    ("pcie", "HostPcieHba"),
    ("block", "HostBlockHba"),
    ("scsi", "HostParallelScsiHba"),
)
_TAKEN = """in_maintenance connection_state cpu_model cpu_sockets cpu_cores memory_bytes product vendor model serial uuid
bios_version current_evc_mode max_evc_mode domain dns_servers time_zone ntp_servers"""


def hosts(rows: Rows, register: Register, networks: Iterable[NetworkFacts]) -> list[HostFacts]:
    """One for each row of vHost; `networks` tell which of them it has."""
    parts = {sheet: rows.by_host(sheet) for sheet in ("vNIC", "vSwitch", "vSC_VMK", "vHBA", "vMultiPath")}
    stores, seen = _stores_by_host(rows, register), defaultdict(list)
    for network in networks:
        for host_id in network.host_ids:
            seen[host_id].append(network.native_id)
    found = (_host(record, rows, register, parts, stores) for record in rows.of("vHost"))
    return [replace(host, network_ids=tuple(seen[host.native_id])) for host in found]


def _host(
    record: Record,
    rows: Rows,
    register: Register,
    parts: dict[str, dict[Key, list[Record]]],
    stores: dict[Key, tuple[str, ...] | Unknown],
) -> HostFacts:
    key, product = (record["center"], record["host_name"]), record["product"]

    def read(sheet: str, one: Callable[[Record], P]) -> tuple[P, ...] | Unknown:
        missing = rows.missing(sheet)
        return tuple(one(each) for each in parts[sheet].get(key, ())) if missing is None else missing

    uplinks = parts["vNIC"].get(key, []) if rows.missing("vNIC") is None else None
    fields = _HOST | {name: record[name] for name in _TAKEN.split()}
    fields |= {
        "cpu_vendor": _cpu_vendor(record["cpu_model"]),
        "cpu_hz": record["speed_mhz"] * 1_000_000 if is_known(record["speed_mhz"]) else record["speed_mhz"],
        "cpu_threads": _threads(record["cpu_cores"], record["ht_active"]),
        "datastore_ids": stores[key],
        "version": _inside(product, _VERSION),
        "build": _inside(product, _BUILD),
        "physical_nics": read("vNIC", _physical_nic),
        "switches": read("vSwitch", lambda each: _switch(each, uplinks)),
        "kernel_nics": read("vSC_VMK", _kernel_nic),
        "hbas": read("vHBA", _adapter),
        "luns": read("vMultiPath", _lun),
    }
    return HostFacts(
        native_id=register.hosts.add(*key, record["native_id"]),
        name=record["host_name"],
        cluster_id=register.cluster_of(record),
        extra=record.get("extra", ()),
        **fields,
    )


def _stores_by_host(rows: Rows, register: Register) -> dict[Key, tuple[str, ...] | Unknown]:
    """Of every host. A store whose hosts are not told may be on any host of its vCenter."""
    there: dict[Key, list[str]] = defaultdict(list)
    untold: dict[str, Unknown] = {}
    for record in rows.of("vDatastore"):
        center, names = record["center"], () if record["host_count"] == 0 else record["host_names"]
        store_id = register.datastores.add(center, record["name"], record["native_id"])
        if isinstance(names, Unknown):
            untold[center] = Unknown(f"the workbook does not tell which hosts have datastore {record['name']}", names.everywhere)
        else:
            for name in names:
                there[center, name].append(store_id)
    missing = rows.missing("vDatastore")

    def of(key: Key) -> tuple[str, ...] | Unknown:
        why = untold.get(key[0]) if missing is None else missing
        return tuple(there[key]) if why is None else why

    return {key: of(key) for key in ((record["center"], record["host_name"]) for record in rows.of("vHost"))}


def _cpu_vendor(model: str | Unknown) -> str | Unknown:
    if isinstance(model, Unknown):
        return model
    found = (vendor for vendor in ("intel", "amd", "hygon") if vendor in model.lower())
    return next(found, Unknown(f"CPU model {model!r} names no vendor"))


def _threads(cores: int | Unknown, ht_active: bool | Unknown) -> int | Unknown:
    if isinstance(cores, Unknown) or isinstance(ht_active, Unknown):
        return cores if isinstance(cores, Unknown) else _HT_NOT_TOLD
    return cores * 2 if ht_active else cores


def _inside(product: str | Unknown, pattern: re.Pattern[str]) -> str | Unknown:
    if isinstance(product, Unknown):
        return product
    found = pattern.search(product)
    return found[1] if found else Unknown(f"ESX Version is {product!r}")


def _physical_nic(record: Record) -> PhysicalNicFacts:
    speed = record["link_mbit_s"]
    link = speed if isinstance(speed, Unknown) else speed or None
    return PhysicalNicFacts(record["name"], record["mac_address"], record["driver"], record["pci"], link)


def _switch(record: Record, nics: list[Record] | None) -> VirtualSwitchFacts:
    uplinks = NOT_IN_WORKBOOKS if nics is None else tuple(each["name"] for each in nics if each["switch_name"] == record["name"])
    policies = (record["promiscuous"], record["forged_transmits"], record["mac_changes"])
    return VirtualSwitchFacts(record["name"], record["mtu"], uplinks, *policies)


def _kernel_nic(record: Record) -> KernelNicFacts:
    portgroup = "" if isinstance(record["portgroup"], Unknown) else record["portgroup"]
    told = {name: record[name] for name in ("ip_address", "mtu", "mac_address", "subnet_mask", "dhcp")}
    return KernelNicFacts(record["name"], portgroup, services=NOT_IN_WORKBOOKS, **told)


def _adapter(record: Record) -> HbaFacts:
    told = "" if isinstance(record["kind"], Unknown) else record["kind"]
    kind = told if told.startswith("Host") else next((k for word, k in _ADAPTER_KINDS if word in told.lower()), told)
    return HbaFacts(record["name"], kind, record["model"], record["driver"], record["address"])


def _lun(record: Record) -> LunFacts:
    """A sheet shows eight paths at most: with all of them filled there may be more."""
    states = [record[f"state_{n}"] for n in range(1, _MOST_PATHS + 1) if record[f"path_{n}"] != ""]
    live = sum(str(state).strip().lower() in _WORKING for state in states)
    words = (each.strip() for each in (record["vendor"], record["model"]) if is_known(each))
    fields = _LUN | {
        "model": " ".join(word for word in words if word) or NOT_IN_WORKBOOKS,
        "paths": _MORE_PATHS if len(states) == _MOST_PATHS else len(states),
        "live_paths": _MORE_PATHS if len(states) == _MOST_PATHS else live,
        "policy": record["policy"],
    }
    return LunFacts(record["name"], **fields)
