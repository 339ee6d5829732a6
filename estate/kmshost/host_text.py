"""A KMS host's reading out of slmgr's text: its counts, and no events. The text names no computer and no sure time."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from itertools import permutations

from estate.facts.kms import KmsProductCount, KmsReading
from estate.facts.unknown import UNKNOWN, Unknown
from estate.kmshost.collected import WINDOWS_APPLICATION_ID
from estate.kmshost.errors import UploadRefused
from estate.kmshost.slmgr import SlmgrOutput, SlmgrProduct, read_slmgr

_SAME_DAYS = timedelta(days=2)  # ours: zones differ by a day, and the trusted time lags a little behind the clock


def read_host_text(text: str, *, collected_at: datetime) -> KmsReading:
    """The reading of `slmgr /dlv` run on a KMS host. Raises UploadRefused."""
    output = read_slmgr(text)
    require_same_day(output, collected_at)
    hosts = [product for product in output.products if product.channel.startswith("VOLUME_KMS_")]
    windows = [product for product in hosts if product.application_id == WINDOWS_APPLICATION_ID]
    if len(windows) > 1:
        raise UploadRefused("the file", "holds two Windows host keys: is it the output of several hosts?")
    own = windows[0] if windows else None
    return KmsReading(
        host_name="",
        collected_at=collected_at,
        current_count=own.count if own else UNKNOWN,
        is_kms_host=_is_kms_host(hosts),
        os_version=output.version,
        listening_port=own.port if own else UNKNOWN,
        partial_product_key=own.partial_key if own else UNKNOWN,
        description=own.description if own else UNKNOWN,
        products=tuple(_count_of(product) for product in hosts),
        edition=own.name if own else UNKNOWN,
    )


def _is_kms_host(hosts: list[SlmgrProduct]) -> bool | Unknown:
    if not hosts:
        return False
    return True if any(not isinstance(host.count, Unknown) for host in hosts) else Unknown("the text shows no KMS service")


def _count_of(product: SlmgrProduct) -> KmsProductCount:
    application = product.application_id
    return KmsProductCount(
        application_id="" if isinstance(application, Unknown) else application,
        description=product.description,
        current_count=product.count,
        total_requests=product.total,
        failed_requests=product.failed,
    )


def require_same_day(output: SlmgrOutput, collected_at: datetime) -> None:
    """Refuse a time of collection that the text's own trusted time contradicts in every order of day, month and year."""
    days = [] if isinstance(output.trusted_time, Unknown) else list(_days_of(output.trusted_time))
    if days and all(abs(day - collected_at.date()) > _SAME_DAYS for day in days):
        raise UploadRefused(
            "trusted time",
            f"the text is of {output.trusted_time}, the time of collection told is {collected_at:%Y-%m-%d}",
            code="kms_collected_at_contradicted",
            next_step="Tell when the text was printed, or run slmgr /dlv again and upload what it prints now.",
        )


def _days_of(text: str) -> set[date]:
    """Every day that the first three numbers can mean; none where they show no year of four digits."""
    numbers = [int(number) for number in re.findall(r"\d{1,4}", text)[:3]]
    days = set()
    for year, month, day in permutations(numbers, 3) if len(numbers) == 3 else ():
        if 2000 <= year <= 2999 and month <= 12:
            try:
                days.add(date(year, month, day))
            except ValueError:
                continue
    return days
