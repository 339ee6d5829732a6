"""Facts of a Xen pool as the XAPI adapter gives them, cross-referenced by uuid (never by opaque ref).

A field that older pools lack is UNKNOWN. Sizes are bytes, times aware UTC.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import force_setattr

from estate.facts.unknown import UNKNOWN, Unknown, unknown_from

if TYPE_CHECKING:
    Settings = dict[str, str] | Unknown
else:
    Settings = dict[str, str]  # a decoder cannot tell an unknown fact from a mapping: PoolFacts does


class PoolHostFacts(Struct, frozen=True):
    """`cpu_features` is the mask of features that guests of this host can have, as hexadecimal words.

    `licence_expires_at` is None where the licence never does; `licence_allows_ha` is what the host's feature flags say.
    `pending_mandatory` and `pending_recommended` are what the host still has to do for its updates (`reboot_host` and the like).
    """

    uuid: str
    name: str
    address: str
    live: bool | Unknown
    enabled: bool | Unknown
    memory_total_bytes: int | Unknown = UNKNOWN
    memory_overhead_bytes: int | Unknown = UNKNOWN
    multipathing: bool | Unknown = UNKNOWN
    ha_statefiles: tuple[str, ...] | Unknown = UNKNOWN
    ha_network_peers: tuple[str, ...] | Unknown = UNKNOWN
    boot_time: datetime | Unknown = UNKNOWN
    product_brand: str | Unknown = UNKNOWN
    product_version: str | Unknown = UNKNOWN
    build_number: str | Unknown = UNKNOWN
    current_operations: tuple[str, ...] = ()
    tls_sha256: str | Unknown = UNKNOWN
    cpu_vendor: str | Unknown = UNKNOWN
    cpu_model: str | Unknown = UNKNOWN
    cpu_features: str | Unknown = UNKNOWN
    edition: str | Unknown = UNKNOWN
    licence_expires_at: datetime | Unknown | None = UNKNOWN
    licence_allows_ha: bool | Unknown = UNKNOWN
    pending_mandatory: tuple[str, ...] | Unknown = UNKNOWN
    pending_recommended: tuple[str, ...] | Unknown = UNKNOWN
    ntp_mode: str | Unknown = UNKNOWN
    ntp_servers: tuple[str, ...] | Unknown = UNKNOWN


class PifFacts(Struct, frozen=True):
    uuid: str
    host_uuid: str
    device: str
    network_uuid: str
    vlan: int
    management: bool
    physical: bool
    ip_mode: str | Unknown
    ip_address: str
    currently_attached: bool | Unknown
    carrier: bool | Unknown = UNKNOWN
    pci_bus_path: str | Unknown = UNKNOWN
    mac_address: str = ""
    mtu: int | Unknown = UNKNOWN
    disallow_unplug: bool | Unknown = UNKNOWN
    untagged_pif_uuid: str | None = None
    netmask: str | Unknown = UNKNOWN


class BondFacts(Struct, frozen=True):
    uuid: str
    master_pif_uuid: str
    slave_pif_uuids: tuple[str, ...]
    mode: str | Unknown
    links_up: int | Unknown


class PbdFacts(Struct, frozen=True):
    """A host's connection to an SR; `paths_active`/`paths_max` come from the multipath counter, UNKNOWN where it keeps none.

    `mount_options` are those somebody added to the driver's own (file servers only); empty without any.
    """

    uuid: str
    host_uuid: str
    sr_uuid: str
    currently_attached: bool | Unknown
    multipathed: bool | Unknown = UNKNOWN
    scsi_id: str | None = None
    paths_active: int | Unknown = UNKNOWN
    paths_max: int | Unknown = UNKNOWN
    portals: tuple[str, ...] = ()
    uses_chap: bool = False
    mount_options: str | Unknown = UNKNOWN


class SrFacts(Struct, frozen=True):
    uuid: str
    name: str
    kind: str
    shared: bool | Unknown
    content_type: str
    physical_size_bytes: int | Unknown
    physical_utilisation_bytes: int | Unknown
    new_vdis_are_zeroed: bool | Unknown
    can_host_statefile: bool | Unknown = UNKNOWN

    @property
    def free_bytes(self) -> int | Unknown:
        """Physical size minus physical utilisation."""
        if isinstance(self.physical_size_bytes, Unknown) or isinstance(self.physical_utilisation_bytes, Unknown):
            return UNKNOWN
        return self.physical_size_bytes - self.physical_utilisation_bytes


class StatefileFacts(Struct, frozen=True):
    """A VDI named in `pool.ha_statefiles`, or kept as ha_statefile / redo_log."""

    vdi_uuid: str
    vdi_type: str
    sr_uuid: str
    size_bytes: int
    in_use: bool


class PoolNetworkFacts(Struct, frozen=True):
    uuid: str
    name: str
    bridge: str
    mtu: int | Unknown
    pif_uuids: tuple[str, ...]


class PoolDriveFacts(Struct, frozen=True):
    """A drive of a VM: `kind` is `Disk`, `CD` or `Floppy`. `sr_uuid` is None while empty, UNKNOWN where its disk is not seen."""

    vbd_uuid: str
    kind: str
    sr_uuid: str | Unknown | None


class PoolVmFacts(Struct, frozen=True):
    """A VM of the pool: what the planner and the gate need to know of the neighbours (MACs, memory, protection).

    `source_instance_uuid` is the instance uuid of the source machine that Xenbound made it from. `host_devices` are the kinds of
    devices that tie it to a host, as XAPI's fields are called (`VGPUs`, `VUSBs`, `attached_PCIs`).
    """

    uuid: str
    name: str
    power_state: str
    is_control_domain: bool
    memory_static_max_bytes: int
    memory_overhead_bytes: int
    vcpus_max: int
    resident_on_uuid: str | None
    ha_restart_priority: str
    mac_addresses: tuple[str, ...]
    conversion_id: str | None = None
    source_instance_uuid: str | None = None
    start_blocked: bool | Unknown = UNKNOWN
    drives: tuple[PoolDriveFacts, ...] | Unknown = UNKNOWN
    network_uuids: tuple[str, ...] | Unknown = UNKNOWN
    host_devices: tuple[str, ...] | Unknown = UNKNOWN
    order: int | Unknown = UNKNOWN
    start_delay_s: int | Unknown = UNKNOWN
    memory_dynamic_max_bytes: int | Unknown = UNKNOWN
    tools_detected: bool | Unknown = UNKNOWN
    tools_up_to_date: bool | Unknown = UNKNOWN


class TemplateFacts(Struct, frozen=True):
    uuid: str
    name: str
    firmware: str


class PoolMessageFacts(Struct, frozen=True):
    uuid: str
    name: str
    priority: int
    cls: str
    obj_uuid: str
    body: str
    at: datetime


class HeartbeatLatencyFacts(Struct, frozen=True):
    """The highest latencies of a host's heartbeat since `since`, in seconds, as its own statistics have them by the minute."""

    host_uuid: str
    since: datetime
    statefile_max_s: float | Unknown
    network_max_s: float | Unknown


