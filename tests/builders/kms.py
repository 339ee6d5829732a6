"""Builders of KMS facts with sane defaults: contacts, readings, histories, and the collection script's JSON."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from estate.facts.kms import KmsContact, KmsReading
from estate.facts.unknown import UNKNOWN, Unknown
from kms.core.observed import HostHistory

START = datetime(2026, 3, 1, tzinfo=UTC)
NAMESPACE = UUID("2b3c1c66-1111-4222-8333-444455556666")
WINDOWS = "55c92734-d682-4d71-983e-d6ec3f16059f"
SERVER_SKU = "66666666-7777-4888-9999-aaaaaaaaaaaa"


def day(number: float) -> datetime:
    """A moment `number` days after the fixed start."""
    return START + timedelta(days=number)


def cmid(name: str) -> str:
    """A stable CMID for a name."""
    return str(uuid5(NAMESPACE, name))


def a_contact(client: str, at: float, required: int = 5, **changes: Any) -> KmsContact:
    """`client` asks on day `at`; its CMID follows from its name."""
    fields = {
        "cmid": cmid(client),
        "machine_name": f"{client}.corp.example",
        "required_count": required,
        "seen_at": day(at),
        "is_vm": True,
        "result_code": "0x00000000",
        "license_state": 1,
    }
    return KmsContact(**(fields | changes))


def a_reading(
    at: float, contacts: Iterable[KmsContact] = (), current_count: int | Unknown | None = UNKNOWN, **changes: Any
) -> KmsReading:
    """A reading collected on day `at`; its log begins with its oldest contact."""
    listed = tuple(sorted(contacts, key=lambda contact: contact.seen_at))
    fields: dict[str, Any] = {
        "host_name": "KMS01",
        "collected_at": day(at),
        "current_count": current_count,
        "is_kms_host": True,
        "contacts": listed,
        "log_covers_from": listed[0].seen_at if listed else UNKNOWN,
    }
    return KmsReading(**(fields | changes))


def a_history(*readings: KmsReading, name: str = "KMS01", legacy: bool = False) -> HostHistory:
    """One host with these readings."""
    return HostHistory(host_id=cmid(name), name=name, readings=readings, legacy=legacy)


def weekly(clients: Iterable[str], *, until: float, since: float = 0, required: int = 5) -> list[KmsContact]:
    """Every client asks each week from day `since` to day `until`."""
    weeks = int((until - since) // 7) + 1
    return [a_contact(client, since + 7 * week, required) for week in range(weeks) for client in clients]


def named(prefix: str, count: int, first: int = 1) -> list[str]:
    """`prefix1`, `prefix2`, ..."""
    return [f"{prefix}{number}" for number in range(first, first + count)]


def script_event(client: str, at: float, required: int = 5, record_id: int = 1) -> dict[str, Any]:
    """One event 12290 as the collection script writes it."""
    fields = ["0x0", str(required), f"{client}.corp.example", cmid(client), "2026/3/12 8:41", "1", "2", "43020", SERVER_SKU]
    return {"t": day(at).strftime("%Y-%m-%dT%H:%M:%S.0000000Z"), "id": record_id, "d": fields}


def script_output(at: float, events: list[dict[str, Any]], count: int, **changes: Any) -> dict[str, Any]:
    """The collection script's output on a KMS host, as plain JSON values."""
    product = {
        "ID": "11111111-2222-4333-8444-555555555555",
        "Name": "Windows(R), ServerStandard edition",
        "Description": "Windows(R) Operating System, VOLUME_KMS_WS22 channel",
        "ApplicationID": WINDOWS,
        "PartialProductKey": "ABCDE",
        "LicenseStatus": 1,
        "GracePeriodRemaining": 0,
        "IsKeyManagementServiceMachine": 1,
        "KeyManagementServiceCurrentCount": count,
        "KeyManagementServiceTotalRequests": 1482,
        "KeyManagementServiceFailedRequests": 37,
    }
    service = {
        "Version": "10.0.20348.2031",
        "ClientMachineID": cmid("kms01"),
        "IsKeyManagementServiceMachine": 1,
        "KeyManagementServiceCurrentCount": count,
        "KeyManagementServiceListeningPort": 1688,
        "RemainingWindowsReArmCount": 1001,
    }
    now = day(at).strftime("%Y-%m-%dT%H:%M:%S.0000000Z")
    whole = {"schema": 1, "now": now, "name": "KMS01", "product": [product], "service": service, "ev12290": events}
    return whole | {"smbios": "4C4C4544-0042-3510-8054-B4C04F4A3732"} | changes
