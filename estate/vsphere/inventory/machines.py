"""One VM of a property collector's answer as `VmFacts`.

Unset means "none" only on a machine that was read whole: connected, with its configuration. Of a disconnected machine the
same silence means that nobody knows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from lxml.etree import _Element
from pyVmomi import vim

from estate.facts.source import PowerState, SnapshotFacts, VmFacts
from estate.facts.unknown import Unknown, is_known
from estate.vsphere.inventory.devices import (
    Devices,
    NetworkNames,
    guest_addresses,
    read_devices,
    unread_devices,
)
from estate.vsphere.inventory.paging import Query
from estate.vsphere.inventory.places import Places
from estate.vsphere.inventory.values import (
    NOT_GIVEN,
    SourceObject,
    boolean,
    child,
    children,
    decoded_name,
    integer,
    moment,
    or_none,
    text,
)

V = TypeVar("V")

_PATHS = """
name parent parentVApp datastore
config.instanceUuid config.uuid config.annotation config.template config.managedBy config.changeVersion
config.guestId config.guestFullName config.version config.firmware config.bootOptions config.ftInfo
config.hardware.numCPU config.hardware.numCoresPerSocket config.hardware.memoryMB config.hardware.device
guest.guestId guest.hostName guest.net guest.toolsStatus guest.toolsRunningStatus
runtime.host runtime.powerState runtime.connectionState runtime.bootTime runtime.faultToleranceState
runtime.consolidationNeeded runtime.cryptoState
snapshot summary.storage
"""
_SINCE = {"runtime.cryptoState": (6, 7)}
_TOOLS_RUN = frozenset({"guestToolsRunning", "guestToolsExecutingScripts"})
MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What was read before the machines: folders, networks, and the cluster of each host (None for a bare host)."""

    places: Places
    networks: NetworkNames
    cluster_of_host: dict[str, str | None] = field(default_factory=dict)


def machines(around: Surroundings) -> Query[VmFacts]:
    """The query for every VM and template."""
    return Query(vim.VirtualMachine, tuple(_PATHS.split()), lambda found: read_machine(found, around), _SINCE)


def read_machine(found: SourceObject, around: Surroundings) -> VmFacts:
    """The facts of one VM; what it does not tell stays UNKNOWN with the reason."""
    connection_state = found.text("runtime.connectionState")
    whole = connection_state == "connected" and any(path.startswith("config.") for path in found.values)
    silence = NOT_GIVEN if whole else Unknown(f"not given while the machine's connection state is {_said(connection_state)}")
    devices = _devices(found, around, silence)
    power_state = _power_state(found)
    host_id = _known_or(found.text("runtime.host"), silence)
    tools_running = _tools_running(found)
    return VmFacts(
        native_id=found.native_id,
        name=found.name(),
        instance_uuid=_known_or(found.text("config.instanceUuid"), silence),
        bios_uuid=_known_or(found.text("config.uuid"), silence),
        power_state=power_state,
        connection_state=connection_state,
        boot_time=or_none(_known_or(found.moment("runtime.bootTime"), silence), whole=whole and power_state != PowerState.ON),
        change_version=_known_or(found.text("config.changeVersion"), silence),
        is_template=_known_or(found.boolean("config.template"), silence),
        managed_by=_managed_by(found, silence, whole=whole),
        annotation=_plain(found.text("config.annotation")),
        folder_path=_folder_path(found, around.places),
        host_id=host_id,
        cluster_id=_cluster_id(host_id, around.cluster_of_host),
        guest_id=_guest_id(found, silence, tools_running),
        guest_full_name=_known_or(found.text("config.guestFullName"), silence),
        guest_host_name=found.text("guest.hostName"),
        tools_running=tools_running,
        tools_status=found.text("guest.toolsStatus"),
        hardware_version=_known_or(found.text("config.version"), silence),
        firmware=_known_or(found.text("config.firmware"), silence),
        secure_boot=_secure_boot(found, silence),
        vcpus=_known_or(found.integer("config.hardware.numCPU"), silence),
        cores_per_socket=_known_or(found.integer("config.hardware.numCoresPerSocket"), silence),
        memory_bytes=_memory_bytes(found, silence),
        ft_state=found.text("runtime.faultToleranceState"),
        ft_configured=_ft_configured(found, silence, whole=whole),
        consolidation_needed=_known_or(found.boolean("runtime.consolidationNeeded"), silence),
        crypto_state=or_none(_known_or(found.text("runtime.cryptoState"), silence), whole=whole),
        has_vtpm=devices.has_vtpm,
        disks=devices.disks,
        nics=devices.nics,
        snapshots=_snapshots(found, silence, whole=whole),
        datastore_ids=found.morefs("datastore"),
        devices=devices.other,
        unreadable=found.unreadable,
        committed_bytes=_committed_bytes(found),
    )


