"""Facts of a KMS host: one reading as its collection script or an administrator delivered it. Minutes stay minutes (`_min`)."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from estate.facts.unknown import UNKNOWN, Unknown


class KmsUploadFormat(StrEnum):
    """What an uploaded file is, found by its content: only the script's JSON carries the time of its collection."""

    CIM_JSON = "cim_json"
    SLMGR_TEXT = "slmgr_text"
    EVENTS_CSV = "events_csv"
    EVENTS_EVTX = "events_evtx"
    VAMT_CSV = "vamt_csv"

    @property
    def carries_its_time(self) -> bool:
        """Whether the file says itself when it was collected."""
        return self is KmsUploadFormat.CIM_JSON


class KmsContact(Struct, frozen=True, gc=False):
    """One event 12290: a client asked. Identity is the CMID; the name may be truncated.

    A log holds tens of thousands: they point at nothing that could point back, so the collector need not visit them.
    """

    cmid: str
    machine_name: str
    required_count: int
    seen_at: datetime
    is_vm: bool
    result_code: str
    license_state: int
    minutes_to_expiration_min: int | Unknown = UNKNOWN
    activation_id: str = ""
    record_id: int | Unknown = UNKNOWN


class KmsProductCount(Struct, frozen=True):
    """What the host keeps for one application id (Windows and Office count apart). None: no request seen yet."""

    application_id: str
    description: str
    current_count: int | Unknown | None
    total_requests: int | Unknown | None = UNKNOWN
    failed_requests: int | Unknown | None = UNKNOWN


class KmsReading(Struct, frozen=True):
    """What one KMS host said at `collected_at`. `current_count` is None where the host keeps none yet (the -1 of the API).

    `current_count` is the Windows count; other applications are in `products`. `log_covers_from` is the oldest
    event 12290 at hand; `contacts_unreadable` events of that log named no client and are not in `contacts`.
    `edition` is the name of the Windows product whose host key it is, e.g. `Windows(R), ServerStandard edition`.
    """

    host_name: str
    collected_at: datetime
    current_count: int | Unknown | None
    is_kms_host: bool | Unknown
    os_version: str | Unknown = UNKNOWN
    listening_port: int | Unknown = UNKNOWN
    partial_product_key: str | Unknown = UNKNOWN
    description: str | Unknown = UNKNOWN
    contacts: tuple[KmsContact, ...] = ()
    log_covers_from: datetime | Unknown = UNKNOWN
    smbios_uuid: str | Unknown = UNKNOWN
    products: tuple[KmsProductCount, ...] = ()
    contacts_unreadable: int = 0
    edition: str | Unknown = UNKNOWN


class KmsGuestReading(Struct, frozen=True):
    """How the Windows of one computer stood at `collected_at`. `channel` is a token such as `VOLUME_KMSCLIENT`.

    `license_status` is LicenseStatus of SoftwareLicensingProduct (0 to 6); `minutes_left_min` what is left of the
    validity or grace, 0 with status 1 for a licence without end. `by_directory`: Active Directory activated it.
    """

    collected_at: datetime
    computer_name: str | Unknown = UNKNOWN
    smbios_uuid: str | Unknown = UNKNOWN
    cmid: str | Unknown = UNKNOWN
    edition: str | Unknown = UNKNOWN
    channel: str | Unknown = UNKNOWN
    license_status: int | Unknown = UNKNOWN
    status_reason: str | Unknown = UNKNOWN
    minutes_left_min: int | Unknown = UNKNOWN
    required_count: int | Unknown = UNKNOWN
    kms_machine: str | Unknown = UNKNOWN
    rearms_left: int | Unknown = UNKNOWN
    partial_product_key: str | Unknown = UNKNOWN
    by_directory: bool = False