class PoolCertificateFacts(Struct, frozen=True):
    """A certificate the pool or one of its hosts answers with; `kind` is XAPI's type, `host_uuid` None for the pool's own."""

    uuid: str
    kind: str
    host_uuid: str | None
    expires_at: datetime | Unknown


class ClusterMemberFacts(Struct, frozen=True):
    host_uuid: str
    pif_uuid: str
    enabled: bool | Unknown
    joined: bool | Unknown
    live: bool | Unknown


class PoolClusterFacts(Struct, frozen=True):
    """A corosync cluster of the pool; fields its version lacks are UNKNOWN."""

    uuid: str
    is_quorate: bool | Unknown
    token_timeout_s: int | Unknown
    members: tuple[ClusterMemberFacts, ...]


class VmGroupFacts(Struct, frozen=True):
    uuid: str
    name: str
    placement: str
    vm_uuids: tuple[str, ...]


class PoolFacts(Struct, frozen=True):
    """One pool at `collected_at`. `secure_boot_authority` is the newest Microsoft authority whose certificates the pool holds
    (`2011`, `2023`), `none` without certificates.
    """

    uuid: str
    name: str
    coordinator_uuid: str
    collected_at: datetime
    ha_enabled: bool | Unknown
    ha_configuration: Settings
    other_config: Settings
    ha_host_failures_to_tolerate: int | Unknown = UNKNOWN
    ha_plan_exists_for: int | Unknown = UNKNOWN
    ha_overcommitted: bool | Unknown = UNKNOWN
    ha_allow_overcommit: bool | Unknown = UNKNOWN
    ha_cluster_stack: str | Unknown = UNKNOWN
    secure_boot_authority: str | Unknown = UNKNOWN
    redo_log_enabled: bool | Unknown = UNKNOWN
    wlb_enabled: bool | Unknown = UNKNOWN
    ha_reboot_vm_on_internal_shutdown: bool | Unknown = UNKNOWN
    certificates: tuple[PoolCertificateFacts, ...] | Unknown = UNKNOWN
    clusters: tuple[PoolClusterFacts, ...] | Unknown = UNKNOWN
    vm_groups: tuple[VmGroupFacts, ...] | Unknown = UNKNOWN
    hosts: tuple[PoolHostFacts, ...] = ()
    pifs: tuple[PifFacts, ...] = ()
    bonds: tuple[BondFacts, ...] = ()
    srs: tuple[SrFacts, ...] = ()
    pbds: tuple[PbdFacts, ...] = ()
    statefiles: tuple[StatefileFacts, ...] | Unknown = UNKNOWN
    networks: tuple[PoolNetworkFacts, ...] = ()
    vms: tuple[PoolVmFacts, ...] = ()
    templates: tuple[TemplateFacts, ...] = ()
    messages: tuple[PoolMessageFacts, ...] = ()
    unreadable: tuple[tuple[str, str], ...] = ()
    latencies: tuple[HeartbeatLatencyFacts, ...] | Unknown = UNKNOWN

    def __post_init__(self) -> None:
        for name in ("ha_configuration", "other_config"):
            force_setattr(self, name, unknown_from(getattr(self, name)))

    def unread(self, xapi_class: str) -> str:
        """Why records of a class, or one of them, are missing here; empty when all were read."""
        return next((why for what, why in self.unreadable if what.split(" ")[0] == xapi_class), "")
