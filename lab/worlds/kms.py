"""What the collection script prints on the world's KMS host: current products, service and contact events.

Nine servers ask for activation, three of them the estate's Windows VMs: enough for servers (5), not for clients (25).
The arithmetic of the count is the product's; here it is simply written down as the host would report it.
"""

from __future__ import annotations

import datetime
import random
import uuid
from typing import Any

HOST_NAME = "kms01.corp.example"
OTHER_SERVERS = ("dc02", "app02", "app07", "print01", "wsus01", "ca01")
WINDOWS_APPLICATION = "55c92734-d682-4d71-983e-d6ec3f16059f"
SERVER_ACTIVATION = "66666666-7777-4888-9999-aaaaaaaaaaaa"
RENEWAL = datetime.timedelta(days=7)
HISTORY = datetime.timedelta(days=35)
NEEDED_BY_SERVERS = 5
UNSET_UINT32 = 4294967295


def cmid(seed: int, server: str) -> str:
    """The client machine id of a server, the same in every run of a world."""
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, f"cmid:{seed}:{server}"))


def reading(seed: int, windows_vms: tuple[str, ...], now: datetime.datetime) -> dict[str, Any]:
    """The collection script's JSON, as taken at `now` (aware UTC)."""
    servers = (*windows_vms, *OTHER_SERVERS)
    events = sorted((event for server in servers for event in _contacts(seed, server, now)), key=lambda event: event["t"])
    for record, event in enumerate(events, start=20411):
        event["id"] = record
    return {
        "schema": 1,
        "now": _iso(now),
        "name": HOST_NAME.partition(".")[0].upper(),
        "product": [_product(len(servers))],
        "service": _service(len(servers)),
        "ev12290": events,
        "smbios": "4C4C4544-0042-3510-8057-B7C04F4D5331",
    }


def _contacts(seed: int, server: str, now: datetime.datetime) -> list[dict[str, Any]]:
    chance = random.Random(f"{seed}:{server}")
    moment = now - datetime.timedelta(hours=chance.randrange(2, 150))
    events = []
    while moment > now - HISTORY:
        events.append({"t": _iso(moment), "d": _insertion_strings(seed, server, moment)})
        moment -= RENEWAL - datetime.timedelta(minutes=chance.randrange(0, 90))
    return events


def _insertion_strings(seed: int, server: str, moment: datetime.datetime) -> list[str]:
    client_time = f"{moment.year}/{moment.month}/{moment.day} {moment.hour}:{moment.minute:02}"
    in_vm, licensed, minutes_left = "1", "1", "249120"
    name = f"{server}.corp.example"
    return [
        "0x0",
        str(NEEDED_BY_SERVERS),
        name,
        cmid(seed, server),
        client_time,
        in_vm,
        licensed,
        minutes_left,
        SERVER_ACTIVATION,
    ]


def _product(count: int) -> dict[str, Any]:
    return {
        "ID": "11111111-2222-4333-8444-555555555555",
        "Name": "Windows(R), ServerStandard edition",
        "Description": "Windows(R) Operating System, VOLUME_KMS_WS22 channel",
        "ApplicationID": WINDOWS_APPLICATION,
        "PartialProductKey": "ABCDE",
        "LicenseStatus": 1,
        "LicenseStatusReason": 1074066433,
        "GracePeriodRemaining": 0,
        "VLActivationInterval": 120,
        "VLRenewalInterval": 10080,
        "IsKeyManagementServiceMachine": 1,
        "KeyManagementServiceCurrentCount": count,
        "RequiredClientCount": UNSET_UINT32,
        "KeyManagementServiceTotalRequests": 1482,
        "KeyManagementServiceFailedRequests": 37,
        "KeyManagementServiceMachine": "",
        "DiscoveredKeyManagementServiceMachineName": "",
        "DiscoveredKeyManagementServiceMachinePort": 0,
    }


def _service(count: int) -> dict[str, Any]:
    return {
        "Version": "10.0.20348.2031",
        "ClientMachineID": "",
        "IsKeyManagementServiceMachine": 1,
        "KeyManagementServiceCurrentCount": count,
        "KeyManagementServiceListeningPort": 1688,
        "KeyManagementServiceDnsPublishing": True,
        "RemainingWindowsReArmCount": 1001,
    }


def _iso(moment: datetime.datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f") + "0Z"
