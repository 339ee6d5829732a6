"""The appliances of a world: machines that somebody hands over as OVA files and that no vCenter knows."""

from __future__ import annotations

from dataclasses import dataclass

from lab.disks import DiskPlan
from lab.worlds.small import LAN


@dataclass(frozen=True, slots=True)
class ApplianceSpec:
    """One appliance with one disk and one card; `guest_id` and `guest_name` are vSphere's words for its system."""

    name: str
    capacity_mib: int
    fill_mib: int
    guest_id: str = "debian12_64Guest"
    guest_name: str = "Debian GNU/Linux 12 (64-bit)"
    cpus: int = 2
    memory_mib: int = 2048
    firmware: str = "bios"
    network: str = LAN

    def disk_plan(self, seed: int) -> DiskPlan:
        """The plan of its disk's content."""
        return DiskPlan(f"{self.name}-disk1", seed, self.capacity_mib, self.fill_mib)


APPLIANCES = (
    # What a vendor ships: small, on the plain network.
    ApplianceSpec("proxy01", 64, 14),
    # UEFI, with a guest that Tools would have to tell apart.
    ApplianceSpec("ticket01", 96, 20, guest_id="ubuntu64Guest", guest_name="Ubuntu Linux (64-bit)", firmware="efi"),
)
