"""How the Windows of guests stands: the script's JSON, slmgr's text, or VAMT's list of products as CSV.

Each reading is of one computer. A text names none, so the uploader does.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from estate.facts.kms import KmsGuestReading
from estate.facts.productkey import without_product_keys
from estate.facts.unknown import UNKNOWN, Unknown
from estate.kmshost.collected import WINDOWS_APPLICATION_ID, application_id_of, collected_at_of, require_schema
from estate.kmshost.errors import UploadRefused
from estate.kmshost.fields import TEXT_LIMIT_CHARS, JsonObject, object_of, parse_json
from estate.kmshost.host_text import require_same_day
from estate.kmshost.slmgr import CHANNEL, SlmgrProduct, read_slmgr

GUESTS_LIMIT = 20_000
HEADER_LIMIT_CHARS = 10_000
HIGHEST_STATUS = 6
VAMT_STEP = "In VAMT export the list of products again, with computer name, product key type and licence status."
# VAMT's columns by what they hold, letters only; its list can be exported with more or fewer of them.
_COLUMNS = {
    "name": ("fullyqualifieddomainname", "fqdn", "computername", "networkname", "computer", "name"),
    "edition": ("productname", "product"),
    "key_type": ("productkeytype", "keytype", "licensechannel", "channel"),
    "status": ("licensestatus", "licencestatus"),
    "minutes": ("remainingminutes", "minutesremaining", "graceperiodremaining", "remaininggraceminutes"),
    "cmid": ("cmid", "clientmachineid"),
    "kms": ("kmshost", "kmshostname", "kmsmachinename"),
    "partial": ("partialproductkey",),
    "application": ("applicationid",),
}
_KEY_TYPES = (
    ("gvlk", "VOLUME_KMSCLIENT"), ("csvlk", "VOLUME_KMS_HOST"), ("mak", "VOLUME_MAK"), ("retail", "RETAIL"), ("oem", "OEM_KEY"),
    ("avma", "VIRTUAL_MACHINE_ACTIVATION"),
)  # fmt: skip
_STATUS_WORDS = (
    ("unlicensed", 0), ("licensed", 1), ("outofbox", 2), ("oob", 2), ("initialgrace", 2), ("outoftolerance", 3), ("oot", 3),
    ("additionalgrace", 3), ("nongenuine", 4), ("notification", 5), ("extendedgrace", 6),
)  # fmt: skip


def read_guest_json(text: str, *, received_at: datetime) -> KmsGuestReading:
    """The script's JSON of a guest. Raises UploadRefused with the place in the file."""
    upload = parse_json(text)
    require_schema(upload)
    name = upload.text("name")
    if isinstance(name, Unknown) or not name.strip():
        raise UploadRefused("name", "the computer name is missing")
    service = object_of(upload.values.get("service") or {}, "service")
    product = _windows_product(upload.objects("product", most=1000))
    status = product.number("LicenseStatus") if product else UNKNOWN
    if isinstance(status, int) and status > HIGHEST_STATUS:
        raise UploadRefused("product", f"the licence status {status} is none of 0 to {HIGHEST_STATUS}")
    return KmsGuestReading(
        collected_at=collected_at_of(upload, received_at),
        computer_name=name.strip(),
        smbios_uuid=upload.text("smbios"),
        cmid=_cmid(service.text("ClientMachineID")),
        edition=product.text("Name") if product else UNKNOWN,
        channel=_channel(product.text("Description")) if product else UNKNOWN,
        license_status=status,
        status_reason=_reason(product.count("LicenseStatusReason")) if product else UNKNOWN,
        minutes_left_min=product.number("GracePeriodRemaining") if product else UNKNOWN,
        required_count=_positive(product.count("RequiredClientCount")) if product else UNKNOWN,
        kms_machine=_kms_machine(product) if product else UNKNOWN,
        rearms_left=service.number("RemainingWindowsReArmCount"),
        partial_product_key=_five(product.text("PartialProductKey")) if product else UNKNOWN,
    )


def read_guest_text(text: str, *, collected_at: datetime, computer_name: str) -> KmsGuestReading:
    """slmgr's text of a guest, whose name the uploader tells. Raises UploadRefused."""
    output = read_slmgr(text)
    require_same_day(output, collected_at)
    windows = [product for product in output.products if product.application_id == WINDOWS_APPLICATION_ID]
    chosen = next((product for product in windows if product.channel == "VOLUME_KMSCLIENT"), windows[0] if windows else None)
    if chosen is None:
        raise UploadRefused("the file", "holds no Windows product: run slmgr /dlv without an activation id")
    return _of_product(chosen, output.rearms_left, collected_at, computer_name)


def _of_product(product: SlmgrProduct, rearms: int | Unknown, collected_at: datetime, computer_name: str) -> KmsGuestReading:
    endless = product.status == 1 and isinstance(product.minutes_left_min, Unknown) and product.channel != "VOLUME_KMSCLIENT"
    return KmsGuestReading(
        collected_at=collected_at,
        computer_name=computer_name or Unknown("the text names no computer"),
        cmid=product.cmid,
        edition=product.name,
        channel=product.channel,
        license_status=product.status,
        status_reason=product.status_reason,
        minutes_left_min=0 if endless else product.minutes_left_min,
        kms_machine=product.kms_machine,
        rearms_left=rearms,
        partial_product_key=product.partial_key,
        by_directory=product.by_directory,
    )


def looks_like_vamt(text: str) -> bool:
    """Whether the first line names VAMT's columns: a computer, a key type or product, and a licence status."""
    header = _header(text)
    found = set(_places(header))
    return {"name", "status"} <= found and bool(found & {"key_type", "edition"})


