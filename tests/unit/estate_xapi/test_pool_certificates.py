"""Whose Secure Boot certificates a pool holds, from archives of several ages and none at all."""

from __future__ import annotations

import base64
import gzip

import pytest

from estate.facts.unknown import Unknown
from estate.xapi.pool_certificates import secure_boot_authority
from estate.xapi.records import Record

OLD, NEW = b"..Microsoft Corporation UEFI CA 2011..", b"..Windows UEFI CA 2023.."


def told(content: bytes | None = None, **fields: str) -> str | Unknown:
    if content is not None:
        fields["uefi_certificates"] = base64.b64encode(content).decode()
    return secure_boot_authority(Record("OpaqueRef:p", fields))


@pytest.mark.parametrize(
    ("content", "expected"), [(OLD, "2011"), (NEW, "2023"), (OLD + NEW, "2023"), (gzip.compress(OLD, mtime=0), "2011")]
)
def test_the_newest_authority_in_the_archive_counts(content: bytes, expected: str) -> None:
    assert told(content) == expected


def test_a_pool_without_certificates_has_none() -> None:
    assert told(uefi_certificates="", custom_uefi_certificates="") == "none"


def test_an_operators_own_archive_goes_first() -> None:
    assert told(NEW, custom_uefi_certificates=base64.b64encode(OLD).decode()) == "2011"


@pytest.mark.parametrize(
    "fields", [{}, {"uefi_certificates": "abc"}, {"uefi_certificates": base64.b64encode(b"own chain").decode()}]
)
def test_what_cannot_be_told_is_unknown(fields: dict[str, str]) -> None:
    assert isinstance(secure_boot_authority(Record("OpaqueRef:p", fields)), Unknown)


def test_a_broken_archive_is_unknown() -> None:
    assert isinstance(told(b"\x1f\x8bnonsense"), Unknown)
