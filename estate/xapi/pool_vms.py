"""VMs and templates of a pool as facts. Making VMs is done in vm.py."""

from __future__ import annotations

from estate.facts.pool import PoolDriveFacts, PoolVmFacts, TemplateFacts
from estate.facts.unknown import Unknown
from estate.xapi.records import Record, Snapshot

CONVERSION_KEY = "xenbound-conversion"
DISK_KEY = "xenbound-disk"
SOURCE_UUID_KEY = "xenbound-source-instance-uuid"
_HOST_DEVICES = ("VGPUs", "VUSBs", "attached_PCIs")


def vms(snapshot: Snapshot) -> tuple[PoolVmFacts, ...]:
    """VMs and control domains, without templates and snapshots."""
    return snapshot.collect("VM", lambda vm: None if _is_pattern(vm) else _vm(snapshot, vm))


def templates(snapshot: Snapshot) -> tuple[TemplateFacts, ...]:
    """Templates that a VM can be made from."""
    return snapshot.collect("VM", lambda vm: _template(vm) if vm.flag("is_a_template") and not vm.flag("is_a_snapshot") else None)


def _is_pattern(vm: Record) -> bool:
    return vm.flag("is_a_template") or vm.flag("is_a_snapshot")


def _vm(snapshot: Snapshot, vm: Record) -> PoolVmFacts:
    tools = snapshot.table("VM_guest_metrics").get(vm.fields.get("guest_metrics"))
    vifs = (snapshot.table("VIF").get(ref) for ref in vm.refs("VIFs"))
    return PoolVmFacts(
        uuid=vm.text("uuid"),
        name=vm.text("name_label"),
        power_state=vm.text("power_state"),
        is_control_domain=vm.flag("is_control_domain"),
        memory_static_max_bytes=vm.number("memory_static_max"),
        memory_overhead_bytes=vm.number("memory_overhead"),
        vcpus_max=vm.number("VCPUs_max"),
        resident_on_uuid=snapshot.table("host").uuid(vm.text("resident_on")),
        ha_restart_priority=vm.text("ha_restart_priority"),
        mac_addresses=tuple(sorted(vif.text("MAC").lower() for vif in vifs if vif)),
        conversion_id=vm.map("other_config").get(CONVERSION_KEY),
        source_instance_uuid=vm.map("other_config").get(SOURCE_UUID_KEY),
        start_blocked=_start_blocked(vm),
        drives=_drives(snapshot, vm),
        network_uuids=_network_uuids(snapshot, vm),
        host_devices=tuple(name for name in _HOST_DEVICES if vm.refs(name)),
        order=vm.maybe_number("order"),
        start_delay_s=vm.maybe_number("start_delay"),
        memory_dynamic_max_bytes=vm.maybe_number("memory_dynamic_max"),
        tools_detected=_tools(snapshot, tools, "PV_drivers_detected"),
        tools_up_to_date=_tools(snapshot, tools, "PV_drivers_up_to_date"),
    )


def _tools(snapshot: Snapshot, metrics: Record | None, name: str) -> bool | Unknown:
    """What the guest's agent reported; a guest that never reported anything has none."""
    if not snapshot.is_known("VM_guest_metrics"):
        return Unknown("what the guests' agents report could not be read")
    return False if metrics is None else metrics.maybe_flag(name)


def _drives(snapshot: Snapshot, vm: Record) -> tuple[PoolDriveFacts, ...] | Unknown:
    vbds = [snapshot.table("VBD").get(ref) for ref in vm.refs("VBDs")]
    if not snapshot.is_known("VBD") or None in vbds:
        return Unknown("the VM's drives (VBD) could not be read")
    return tuple(sorted((_drive(snapshot, vbd) for vbd in vbds if vbd), key=lambda drive: drive.vbd_uuid))


def _drive(snapshot: Snapshot, vbd: Record) -> PoolDriveFacts:
    sr_uuid: str | Unknown | None = None
    if not vbd.flag("empty"):
        vdi = snapshot.table("VDI").get(vbd.text("VDI"))
        found = snapshot.table("SR").uuid(vdi.text("SR")) if vdi else None
        sr_uuid = found or Unknown("the drive's disk (VDI) could not be read")
    return PoolDriveFacts(vbd.text("uuid"), vbd.text("type"), sr_uuid)


def _network_uuids(snapshot: Snapshot, vm: Record) -> tuple[str, ...] | Unknown:
    vifs = [snapshot.table("VIF").get(ref) for ref in vm.refs("VIFs")]
    networks = [snapshot.table("network").uuid(vif.text("network")) if vif else None for vif in vifs]
    if None in networks:
        return Unknown("a network card (VIF) of the VM, or its network, could not be read")
    return tuple(sorted({uuid for uuid in networks if uuid}))


def _start_blocked(vm: Record) -> bool | Unknown:
    blocked = vm.maybe_map("blocked_operations")
    return blocked if isinstance(blocked, Unknown) else "start" in blocked


def _template(vm: Record) -> TemplateFacts:
    """Firmware is `bios` where an HVM template does not name one, and `pv` for templates of paravirtual guests."""
    firmware = vm.map("HVM_boot_params").get("firmware", "bios") if vm.text("HVM_boot_policy") else "pv"
    return TemplateFacts(uuid=vm.text("uuid"), name=vm.text("name_label"), firmware=firmware)
