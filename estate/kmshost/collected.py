"""The JSON of the collection script (schema 1) as one reading of a KMS host.

Bounded and suspicious: the file comes from a person. A correct reading or a refusal with its place, never a wrong number.
Decoding bytes and the limit of 20 MB are the caller's; what the count means is kms.core's.
"""

from __future__ import annotations

from datetime import datetime

from estate.facts.kms import KmsContact, KmsProductCount, KmsReading
from estate.facts.unknown import UNKNOWN, Unknown
from estate.kmshost.errors import CLOCK_TOLERANCE, UploadRefused
from estate.kmshost.events import read_contact, settled
from estate.kmshost.fields import JsonObject, object_of, parse_json

PARSER_VERSION = "cim-json/2"
SCHEMA = 1
EVENTS_LIMIT = 500_000
PRODUCTS_LIMIT = 1_000
WINDOWS_APPLICATION_ID = "55c92734-d682-4d71-983e-d6ec3f16059f"  # Source: SoftwareLicensingProduct, MS Learn
PARTIAL_KEY_CHARS = 5


def read_collected(text: str, *, received_at: datetime) -> KmsReading:
    """One reading out of the script's JSON.

    Raises UploadRefused (a person has to act) with the place in the file. Events that name no client are counted in
    `contacts_unreadable`; when all of them do, the upload is refused.
    """
    upload = parse_json(text)
    require_schema(upload)
    collected_at = collected_at_of(upload, received_at)
    host_name = upload.text("name")
    if isinstance(host_name, Unknown) or not host_name.strip():
        raise UploadRefused("name", "the computer name is missing")
    products = upload.objects("product", most=PRODUCTS_LIMIT)
    service = object_of(upload.values.get("service") or {}, "service")
    host_products = tuple(product for product in products if _is_host_key(product))
    windows = next((product for product in host_products if application_id_of(product) == WINDOWS_APPLICATION_ID), None)
    contacts, unreadable = _contacts(upload, collected_at)
    return KmsReading(
        host_name=host_name.strip(),
        collected_at=collected_at,
        current_count=_current_count(windows, service),
        is_kms_host=_is_kms_host(host_products, service, products),
        os_version=service.text("Version"),
        listening_port=service.number("KeyManagementServiceListeningPort"),
        partial_product_key=_partial_key(windows),
        description=windows.text("Description") if windows else UNKNOWN,
        contacts=contacts,
        log_covers_from=min((contact.seen_at for contact in contacts), default=UNKNOWN),
        smbios_uuid=upload.text("smbios"),
        products=tuple(_product_count(product) for product in host_products),
        contacts_unreadable=unreadable,
        edition=windows.text("Name") if windows else UNKNOWN,
    )


def require_schema(upload: JsonObject) -> None:
    schema = upload.number("schema")
    if isinstance(schema, Unknown):
        raise UploadRefused("schema", "the schema number is missing: this is not the collection script's output")
    if schema != SCHEMA:
        raise UploadRefused("schema", f"is {schema}, this release reads schema {SCHEMA}", code="kms_schema_unknown")


def collected_at_of(upload: JsonObject, received_at: datetime) -> datetime:
    collected_at = upload.time("now")
    if collected_at > received_at + CLOCK_TOLERANCE:
        raise UploadRefused(
            "now",
            f"the host's clock says {collected_at:%Y-%m-%d %H:%M} UTC, which is ahead of Xenbound's {received_at:%H:%M}",
            code="kms_clock_ahead",
            next_step="Set the clock of the KMS host (or of the Xenbound server) right and collect again.",
        )
    return min(collected_at, received_at)


def application_id_of(product: JsonObject) -> str:
    application_id = product.text("ApplicationID")
    return "" if isinstance(application_id, Unknown) else application_id.strip("{}").lower()


def _is_host_key(product: JsonObject) -> bool:
    """Whether this product is a host key that is in use on this machine, not one the machine is a client with."""
    return product.flag("IsKeyManagementServiceMachine") is True


def _is_kms_host(host_products: tuple[JsonObject, ...], service: JsonObject, products: tuple[JsonObject, ...]) -> bool | Unknown:
    """The products are authoritative on newer Windows; the service class is asked where they say nothing."""
    if host_products:
        return True
    said = service.flag("IsKeyManagementServiceMachine")
    return False if isinstance(said, Unknown) and products else said


def _current_count(windows: JsonObject | None, service: JsonObject) -> int | Unknown | None:
    """The Windows count: per product where the host says it, else of the service class."""
    of_product = windows.count("KeyManagementServiceCurrentCount") if windows else UNKNOWN
    return service.count("KeyManagementServiceCurrentCount") if isinstance(of_product, Unknown) else of_product


def _partial_key(product: JsonObject | None) -> str | Unknown:
    key = product.text("PartialProductKey") if product else UNKNOWN
    if isinstance(key, Unknown):
        return key
    return key if len(key) == PARTIAL_KEY_CHARS else Unknown("the partial key is not five characters long")


def _product_count(product: JsonObject) -> KmsProductCount:
    description = product.text("Description")
    return KmsProductCount(
        application_id=application_id_of(product),
        description="" if isinstance(description, Unknown) else description,
        current_count=product.count("KeyManagementServiceCurrentCount"),
        total_requests=product.count("KeyManagementServiceTotalRequests"),
        failed_requests=product.count("KeyManagementServiceFailedRequests"),
    )


def _contacts(upload: JsonObject, collected_at: datetime) -> tuple[tuple[KmsContact, ...], int]:
    """The log's requests in order of time, and how many events name no client."""
    events = upload.objects("ev12290", most=EVENTS_LIMIT)
    read = [read_contact(event) for event in events]
    contacts = [contact for contact in read if contact is not None]
    if events and not contacts:
        raise UploadRefused("ev12290", f"none of the {len(events)} events names a client the way event 12290 does")
    return settled(contacts, collected_at, "ev12290"), len(events) - len(contacts)