def _said(value: str | Unknown) -> str:
    return value if is_known(value) else "unknown"


def _plain(value: str | Unknown) -> str:
    return value if is_known(value) else ""


def _known_or(value: V | Unknown, silence: Unknown) -> V | Unknown:
    """A value as it is, and a value the server kept silent about with what that silence means on this machine."""
    return silence if value is NOT_GIVEN else value


def _devices(found: SourceObject, around: Surroundings, silence: Unknown) -> Devices:
    listed = found.element("config.hardware.device")
    if isinstance(listed, Unknown):
        return unread_devices(_known_or(listed, silence))
    return read_devices(listed, around.networks, guest_addresses(found.values.get("guest.net")))


def _power_state(found: SourceObject) -> PowerState | Unknown:
    value = found.text("runtime.powerState")
    if isinstance(value, Unknown):
        return value
    return PowerState(value) if value in set(PowerState) else Unknown(f"power state {value!r}")


def _managed_by(found: SourceObject, silence: Unknown, *, whole: bool) -> str | Unknown | None:
    """`extension key/type` of the product that owns the machine; None when nobody does."""
    owner = found.element("config.managedBy")
    if isinstance(owner, Unknown):
        return or_none(_known_or(owner, silence), whole=whole)
    named = "/".join(part for part in (_plain(text(owner, "extensionKey")), _plain(text(owner, "type"))) if part)
    return named or None


def _folder_path(found: SourceObject, places: Places) -> str:
    """Where the machine lies, e.g. `DC1/vm/Servers`; a machine inside a vApp has that as its parent."""
    parent = found.parent()[1] or found.parent("parentVApp")[1]
    return places.path(parent)


def _cluster_id(host_id: str | Unknown, cluster_of_host: dict[str, str | None]) -> str | Unknown | None:
    if not is_known(host_id):
        return host_id
    if host_id not in cluster_of_host:
        return Unknown(f"host {host_id} is not visible to this account")
    return cluster_of_host[host_id]


def _tools_running(found: SourceObject) -> bool | Unknown:
    status = found.text("guest.toolsRunningStatus")
    return status if isinstance(status, Unknown) else status in _TOOLS_RUN


def _guest_id(found: SourceObject, silence: Unknown, tools_running: bool | Unknown) -> str | Unknown:
    """What VMware Tools see when they run, else what is configured: the configured id is often left from a template."""
    seen = found.text("guest.guestId")
    if is_known(seen) and seen and tools_running is True:
        return seen
    return _known_or(found.text("config.guestId"), silence)


def _secure_boot(found: SourceObject, silence: Unknown) -> bool | Unknown:
    if found.text("config.firmware") == "bios":
        return False
    options = found.element("config.bootOptions")
    if isinstance(options, Unknown):
        return _known_or(options, silence)
    return _known_or(boolean(options, "efiSecureBootEnabled"), silence)


def _memory_bytes(found: SourceObject, silence: Unknown) -> int | Unknown:
    mib = _known_or(found.integer("config.hardware.memoryMB"), silence)
    return mib * MIB if is_known(mib) else mib


def _ft_configured(found: SourceObject, silence: Unknown, *, whole: bool) -> bool | Unknown:
    info = found.element("config.ftInfo")
    if not isinstance(info, Unknown):
        return True
    return False if info is NOT_GIVEN and whole else _known_or(info, silence)


def _committed_bytes(found: SourceObject) -> int | Unknown:
    storage = found.element("summary.storage")
    return storage if isinstance(storage, Unknown) else integer(storage, "committed")


def _snapshots(found: SourceObject, silence: Unknown, *, whole: bool) -> tuple[SnapshotFacts, ...] | Unknown:
    tree = found.element("snapshot")
    if isinstance(tree, Unknown):
        return () if tree is NOT_GIVEN and whole else _known_or(tree, silence)
    return tuple(_snapshot_tree(tree))


def _snapshot_tree(tree: _Element) -> Iterator[SnapshotFacts]:
    """Every snapshot, parents before children. A loop, not recursion: a hostile tree could be deep."""
    waiting = [(root, 1) for root in children(tree, "rootSnapshotList")]
    while waiting:
        node, depth = waiting.pop(0)
        yield _snapshot(node, depth)
        waiting[:0] = [(below, depth + 1) for below in children(node, "childSnapshotList")]


def _snapshot(node: _Element, depth: int) -> SnapshotFacts:
    state = text(node, "state")
    return SnapshotFacts(
        native_id=_plain(text(child(node, "snapshot"))),
        name=decoded_name(_plain(text(node, "name"))),
        created_at=moment(node, "createTime"),
        with_memory=state if isinstance(state, Unknown) else state == PowerState.ON,
        depth=depth,
    )
