"""`slmgr.vbs /dlv` printed as text, taken apart into products: on a KMS host and on a client, in the languages of labels.py.

By form wherever there is one (GUID, `VOLUME_…` channel, `name:port`, minutes with their days), by label only for the rest. A line
without its end is no line: a file cut inside a number never gives a shorter number. Source of the layout: MS Learn ff793426.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from uuid import UUID

from estate.facts.unknown import UNKNOWN, Unknown
from estate.kmshost.errors import UploadRefused
from estate.kmshost.fields import NO_COUNT, TEXT_LIMIT_CHARS, UINT32_MAX
from estate.kmshost.labels import Field, field_of, split_line, status_of

LINES_LIMIT = 20_000
CHANNEL = re.compile(r"\b(VOLUME_[A-Z0-9_]+|RETAIL|OEM_[A-Z0-9_]+|VIRTUAL_MACHINE_ACTIVATION|TIMEBASED_[A-Z]+)\b")
ENGLISH_STEP = (
    "Upload the collection script's JSON, or copy slmgr.vbs to an empty folder and run it from there with /dlv: "
    "it then prints English."
)
_VERSION = re.compile(r"\d{1,2}\.\d{1,2}\.\d{1,6}\.\d{1,6}")
_MINUTES = re.compile(r"(\d{1,7})\s*\D{1,30}[(（](\d{1,5})\s*\D{1,20}")
_ENDPOINT = re.compile(r"([A-Za-z0-9](?:[A-Za-z0-9_.-]{0,253}[A-Za-z0-9])?):(\d{1,5})")
_PARTIAL_KEY = re.compile(r"[A-Z0-9]{5}")
_REASON = re.compile(r"0x[0-9A-Fa-f]{8}")
_APPLICATIONS = frozenset({"55c92734-d682-4d71-983e-d6ec3f16059f", "0ff1ce15-a989-479d-af46-f275c6370663"})  # MS Learn
_DAY_MIN = 1440


@dataclass(slots=True)
class SlmgrProduct:
    """One product of the output. `count` is None where the host keeps none yet; everything not printed is Unknown.

    `by_directory`: an activation object of Active Directory activated it, no KMS host.
    """

    description: str
    channel: str
    name: str | Unknown = UNKNOWN
    application_id: str | Unknown = UNKNOWN
    partial_key: str | Unknown = UNKNOWN
    status: int | Unknown = UNKNOWN
    status_reason: str | Unknown = UNKNOWN
    minutes_left_min: int | Unknown = UNKNOWN
    count: int | Unknown | None = UNKNOWN
    port: int | Unknown = UNKNOWN
    total: int | Unknown | None = UNKNOWN
    failed: int | Unknown | None = UNKNOWN
    cmid: str | Unknown = UNKNOWN
    kms_machine: str | Unknown = UNKNOWN
    by_directory: bool = False
    seen: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class SlmgrOutput:
    """The whole output: service version, products in their order, rearms left, and the trusted time as it was printed."""

    version: str | Unknown
    products: tuple[SlmgrProduct, ...]
    rearms_left: int | Unknown
    trusted_time: str | Unknown


def looks_like_slmgr(text: str) -> bool:
    """Whether this is slmgr's output in any language: a service version and a product's channel in its lines."""
    values = [split_line(line)[1] for line in text.splitlines()[:400]]
    return any(CHANNEL.search(value) for value in values) and any(_VERSION.fullmatch(value) for value in values[:20])


def read_slmgr(text: str) -> SlmgrOutput:
    """The output taken apart.

    Raises UploadRefused: `kms_unsupported_language` where no label is known, else with the line that cannot be right.
    """
    if text.count("\n") > LINES_LIMIT:
        raise UploadRefused("the file", f"has more than {LINES_LIMIT} lines", next_step=ENGLISH_STEP)
    reader = _Reader()
    for number, line in enumerate(text.splitlines(keepends=True), 1):
        if line.endswith(("\n", "\r")) and len(line) <= TEXT_LIMIT_CHARS:
            reader.take(number, line)
    return reader.result()


class _Reader:
    """Takes one line after the other; the newest product is the one a line belongs to."""

    def __init__(self) -> None:
        self.products: list[SlmgrProduct] = []
        self.version: str | Unknown = UNKNOWN
        self.rearms_left: int | Unknown = UNKNOWN
        self.trusted_time: str | Unknown = UNKNOWN
        self.known_labels = 0
        self.pending_name: str | Unknown = UNKNOWN

    def take(self, number: int, line: str) -> None:
        label, value = split_line(line)
        if not value:
            return
        channel = CHANNEL.search(value)
        if channel and "," in value:
            self.products.append(SlmgrProduct(value, channel[1], name=self.pending_name))
            self.pending_name = UNKNOWN
        elif not self.products:
            self._before_a_product(value)
        else:
            self._of_product(self.products[-1], number, label, value)

    def _before_a_product(self, value: str) -> None:
        if isinstance(self.version, Unknown) and _VERSION.fullmatch(value):
            self.version = value
        else:
            self.pending_name = value

    def _of_product(self, product: SlmgrProduct, number: int, label: str, value: str) -> None:
        known = field_of(label)
        if known is not None:
            self.known_labels += 1
            self.pending_name = UNKNOWN
            self._labelled(product, known, number, value)
        elif not _by_form(product, label, value):
            self.pending_name = value

    def _labelled(self, product: SlmgrProduct, known: Field, number: int, value: str) -> None:
        where = f"line {number}"
        if known.value in product.seen:
            raise UploadRefused(where, f"the {known.value} is given twice for one product", next_step=ENGLISH_STEP)
        product.seen.add(known.value)
        if known is Field.STATUS:
            product.status = _status(where, value)
        elif known is Field.TRUSTED_TIME:
            self.trusted_time = value
        elif known is Field.REARMS:
            self.rearms_left = _whole(where, known, value)
        elif known is Field.PORT:
            product.port = _whole(where, known, value, most=65_535)
        else:
            figure = _whole(where, known, value)
            setattr(product, known.name.lower(), None if figure in NO_COUNT else figure)

    def result(self) -> SlmgrOutput:
        if not self.products:
            raise UploadRefused(
                "the file", "names no product with its channel: is it the whole output of slmgr /dlv?", next_step=ENGLISH_STEP
            )
        if not self.known_labels:
            problem = "slmgr printed it in a language that cannot be read"
            raise UploadRefused("the file", problem, code="kms_unsupported_language", next_step=ENGLISH_STEP)
        for product in self.products:
            _check_whole(product)
        return SlmgrOutput(self.version, tuple(self.products), self.rearms_left, self.trusted_time)


def _check_whole(product: SlmgrProduct) -> None:
    """A host's block goes on behind the count; a client with a time left has a status. Else the file is cut or mixed."""
    if not isinstance(product.count, Unknown) and isinstance(product.port, Unknown):
        raise UploadRefused(
            "the file", "breaks off behind the current count, or the port's line cannot be read", next_step=ENGLISH_STEP
        )
    if isinstance(product.count, Unknown) and not isinstance(product.port, Unknown):
        problem = "names the port of a KMS host but its current count cannot be read"
        raise UploadRefused("the file", problem, code="kms_unsupported_language", next_step=ENGLISH_STEP)
    if not isinstance(product.count, Unknown) and isinstance(product.application_id, Unknown):
        problem = "gives a count and no Application ID: nobody can tell whether it is Windows' or Office's"
        raise UploadRefused("the file", problem, next_step=ENGLISH_STEP)
    if not isinstance(product.count, Unknown) and not product.channel.startswith("VOLUME_KMS_"):
        raise UploadRefused("the file", f"gives a count to a product of channel {product.channel}", next_step=ENGLISH_STEP)


