"""The rows about clusters, stores, networks, switches and resource pools as facts, and the ids by which machines find them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from estate.facts.source import ClusterFacts, ContainerFacts, DatastoreFacts, HostFacts, NetworkFacts, SwitchFacts
from estate.facts.unknown import Unknown, is_known
from estate.rvtools.devices import not_in_workbooks
from estate.rvtools.drafts import Draft
from estate.rvtools.names import Ids, Key
from estate.rvtools.tables import NOT_IN_WORKBOOKS, Record

D = TypeVar("D")
_CLUSTER, _STORE = not_in_workbooks(ClusterFacts), not_in_workbooks(DatastoreFacts)
_CONTAINER: Record = not_in_workbooks(ContainerFacts)
_NETWORK, _SWITCH = not_in_workbooks(NetworkFacts), not_in_workbooks(SwitchFacts)
_TRUNK_VLAN = "4095"


@dataclass(slots=True)
class Rows:
    """Records by sheet, as far as the workbook has these sheets."""

    by_sheet: dict[str, list[Record]] = field(default_factory=dict)

    def of(self, sheet: str) -> list[Record]:
        return self.by_sheet.get(sheet, [])

    def missing(self, sheet: str) -> Unknown | None:
        """Why nothing is known, when there is no such sheet."""
        return None if sheet in self.by_sheet else Unknown(f"the workbook has no sheet {sheet}", everywhere=True)

    def by_host(self, sheet: str) -> dict[Key, list[Record]]:
        grouped: dict[Key, list[Record]] = defaultdict(list)
        for record in self.of(sheet):
            grouped[record["center"], record["host_name"]].append(record)
        return grouped


class Register:
    """The ids of everything that has a name, and who is where."""

    def __init__(self, rows: Rows, *, several: bool) -> None:
        self.clusters = Ids("cluster", several)
        self.hosts = Ids("host", several)
        self.datastores = Ids("datastore", several)
        self.networks = Ids("network", several)
        self.switches = Ids("switch", several)
        self.pools = Ids("pool", several)
        self.pods = Ids("pod", several)
        self.vapps = Ids("vapp", several)
        for record in rows.of("vCluster"):
            self.clusters.add(record["center"], record["name"], record["native_id"])
        for record in rows.of("vHost"):
            self._add_host(record)
        for record in rows.of("vDatastore"):
            self.datastores.add(record["center"], record["name"], record["native_id"])
        for record in rows.of("dvSwitch"):
            self.switches.add(record["center"], record["name"], record["native_id"])
        for record in rows.of("dvPort"):
            self.networks.add(record["center"], record["name"], record["native_id"])
        for record in rows.of("vRP"):
            self.pools.add(record["center"], record["path"])
        for center, name in dict.fromkeys((record["center"], record["name"]) for record in rows.of("vPort")):
            if (center, name) not in self.networks.by_key:
                self.networks.add(center, name)

    def _add_host(self, record: Record) -> None:
        center, cluster = record["center"], record["cluster_name"]
        self.hosts.add(center, record["host_name"], record["native_id"])
        if isinstance(cluster, str) and (center, cluster) not in self.clusters.by_key:
            self.clusters.add(center, cluster)

    def cluster_of(self, record: Record) -> str | Unknown | None:
        """None for a host or machine outside any cluster."""
        return None if record["cluster_name"] is None else self.clusters.find(record["center"], record["cluster_name"])


def clusters(rows: Rows, register: Register, hosts: Iterable[HostFacts]) -> list[ClusterFacts]:
    """One for each row of vCluster, and for each name other sheets give a cluster; stores and networks are its hosts'."""
    told = {(record["center"], record["name"]): record for record in rows.of("vCluster")}
    inside: dict[str, list[HostFacts]] = defaultdict(list)
    for host in hosts:
        if isinstance(host.cluster_id, str):
            inside[host.cluster_id].append(host)
    missing = rows.missing("vCluster")
    why = Unknown("sheet vCluster has no row for this") if missing is None else missing
    by_key = register.clusters.by_key.items()
    return [_cluster(min(ids), key[1], told.get(key), inside.get(min(ids), []), why) for key, ids in by_key]


def _cluster(native_id: str, name: str, record: Record | None, hosts: list[HostFacts], why: Unknown) -> ClusterFacts:
    names = ("drs_enabled", "drs_behaviour", "ha_enabled", "admission_control", "dpm_enabled")
    fields = _CLUSTER | {field: why if record is None else record[field] for field in names}
    fields |= {
        "host_ids": tuple(host.native_id for host in hosts),
        "datastore_ids": tuple(
            dict.fromkeys(each for host in hosts if is_known(host.datastore_ids) for each in host.datastore_ids)
        ),
        "network_ids": tuple(dict.fromkeys(each for host in hosts for each in host.network_ids)),
        "extra": () if record is None else record.get("extra", ()),
    }
    return ClusterFacts(native_id, name, **fields)


