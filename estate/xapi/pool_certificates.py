"""Which Secure Boot certificates a pool gives its VMs, told by the names of the authorities inside."""

from __future__ import annotations

import base64
import binascii
import zlib

from estate.facts.unknown import Unknown
from estate.xapi.records import Record

_BYTES_MAX = 8 << 20
_GZIP = b"\x1f\x8b"
_AUTHORITIES = (
    ("2023", (b"Windows UEFI CA 2023", b"Microsoft UEFI CA 2023")),
    ("2011", (b"Microsoft Windows Production PCA 2011", b"Microsoft Corporation UEFI CA 2011")),
)


def secure_boot_authority(pool: Record) -> str | Unknown:
    """`none`, `2011` or `2023`: the newest Microsoft authority in the pool's archive. An operator's own archive goes first."""
    packed = pool.maybe_text("custom_uefi_certificates")
    if isinstance(packed, Unknown) or not packed:
        packed = pool.maybe_text("uefi_certificates")
    if isinstance(packed, Unknown):
        return packed
    if not packed:
        return "none"
    content = _unpacked(packed)
    if content is None:
        return Unknown("the pool's Secure Boot certificates cannot be unpacked")
    found = (year for year, names in _AUTHORITIES if any(name in content for name in names))
    return next(found, Unknown("the pool's Secure Boot certificates name no Microsoft authority"))


def _unpacked(packed: str) -> bytes | None:
    """The archive as bytes (certificates lie in it as they are); at most 8 MiB of it."""
    try:
        content = base64.b64decode(packed)
        return zlib.decompressobj(wbits=31).decompress(content, _BYTES_MAX) if content.startswith(_GZIP) else content
    except (binascii.Error, ValueError, zlib.error):
        return None
