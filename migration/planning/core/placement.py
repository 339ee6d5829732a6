"""Where one machine's parts go: template and firmware, a network per NIC, an SR per disk; or the reasons why not.

Unknown facts are reasons, never defaults. Whether the SRs have room for the whole wave is asked in waves.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from estate.facts.source import DiskBacking, DiskFacts, NicFacts, VmFacts
from estate.facts.unknown import Unknown
from migration.planning.core.mapping import ANY, SAYABLE, MappingTable, Said, with_said
from migration.planning.core.reasons import Reason, ReasonCode
from migration.planning.core.target import Target, is_thick, thick_vdi_bytes

NEEDED_FACTS = ("firmware", "vcpus", "cores_per_socket", "memory_bytes", "guest_id", "disks", "nics")
NOT_EXPORTED = frozenset({DiskBacking.RDM_PHYSICAL, DiskBacking.OTHER})


@dataclass(frozen=True, slots=True)
class EstateNames:
    """Native id to name, of one source's networks and datastores."""

    networks: Mapping[str, str]
    datastores: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Placement:
    """One machine's place in the pool. Device keys of the source to uuids of the pool; `bytes_by_sr` is what it takes there.

    `said` are facts that a person gave where the source does not tell them.
    """

    target_name: str
    template_name: str
    template_uuid: str
    firmware: str
    network_by_nic: Mapping[int, str]
    sr_by_disk: Mapping[int, str]
    bytes_by_sr: Mapping[str, int]
    why: tuple[str, ...] = ()
    said: Said = field(default_factory=Said)
    vtpm: bool = False
    vif_locking: str = ""
    ha_restart_priority: str = ""


def place(
    machine_id: str, vm: VmFacts, names: EstateNames, mapping: MappingTable, target: Target, *, in_package: bool = False
) -> Placement | list[Reason]:
    """The machine's placement, or every reason against it at once. What lies in a package is on no datastore, and its NICs may
    name no MAC address: then the pool makes one.
    """
    draft = _Draft(machine_id, vm, names, mapping, target, in_package)
    reasons = [*draft.unknown_facts(), *draft.take_vtpm(), *draft.take_template(), *draft.take_networks(), *draft.take_srs()]
    return reasons or draft.placement()


