"""Inflating one grain with a hard cap on its size: libdeflate where it is installed, the standard library otherwise."""

from __future__ import annotations

import zlib
from collections.abc import Callable

from estate.disks.errors import StreamMalformed

Inflate = Callable[[memoryview, int], bytes | bytearray]
"""(compressed bytes, most bytes to give) -> bytes. Raises `InflateFailed`."""


class InflateFailed(ValueError):
    """The bytes do not inflate within the cap."""


def inflate_with_zlib(packed: memoryview, cap_bytes: int) -> bytes:
    """Inflate with the standard library, never producing more than one byte over the cap."""
    stream = zlib.decompressobj()
    try:
        plain = stream.decompress(packed, cap_bytes + 1)
    except zlib.error as error:
        raise InflateFailed(str(error)) from error
    if len(plain) > cap_bytes:
        raise InflateFailed(f"it inflates to more than the {cap_bytes} bytes of a grain")
    if not stream.eof:
        raise InflateFailed("its compressed bytes end too early")
    return plain


def best_inflate() -> Inflate:
    """The fastest inflater of this machine. libdeflate treats the cap as a hard limit and checks Adler-32."""
    try:
        import deflate
    except ImportError:
        return inflate_with_zlib

    def inflate_with_libdeflate(packed: memoryview, cap_bytes: int) -> bytearray:
        try:
            plain: bytearray = deflate.zlib_decompress(packed, cap_bytes)
        except deflate.DeflateError as error:
            raise InflateFailed(str(error)) from error
        return plain

    return inflate_with_libdeflate


def grain_error(packed: memoryview, cap_bytes: int, stream_offset_bytes: int) -> StreamMalformed:
    """Why a grain failed, found by inflating it once more within the cap: too large or damaged."""
    try:
        inflate_with_zlib(packed, cap_bytes)
        reason = "its compressed bytes are damaged"
    except InflateFailed as error:
        reason = str(error)
    code = "vmdk_grain_too_large" if "more than" in reason else "vmdk_grain_corrupt"
    return StreamMalformed(stream_offset_bytes, f"a grain cannot be inflated: {reason}", code=code)
