"""Builders of what stands around machines, every fact known and nothing against it: source, host, cluster, pool."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from estate.facts.source import ClusterFacts, HostFacts, KernelNicFacts, LunFacts, PhysicalNicFacts, VirtualSwitchFacts
from migration.assessment.core.context import SourceFacts
from tests.builders.estate import GIB, SEEN_AT, a_cluster, a_host, a_source_about

GOLD = "Intel(R) Xeon(R) Gold 6430"


def a_port(number: int = 0, **changes: Any) -> PhysicalNicFacts:
    """A 10 Gb/s port on a card of its own."""
    return replace(PhysicalNicFacts(f"vmnic{number}", pci=f"0000:{number:02x}:00.0", link_mbit_s=10000), **changes)


def a_kernel_nic(number: int = 0, **changes: Any) -> KernelNicFacts:
    return replace(KernelNicFacts(f"vmk{number}", "Management Network", services=("management",)), **changes)


def a_lun(**changes: Any) -> LunFacts:
    """A local SAS disk of 400 GiB that the host boots from."""
    return replace(LunFacts("naa.5000", 400 * GIB, "SEAGATE ST400", local=True, ssd=True, transport="sas"), **changes)


def a_known_host(**changes: Any) -> HostFacts:
    """An ESXi 8.0 host with four fast ports and a local disk; nothing runs on it."""
    host = a_host(
        power_state="poweredOn",
        cpu_model=f"{GOLD} CPU @ 2.10GHz",
        cpu_vendor="intel",
        version="8.0.2",
        license_product="VMware ESX Server",
        licensable=(("numCpuPackages", "2"),),
        cpu_hz=2_400_000_000,
        distributed_switches=(),
        lockdown_mode="lockdownDisabled",
        vendor="Dell Inc.",
        model="PowerEdge R760",
        boot_device="naa.5000",
        physical_nics=tuple(a_port(number) for number in range(4)),
        switches=(VirtualSwitchFacts("vSwitch0", uplinks=("vmnic0", "vmnic1")),),
        kernel_nics=(a_kernel_nic(),),
        luns=(a_lun(),),
    )
    return replace(host, **changes)


def a_known_cluster(**changes: Any) -> ClusterFacts:
    """A cluster that does nothing by itself."""
    return a_cluster(**{"drs_enabled": False, "ha_enabled": False, "dpm_enabled": False, **changes})


def a_source(**changes: Any) -> SourceFacts:
    """A vCenter that was probed and has everything a migration needs."""
    source = SourceFacts(
        native_id="source-1",
        name="vc.corp.example",
        kind="vcenter",
        about=a_source_about(),
        collected_at=SEEN_AT,
        privileges_missing=(),
        hosts_unread=(),
        pins_changed=(),
        disagreements=(),
    )
    return replace(source, **changes)
