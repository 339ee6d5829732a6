"""The second opinion: the same estate through pyVmomi's own typed objects, told in plain values for comparison.

Shares no code with the adapter but the list of kinds; whole properties are fetched, so that paths are not shared either.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC
from typing import Any
from urllib.parse import unquote, urlsplit

from pyVim.connect import Disconnect, SmartConnect
from pyVmomi import vim, vmodl

from estate.connection import Connection

PC = vmodl.query.PropertyCollector


@contextmanager
def typed_session(connection: Connection) -> Iterator[Any]:
    """A plain pyVmomi service instance, unverified: it only serves as a witness on loopback."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    where = urlsplit(connection.url)
    instance = SmartConnect(
        host=where.hostname, port=where.port, user=connection.username, pwd=connection.password, sslContext=context
    )
    try:
        yield instance
    finally:
        Disconnect(instance)


def objects(instance: Any, kind: type[Any], *names: str) -> dict[str, dict[str, Any]]:
    """`{moref: {property: typed value}}` of every object of a kind."""
    content = instance.RetrieveContent()
    view = content.viewManager.CreateContainerView(content.rootFolder, [kind], True)
    through = PC.TraversalSpec(name="view", type=vim.view.ContainerView, path="view", skip=False)
    spec = PC.FilterSpec(
        objectSet=[PC.ObjectSpec(obj=view, skip=True, selectSet=[through])],
        propSet=[PC.PropertySpec(type=kind, all=False, pathSet=list(names))],
    )
    found: dict[str, dict[str, Any]] = {}
    answer = content.propertyCollector.RetrievePropertiesEx([spec], PC.RetrieveOptions())
    while answer is not None:
        for each in answer.objects:
            found[each.obj._moId] = {prop.name: prop.val for prop in each.propSet} | {"self": each.obj}
        if not answer.token:
            break
        answer = content.propertyCollector.ContinueRetrievePropertiesEx(answer.token)
    view.DestroyView()
    return found


def clusters(instance: Any) -> dict[str, Any]:
    found = objects(instance, vim.ClusterComputeResource, "name", "host", "datastore", "network", "resourcePool")
    return {
        key: (
            unquote(row["name"]),
            morefs(row["host"]),
            morefs(row["datastore"]),
            morefs(row["network"]),
            row["resourcePool"]._moId,
        )
        for key, row in found.items()
    }


_WIRING = ("hardware.cpuInfo", "config.network.proxySwitch", "licensableResource")


def hosts(instance: Any) -> dict[str, Any]:
    found = objects(instance, vim.HostSystem, "name", "parent", "summary", "runtime", "datastore", "network", *_WIRING)
    return {key: _host(row) for key, row in found.items()}


def _host(row: dict[str, Any]) -> Any:
    hardware, parent = row["summary"].hardware, row["parent"]
    return (
        unquote(row["name"]),
        parent._moId if isinstance(parent, vim.ClusterComputeResource) else None,
        str(row["runtime"].connectionState),
        row["runtime"].inMaintenanceMode,
        (hardware.cpuModel, hardware.numCpuCores, hardware.memorySize, hardware.vendor, hardware.model),
        row["summary"].config.product.fullName,
        morefs(row["datastore"]),
        morefs(row["network"]),
        row["hardware.cpuInfo"].hz,
        tuple((each.dvsName, each.mtu, len(each.pnic)) for each in row.get("config.network.proxySwitch", [])),
        {each.key: getattr(each.value, "value", str(each.value)) for each in row["licensableResource"].resource},
    )


def datastores(instance: Any) -> dict[str, Any]:
    found = objects(instance, vim.Datastore, "name", "summary", "host", "vm", "capability")
    return {
        key: (
            unquote(row["name"]),
            row["summary"].type,
            row["summary"].capacity,
            row["summary"].freeSpace,
            row["summary"].accessible,
            tuple(mount.key._moId for mount in row.get("host", [])),
            morefs(row.get("vm", [])),
            row["capability"].perFileThinProvisioningSupported,
        )
        for key, row in found.items()
    }


def networks(instance: Any) -> dict[str, Any]:
    found = objects(instance, vim.Network, "name", "host", "vm")
    groups = objects(instance, vim.dvs.DistributedVirtualPortgroup, "key", "config.type")
    return {key: _network(row, groups.get(key)) for key, row in found.items()}


def _network(row: dict[str, Any], group: dict[str, Any] | None) -> Any:
    distributed = ("", None) if group is None else (group["key"], group.get("config.type"))
    return (unquote(row["name"]), group is not None, *distributed, morefs(row.get("host", [])), morefs(row.get("vm", [])))


def machines(instance: Any) -> dict[str, Any]:
    """Every VM as nested plain tuples; unset is None."""
    by_key = {row["key"]: moref for moref, row in objects(instance, vim.dvs.DistributedVirtualPortgroup, "key").items()}
    names = {moref: unquote(row["name"]) for moref, row in objects(instance, vim.Network, "name").items()}
    found = objects(instance, vim.VirtualMachine, "name", "config", "runtime", "guest", "snapshot", "datastore")
    return {key: _machine(row, by_key, names) for key, row in found.items()}


def _machine(row: dict[str, Any], by_key: dict[str, str], names: dict[str, str]) -> Any:
    config, runtime = row.get("config"), row["runtime"]
    head = (unquote(row["name"]), str(runtime.powerState), str(runtime.connectionState), runtime.host._moId)
    if config is None:
        return (*head, None)
    hardware = config.hardware
    return (
        *head,
        (config.instanceUuid, config.uuid, config.changeVersion or None, config.template, config.annotation or ""),
        (config.version, config.firmware, hardware.numCPU, hardware.numCoresPerSocket, hardware.memoryMB << 20),
        tuple(_disk(device, hardware.device) for device in hardware.device if isinstance(device, vim.vm.device.VirtualDisk)),
        tuple(_nic(device, by_key, names) for device in hardware.device if isinstance(device, vim.vm.device.VirtualEthernetCard)),
        tuple(_snapshots(row["snapshot"].rootSnapshotList if row.get("snapshot") else [], 1)),
        morefs(row.get("datastore", [])),
        runtime.bootTime.astimezone(UTC) if runtime.bootTime else None,
    )


def _disk(device: Any, devices: Any) -> Any:
    controller = next(each for each in devices if each.key == device.controllerKey)
    backing = device.backing
    return (
        device.key,
        device.deviceInfo.label,
        device.capacityInBytes or device.capacityInKB * 1024,
        wsdl(backing),
        backing.fileName,
        backing.datastore._moId if backing.datastore else None,
        getattr(backing, "thinProvisioned", None),
        backing.diskMode,
        f"{wsdl(controller)}{controller.busNumber}:{device.unitNumber}",
    )


def _nic(device: Any, by_key: dict[str, str], names: dict[str, str]) -> Any:
    backing = device.backing
    port = getattr(backing, "port", None)
    network_id = by_key[port.portgroupKey] if port else backing.network._moId
    return (
        device.key,
        device.deviceInfo.label,
        device.macAddress,
        network_id,
        names[network_id],
        wsdl(device),
        device.addressType,
        device.connectable.connected,
    )


def _snapshots(nodes: Any, depth: int) -> Iterator[Any]:
    for node in nodes:
        yield (node.snapshot._moId, unquote(node.name), node.createTime.astimezone(UTC), str(node.state) == "poweredOn", depth)
        yield from _snapshots(node.childSnapshotList, depth + 1)


def morefs(listed: Any) -> tuple[str, ...]:
    return tuple(each._moId for each in listed)


def wsdl(value: Any) -> str:
    return str(type(value)._wsdlName)