def datastores(rows: Rows, register: Register) -> list[DatastoreFacts]:
    """One for each row of vDatastore."""
    luns: dict[Key, list[str]] = defaultdict(list)
    for record in rows.of("vMultiPath"):
        luns[record["center"], record["store_name"]].append(record["name"])
    return [_datastore(record, register, luns) for record in rows.of("vDatastore")]


def _datastore(record: Record, register: Register, luns: dict[Key, list[str]]) -> DatastoreFacts:
    center, count = record["center"], record["host_count"]
    provisioned, used = record["provisioned_bytes"], record["used_bytes"]
    names = record["host_names"] if is_known(record["host_names"]) else ()
    found = (register.hosts.find(center, name) for name in names)
    backing = tuple(dict.fromkeys(luns.get((center, record["name"]), ())))
    pod = record["pod_name"]
    fields = _STORE | {name: record[name] for name in ("kind", "url", "capacity_bytes", "free_bytes", "accessible")}
    fields |= {
        "uncommitted_bytes": max(0, provisioned - used) if is_known(provisioned) and is_known(used) else NOT_IN_WORKBOOKS,
        "local": count if isinstance(count, Unknown) else count == 1,
        "lun_names": backing or NOT_IN_WORKBOOKS,
        "vmfs_version": _vmfs_version(record),
        "pod_id": pod if pod is None or isinstance(pod, Unknown) else register.pods.add(center, pod),
    }
    native_id = register.datastores.add(center, record["name"], record["native_id"])
    host_ids = tuple(host_id for host_id in found if is_known(host_id))
    return DatastoreFacts(native_id, record["name"], host_ids=host_ids, extra=record.get("extra", ()), **fields)


def _vmfs_version(record: Record) -> str | Unknown | None:
    """None on a store of another kind, whatever the column says of it."""
    kind = record["kind"]
    return record["vmfs_version"] if kind == "VMFS" or isinstance(kind, Unknown) else None


def networks(rows: Rows, register: Register) -> list[NetworkFacts]:
    """Distributed port groups, then standard ones: one for each name, with what all its hosts say alike."""
    standard: dict[Key, list[Record]] = defaultdict(list)
    for record in rows.of("vPort"):
        standard[record["center"], record["name"]].append(record)
    distributed = [_distributed(record, rows, register) for record in rows.of("dvPort")]
    names = {(record["center"], record["name"]) for record in rows.of("dvPort")}
    return distributed + [_standard(key, each, register) for key, each in standard.items() if key not in names]


def _distributed(record: Record, rows: Rows, register: Register) -> NetworkFacts:
    center, switch = record["center"], record["switch_name"]
    above = next((each for each in rows.of("dvSwitch") if (each["center"], each["name"]) == (center, switch)), None)
    fields = _NETWORK | _policies([record]) | _vlan(record["vlan"])
    fields |= {"switch_id": register.switches.find(center, switch), "switch_name": switch}
    fields |= {"binding": record["binding"]}
    fields |= (
        {"mtu": NOT_IN_WORKBOOKS, "host_ids": ()}
        if above is None
        else {"mtu": above["mtu"], "host_ids": _members(above, register)}
    )
    native_id = register.networks.add(center, record["name"], record["native_id"])
    return NetworkFacts(native_id, record["name"], is_distributed=True, **fields)


def _members(switch: Record, register: Register) -> tuple[str, ...]:
    """The hosts of a distributed switch, as far as the workbook names them."""
    names = switch["host_names"] if is_known(switch["host_names"]) else ()
    found = (register.hosts.find(switch["center"], name) for name in names)
    return tuple(host_id for host_id in found if is_known(host_id))


def _standard(key: Key, records: list[Record], register: Register) -> NetworkFacts:
    fields = _NETWORK | _policies(records) | _vlan(_agreed(record["vlan"] for record in records))
    fields |= {"switch_id": None, "switch_name": _agreed(record["switch_name"] for record in records)}
    fields |= {"is_private_vlan": False, "is_uplink": False, "is_opaque": False, "binding": None}
    hosts = (register.hosts.find(record["center"], record["host_name"]) for record in records)
    host_ids = tuple(dict.fromkeys(host_id for host_id in hosts if is_known(host_id)))
    return NetworkFacts(register.networks.add(*key), key[1], host_ids=host_ids, **fields)