def read_vamt(text: str, *, collected_at: datetime) -> tuple[KmsGuestReading, ...]:
    """One reading per Windows product of VAMT's list. Raises UploadRefused with the row."""
    places = _places(_header(text))
    readings = [_of_row(number, cells, places, collected_at) for number, cells in _vamt_rows(text)]
    windows = tuple(reading for reading in readings if reading is not None)
    if not windows:
        raise UploadRefused("the file", "lists no Windows product", next_step=VAMT_STEP)
    return windows


def _header(text: str) -> list[str]:
    line = next((line for line in text.splitlines()[:5] if line.strip() and not line.startswith("#TYPE")), "")
    return next(csv.reader([line], delimiter=_delimiter(line)), []) if len(line) <= HEADER_LIMIT_CHARS else []


def _delimiter(line: str) -> str:
    return max("\t;,", key=line.count)


def _places(header: list[str]) -> dict[str, int]:
    plain = [re.sub("[^a-z]", "", cell.lower()) for cell in header]
    found = {}
    for column, names in _COLUMNS.items():
        place = next((plain.index(name) for name in names if name in plain), None)
        if place is not None:
            found[column] = place
    return found


def _vamt_rows(text: str) -> Iterator[tuple[int, list[str]]]:
    header = _header(text)
    line = next((line for line in text.splitlines()[:5] if line.strip() and not line.startswith("#TYPE")), "")
    try:
        for number, cells in enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(line), strict=True), 1):
            if number > GUESTS_LIMIT:
                raise UploadRefused("the file", f"has more than {GUESTS_LIMIT} rows", next_step=VAMT_STEP)
            if not any(cells) or cells == header or cells[0].startswith("#TYPE"):
                continue
            if len(cells) != len(header):
                problem = f"has {len(cells)} cells, the header {len(header)}; is the file cut short?"
                raise UploadRefused(f"row {number}", problem, next_step=VAMT_STEP)
            yield number, [without_product_keys(cell.strip())[:TEXT_LIMIT_CHARS] for cell in cells]
    except csv.Error as error:
        raise UploadRefused("the file", f"is no whole CSV ({error}); is it cut short?", next_step=VAMT_STEP) from error


def _of_row(number: int, cells: list[str], places: dict[str, int], collected_at: datetime) -> KmsGuestReading | None:
    def cell(column: str) -> str:
        return cells[places[column]] if column in places else ""

    application = cell("application").strip("{}").lower()
    if (application and application != WINDOWS_APPLICATION_ID) or not (application or "windows" in cell("edition").lower()):
        return None
    if not cell("name"):
        raise UploadRefused(f"row {number}", "names no computer", next_step=VAMT_STEP)
    minutes = cell("minutes")
    if minutes and not re.fullmatch(r"\d{1,7}", minutes):
        raise UploadRefused(f"row {number}", f"the minutes left “{minutes[:40]}” are no whole number", next_step=VAMT_STEP)
    return KmsGuestReading(
        collected_at=collected_at,
        computer_name=cell("name"),
        cmid=_cmid(cell("cmid") or UNKNOWN),
        edition=cell("edition") or UNKNOWN,
        channel=_key_type(cell("key_type")),
        license_status=_status_word(cell("status")),
        minutes_left_min=int(minutes) if minutes else UNKNOWN,
        kms_machine=cell("kms") or UNKNOWN,
        partial_product_key=_five(cell("partial") or UNKNOWN),
    )


def _key_type(words: str) -> str | Unknown:
    lowered = words.lower()
    return next((token for part, token in _KEY_TYPES if part in lowered), Unknown(f"the key type “{words[:40]}” is not known"))


def _status_word(words: str) -> int | Unknown:
    plain = re.sub("[^a-z]", "", words.lower())
    return next(
        (status for word, status in _STATUS_WORDS if plain.startswith(word)), Unknown(f"the status “{words[:40]}” is not known")
    )


def _windows_product(products: tuple[JsonObject, ...]) -> JsonObject | None:
    """The Windows that runs: extended updates are products of their own under the same application id."""
    windows = [product for product in products if application_id_of(product) == WINDOWS_APPLICATION_ID and not _is_addon(product)]
    clients = (product for product in windows if _channel(product.text("Description")) == "VOLUME_KMSCLIENT")
    return next(clients, windows[0] if windows else None)


def _is_addon(product: JsonObject) -> bool:
    name = product.text("Name")
    return not isinstance(name, Unknown) and "-ESU-" in name.upper()


def _channel(description: str | Unknown) -> str | Unknown:
    if isinstance(description, Unknown):
        return description
    found = CHANNEL.search(description)
    return found[1] if found else Unknown("the description names no channel")


def _cmid(text: str | Unknown) -> str | Unknown:
    if isinstance(text, Unknown):
        return text
    try:
        return str(UUID(text))
    except ValueError:
        return Unknown("the CMID is no GUID")


def _reason(figure: int | Unknown | None) -> str | Unknown:
    return f"0x{figure:08X}" if isinstance(figure, int) else UNKNOWN


def _positive(figure: int | Unknown | None) -> int | Unknown:
    return figure if isinstance(figure, int) and figure > 0 else UNKNOWN


def _five(text: str | Unknown) -> str | Unknown:
    return text if not isinstance(text, Unknown) and re.fullmatch("[A-Z0-9]{5}", text) else UNKNOWN


def _kms_machine(product: JsonObject) -> str | Unknown:
    """The host set by hand, else the one DNS told."""
    names = (product.text(key) for key in ("KeyManagementServiceMachine", "DiscoveredKeyManagementServiceMachineName"))
    return next((name for name in names if not isinstance(name, Unknown) and name), UNKNOWN)
