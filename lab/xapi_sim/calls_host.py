"""host.*, pool.* and PBD.* apart from HA: state, clock, maintenance, plugging storage."""

from __future__ import annotations

import datetime
from typing import Any

from lab.xapi_sim import tables
from lab.xapi_sim.context import Context, api_call
from lab.xapi_sim.coordinator import move_coordinator
from lab.xapi_sim.failure import NULL, XapiFailure
from lab.xapi_sim.ha_control import recompute_plan
from lab.xapi_sim.multipath import write_path_counts


@api_call("host.get_servertime")
def get_servertime(context: Context, _host: str) -> datetime.datetime:
    """The host's clock, UTC."""
    return context.pool.clock.now()


@api_call("host.get_server_localtime")
def get_server_localtime(context: Context, _host: str) -> datetime.datetime:
    """The host's clock in its time zone, which is UTC here."""
    return context.pool.clock.now()


@api_call("host.get_ntp_servers_status")
def get_ntp_servers_status(context: Context, host: str) -> dict[str, str]:
    """Each time server with its state."""
    servers = context.store.get("host", host, "ntp_custom_servers")
    return {server: "synced" if n == 0 else "combined" for n, server in enumerate(servers)}


@api_call("host.get_ntp_synchronized")
def get_ntp_synchronized(_context: Context, _host: str) -> bool:
    """Whether the host's clock follows a time server."""
    return True


@api_call("host.disable")
def disable(context: Context, host: str, *_auto_enable: Any) -> None:
    """No new VMs on this host."""
    context.store.set("host", host, enabled=False)
    recompute_plan(context.pool)


@api_call("host.enable")
def enable(context: Context, host: str) -> None:
    """New VMs again.

    Raises:
        XapiFailure: HOST_NOT_LIVE.
    """
    if not context.pool.fabric.is_up(host):
        raise XapiFailure("HOST_NOT_LIVE")
    context.store.set("host", host, enabled=True)
    recompute_plan(context.pool)


@api_call("host.compute_free_memory")
def compute_free_memory(context: Context, host: str) -> int:
    """Memory for new VMs, in bytes."""
    return context.pool.free_memory_bytes(host)


@api_call("host.compute_memory_overhead")
def compute_memory_overhead(context: Context, host: str) -> int:
    """What the hypervisor itself takes, in bytes."""
    return int(context.store.get("host", host, "memory_overhead"))


@api_call("host.get_management_interface")
def get_management_interface(context: Context, host: str) -> str:
    """The PIF that carries the management address."""
    found = context.store.where("PIF", host=host, management=True)
    return found[0] if found else NULL


@api_call("host.list_methods")
def list_methods(_context: Context) -> list[str]:
    """Names of all messages."""
    return [message.wire_name for each in tables.classes().values() for message in each.messages.values()]


@api_call("pool.designate_new_master")
def designate_new_master(context: Context, host: str) -> None:
    """Another coordinator, while HA is off.

    Raises:
        XapiFailure: HA_IS_ENABLED, HOST_NOT_LIVE.
    """
    if context.store.get("pool", context.pool.ref, "ha_enabled"):
        raise XapiFailure("HA_IS_ENABLED")
    if not context.pool.fabric.is_up(host):
        raise XapiFailure("HOST_NOT_LIVE")
    move_coordinator(context.pool, host)


@api_call("PBD.plug")
def pbd_plug(context: Context, self: str) -> None:
    """Attach an SR to a host."""
    context.store.set("PBD", self, currently_attached=True)
    write_path_counts(context.pool, self)


@api_call("PBD.unplug")
def pbd_unplug(context: Context, self: str) -> None:
    """Detach an SR from a host; its multipath figures go away.

    Raises:
        XapiFailure: VDI_IN_USE when a VM of the host uses the SR; HA_IS_ENABLED for the heartbeat SR.
    """
    record = context.store.row("PBD", self).record
    for vdi in context.store.get("SR", record["SR"], "VDIs"):
        if context.pool.armed_timeout_s is not None and context.store.get("VDI", vdi, "type") == "ha_statefile":
            raise XapiFailure("HA_IS_ENABLED")
        if _used_on(context, vdi, record["host"]):
            raise XapiFailure("VDI_IN_USE", vdi, "attach")
    context.store.set("PBD", self, currently_attached=False)
    write_path_counts(context.pool, self, forget_max=True)


def _used_on(context: Context, vdi: str, host: str) -> bool:
    vbds = [context.store.row("VBD", vbd).record for vbd in context.store.get("VDI", vdi, "VBDs")]
    return any(vbd["currently_attached"] and context.store.get("VM", vbd["VM"], "resident_on") == host for vbd in vbds)