def _policies(records: list[Record]) -> Record:
    names = ("promiscuous", "mac_changes", "forged_transmits")
    return {name: _agreed(record[name] for record in records) for name in names}


def _vlan(vlan: str | Unknown) -> Record:
    """The VLAN as text, and what its form tells: `0-4094` and lists are trunks, `pvlan 101` is private."""
    if isinstance(vlan, Unknown):
        return {"vlan": vlan, "is_trunk": vlan, "is_private_vlan": vlan}
    said = vlan.replace(" ", "").removeprefix("VLAN")
    private = said.lower().startswith("pvlan")
    is_trunk = said == _TRUNK_VLAN or "-" in said or "," in said
    return {"vlan": f"pvlan {said[5:]}" if private else said, "is_trunk": is_trunk, "is_private_vlan": private}


def _agreed(values: Iterable[D | Unknown]) -> D | Unknown:
    """What all hosts say alike."""
    seen = list(dict.fromkeys(values))
    known = [value for value in seen if is_known(value)]
    if len(known) > 1:
        return Unknown(f"its hosts disagree: {', '.join(sorted(map(str, known)))}")
    return known[0] if known else seen[0]


def switches(rows: Rows, register: Register) -> list[SwitchFacts]:
    """Distributed switches."""
    found = []
    for record in rows.of("dvSwitch"):
        fields = _SWITCH | {"mtu": record["mtu"], "host_ids": _members(record, register) or NOT_IN_WORKBOOKS}
        native_id = register.switches.add(record["center"], record["name"], record["native_id"])
        found.append(SwitchFacts(native_id, record["name"], **fields))
    return found


def members(machines: Iterable[Draft], register: Register) -> dict[str, list[str]]:
    """Machines by the id of the resource pool or vApp they are in."""
    found: dict[str, list[str]] = defaultdict(list)
    for draft in machines:
        pool, vapp = draft.record["pool_path"], draft.record["vapp_name"]
        if isinstance(vapp, str):
            found[register.vapps.add(draft.center, vapp)].append(draft.native_id)
        pool_id = register.pools.find(draft.center, pool) if isinstance(pool, str) else None
        if isinstance(pool_id, str):
            found[pool_id].append(draft.native_id)
    return found


def containers(rows: Rows, register: Register, members: dict[str, list[str]]) -> list[ContainerFacts]:
    """Resource pools, vApps and storage pods; `members` are machines by the id of what contains them."""
    found = []
    for record in rows.of("vRP"):
        native_id = register.pools.add(record["center"], record["path"])
        parent = register.pools.find(record["center"], record["path"].rpartition("/")[0])
        fields = {"path": record["path"], "limited": _limited(record), "member_ids": tuple(members.get(native_id, ()))}
        parent_id = parent if is_known(parent) else ""
        found.append(ContainerFacts(native_id, record["name"], "resource_pool", parent_id=parent_id, **fields))
    for key, native_ids in register.vapps.by_key.items():
        native_id = min(native_ids)
        fields = _CONTAINER | {"member_ids": tuple(members.get(native_id, ()))}
        found.append(ContainerFacts(native_id, key[1], "vapp", **fields))
    return found + [_pod(min(native_ids), key, rows, register) for key, native_ids in register.pods.by_key.items()]


def _pod(native_id: str, key: Key, rows: Rows, register: Register) -> ContainerFacts:
    """A storage pod, as the rows of its stores tell it."""
    told = [record for record in rows.of("vDatastore") if (record["center"], record["pod_name"]) == key]
    sizes = {name: _agreed(record[f"pod_{name}"] for record in told) for name in ("capacity_bytes", "free_bytes")}
    stores = (register.datastores.find(record["center"], record["name"]) for record in told)
    member_ids = tuple(store_id for store_id in stores if is_known(store_id))
    return ContainerFacts(native_id, key[1], "storage_pod", member_ids=member_ids, **(_CONTAINER | sizes))


def _limited(record: Record) -> bool | Unknown:
    """Whether CPU or memory is limited or reserved. The top pool of a cluster always has its own size as a limit."""
    if record["name"] == "Resources":
        return False
    limits, reserved = (record["cpu_limit"], record["memory_limit"]), (record["cpu_reservation"], record["memory_reservation"])
    values = [known is not None for known in limits if is_known(known)] + [known > 0 for known in reserved if is_known(known)]
    if any(values):
        return True
    unread = next((each for each in (*limits, *reserved) if isinstance(each, Unknown)), None)
    return False if unread is None else unread