def _by_form(product: SlmgrProduct, label: str, value: str) -> bool:
    """Whether the value's form tells what it is; it is then kept. What was read once in a product stays."""
    endpoint = _ENDPOINT.fullmatch(value)
    if "(CMID)" in label.upper().replace("（", "(").replace("）", ")"):
        product.cmid = _guid(value)
    elif value.strip("{}").lower() in _APPLICATIONS:
        product.application_id = value.strip("{}").lower()
    elif isinstance(product.partial_key, Unknown) and _PARTIAL_KEY.fullmatch(value):
        product.partial_key = value
    elif (minutes := _minutes(value)) is not None:
        product.minutes_left_min = minutes if isinstance(product.minutes_left_min, Unknown) else UNKNOWN
    elif endpoint and "." in endpoint[1] and not isinstance(product.cmid, Unknown):
        product.kms_machine = value
    elif value.upper().startswith("CN="):
        product.by_directory = True
    elif reason := _REASON.match(value):
        product.status_reason = f"0x{int(reason[0], 16):08X}"
    else:
        return False
    return True


def _guid(value: str) -> str | Unknown:
    try:
        return str(UUID(value)) if len(value.strip("{}")) == 36 else Unknown("the CMID is cut short")
    except ValueError:
        return Unknown("the CMID is no GUID")


def _minutes(value: str) -> int | None:
    """The minutes of `43200 minute(s) (30 day(s))`; None where minutes and days contradict: then a digit is wrong."""
    found = _MINUTES.match(value)
    if found is None:
        return None
    minutes, days = int(found[1]), int(found[2])
    return minutes if abs(minutes / _DAY_MIN - days) <= 1 else None


def _status(where: str, value: str) -> int | Unknown:
    status = status_of(value)
    return Unknown(f"{where}: the licence status “{value[:40]}” is not known") if status is None else status


def _whole(where: str, known: Field, value: str, *, most: int = UINT32_MAX) -> int:
    number = -1 if value == "-1" else int(value) if re.fullmatch(r"[0-9]{1,10}", value) else None
    if number is None or number > most:
        raise UploadRefused(where, f"the {known.value} “{value[:40]}” is no whole number", next_step=ENGLISH_STEP)
    return UINT32_MAX if number < 0 else number