class _Draft:
    """Collects one machine's placement part by part; each `take_` yields what stands against it."""

    def __init__(
        self, machine_id: str, vm: VmFacts, names: EstateNames, mapping: MappingTable, target: Target, in_package: bool
    ) -> None:
        self.names, self.mapping, self.target, self.in_package = names, mapping, target, in_package
        self.override = mapping.override(machine_id)
        self.ha_restart_priority = mapping.ha_restart_priority_of(machine_id)
        self.told, self.vm = vm, with_said(vm, self.override.said)
        self.template = ("", "", "")
        self.network_by_nic: dict[int, str] = {}
        self.sr_by_disk: dict[int, str] = {}
        self.thick: dict[str, bool] = {}
        self.why: list[str] = []

    def unknown_facts(self) -> Iterator[Reason]:
        for fact in NEEDED_FACTS:
            value = getattr(self.vm, fact)
            if isinstance(value, Unknown):
                yield _unsaid(fact, f"{fact} of {self.vm.name} could not be read ({value.reason}).")
        secure = self.vm.secure_boot
        if self.vm.firmware == "efi" and isinstance(secure, Unknown):
            detail = f"Whether {self.vm.name} boots securely could not be read ({secure.reason})."
            yield _unsaid("secure_boot", detail)

    def take_vtpm(self) -> Iterator[Reason]:
        """Source: xapi refuses to start a BIOS VM that has one."""
        if self.override.vtpm != "on":
            return
        if self.vm.firmware == "bios":
            detail = f"{self.vm.name} shall get a vTPM, and boots from BIOS."
            remedy = "Convert it to UEFI at the source, or take vtpm out of the mapping's override of this machine."
            yield Reason(ReasonCode.VTPM_NEEDS_UEFI, self.vm.name, detail, remedy, rule_id="FW-005")
        self.why.append("It gets a new, empty vTPM: what its TPM at the source holds does not move.")

    def take_template(self) -> Iterator[Reason]:
        guest_id = self.vm.guest_id
        if isinstance(guest_id, Unknown):
            return
        name = self.override.template or self.mapping.template_for(guest_id)
        if name is None:
            detail = f"No template is mapped for guest {guest_id}."
            yield Reason(ReasonCode.TEMPLATE_UNMAPPED, guest_id, detail, "Map it, its family or * to a template of the pool.")
            return
        template = self.target.template(name)
        if isinstance(template, Reason):
            yield template
            return
        self.template = (template.name, template.uuid, template.firmware)
        self.why.append(f"Guest {guest_id} gets template {template.name}.")

    def take_networks(self) -> Iterator[Reason]:
        for nic in () if isinstance(self.vm.nics, Unknown) else self.vm.nics:
            yield from self._take_network(nic)

    def _take_network(self, nic: NicFacts) -> Iterator[Reason]:
        source = _network_name(nic, self.names)
        if isinstance(source, Unknown):
            yield _unknown(nic.label, f"The network of {nic.label} of {self.vm.name} could not be read ({source.reason}).")
            return
        if isinstance(nic.mac_address, Unknown) and not self.in_package:
            why = nic.mac_address.reason
            yield _unknown(nic.label, f"The MAC address of {nic.label} of {self.vm.name} could not be read ({why}).")
            return
        name = self.override.networks.get(source) or self.mapping.networks.get(source)
        if name is None:
            detail = f"Network {source} is mapped to nothing."
            yield Reason(ReasonCode.NETWORK_UNMAPPED, source, detail, "Map it to a network of the pool.", rule_id="NIC-005")
            return
        network = self.target.network(name)
        if isinstance(network, Reason):
            yield network
            return
        self.network_by_nic[nic.device_key] = network.uuid
        self.why.append(f"{nic.label} goes from {source} to {network.name}.")
        if isinstance(nic.mac_address, Unknown):
            self.why.append(f"{nic.label} gets a new MAC address in the pool: its source names none.")

    def take_srs(self) -> Iterator[Reason]:
        if self.vm.disks == ():
            detail = f"{self.vm.name} has no disk that could be copied."
            yield Reason(ReasonCode.NO_DISK, self.vm.name, detail, "Rebuild it in the pool, or set its disposition to exclude.")
        for disk in () if isinstance(self.vm.disks, Unknown) else self.vm.disks:
            yield from self._take_sr(disk)

    def _take_sr(self, disk: DiskFacts) -> Iterator[Reason]:
        size_bytes, store = disk.capacity_bytes, self._sr_name(disk)
        if disk.backing in NOT_EXPORTED:
            stored_as = disk.backing_type or disk.backing
            detail = f"{disk.label} of {self.vm.name} is no virtual disk that an export contains ({stored_as})."
            yield Reason(ReasonCode.DISK_NOT_EXPORTED, disk.label, detail, "Move its content to a virtual disk first.")
            return
        if isinstance(disk.backing, Unknown):
            yield _unknown(disk.label, f"How {disk.label} of {self.vm.name} is stored could not be read ({disk.backing.reason}).")
            return
        if isinstance(size_bytes, Unknown) or size_bytes <= 0:
            yield _unknown(disk.label, f"The size of {disk.label} of {self.vm.name} is not known.")
            return
        if isinstance(store, Reason):
            yield store
            return
        sr = self.target.sr(store)
        if isinstance(sr, Reason):
            yield sr
            return
        limit_bytes = self.target.vdi_limit_bytes.get(sr.uuid)
        if limit_bytes is not None and size_bytes > limit_bytes:
            detail = f"{disk.label} of {self.vm.name} is larger ({gib(size_bytes)}) than a VDI on SR {sr.name} can be."
            remedy = "Map it to an SR whose format holds it, or split the disk."
            yield Reason(ReasonCode.DISK_TOO_LARGE, sr.name, detail, remedy, rule_id="DSK-001")
            return
        self.sr_by_disk[disk.device_key] = sr.uuid
        self.thick[sr.uuid] = is_thick(sr)
        self.why.append(f"{disk.label} ({gib(size_bytes)}) goes to SR {sr.name}.")

    def _sr_name(self, disk: DiskFacts) -> str | Reason:
        if self.override.sr:
            return self.override.sr
        if self.in_package:
            detail = f"{disk.label} of {self.vm.name} lies in a package, on no datastore."
            unmapped = Reason(ReasonCode.DATASTORE_UNMAPPED, ANY, detail, "Map the datastore * to an SR of the pool.")
            return self.mapping.sr_for("") or unmapped
        if isinstance(disk.datastore_id, Unknown | None) or disk.datastore_id not in self.names.datastores:
            return _unknown(disk.label, f"The datastore of {disk.label} of {self.vm.name} could not be read.")
        store = self.names.datastores[disk.datastore_id]
        detail = f"Datastore {store} is mapped to nothing."
        return self.mapping.sr_for(store) or Reason(ReasonCode.DATASTORE_UNMAPPED, store, detail, "Map it to an SR of the pool.")

    def placement(self) -> Placement:
        name, uuid, template_firmware = self.template
        firmware = "uefi" if self.vm.firmware == "efi" else "bios"
        if template_firmware and template_firmware != firmware:
            self.why.append(f"Firmware {firmware} is kept from the source; template {name} itself says {template_firmware}.")
        return Placement(
            target_name=self.override.name or self.vm.name,
            template_name=name,
            template_uuid=uuid,
            firmware=firmware,
            network_by_nic=self.network_by_nic,
            sr_by_disk=self.sr_by_disk,
            bytes_by_sr=self._bytes_by_sr(),
            why=(*self.why, *self._protection(), *self._said_of_it()),
            said=self.override.said,
            vtpm=self.override.vtpm == "on",
            vif_locking=self.override.vif_locking,
            ha_restart_priority=self.ha_restart_priority,
        )

    def _protection(self) -> Iterator[str]:
        if self.ha_restart_priority:
            yield f"HA gets the restart priority {self.ha_restart_priority} for it once it runs in the pool."

    def _said_of_it(self) -> Iterator[str]:
        """What rests on a person's word, and what of it is not used."""
        for fact, value in self.override.said.given().items():
            told = getattr(self.told, fact)
            if isinstance(told, Unknown):
                yield f"{fact} is {value} by the mapping: the source does not tell it."
            elif told != (value == "on" if fact == "secure_boot" else value):
                yield f"{fact} is {told} as the source tells it; the mapping's {value} is not used."

    def _bytes_by_sr(self) -> dict[str, int]:
        """Full rounded sizes on thick SRs; on thin ones what the source has written, at most the capacity."""
        needs: dict[str, int] = {}
        for disk in () if isinstance(self.vm.disks, Unknown) else self.vm.disks:
            sr_uuid = self.sr_by_disk[disk.device_key]
            assert not isinstance(disk.capacity_bytes, Unknown), "placed disks have a known size"
            size_bytes = thick_vdi_bytes(disk.capacity_bytes) if self.thick[sr_uuid] else disk.capacity_bytes
            needs[sr_uuid] = needs.get(sr_uuid, 0) + size_bytes
        written = self.vm.committed_bytes
        if isinstance(written, Unknown):
            return needs
        return {uuid: size if self.thick[uuid] else min(size, written) for uuid, size in needs.items()}


def gib(size_bytes: int) -> str:
    """A size for a sentence, in GiB with one decimal."""
    return f"{size_bytes / (1 << 30):.1f} GiB"


def _network_name(nic: NicFacts, names: EstateNames) -> str | Unknown:
    if not isinstance(nic.network_id, Unknown) and nic.network_id in names.networks:
        return names.networks[nic.network_id]
    return nic.network_name


def _unsaid(fact: str, detail: str) -> Reason:
    reason = _unknown(fact, detail)
    remedy = f"{reason.remedy[:-1]}, or give {fact} in the mapping's override of this machine."
    return replace(reason, remedy=remedy) if fact in SAYABLE else reason


def _unknown(subject: str, detail: str) -> Reason:
    remedy = "Make it readable at the source (rights, connection) and collect again."
    return Reason(ReasonCode.FACT_UNKNOWN, subject, detail, remedy, unknown=True)
