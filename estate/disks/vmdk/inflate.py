"""Inflating one grain with a hard cap on its size: libdeflate where it is installed, then isal, then the standard library."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

from estate.disks.errors import StreamMalformed

Inflate = Callable[[memoryview, int], bytes | bytearray]
"""(compressed bytes, most bytes to give) -> bytes. Raises `InflateFailed`."""


class InflateFailed(ValueError):
    """The bytes do not inflate within the cap."""


def inflate_with_zlib(packed: memoryview, cap_bytes: int) -> bytes:
    """Inflate with the standard library, never producing more than one byte over the cap."""
    return _inflate_within(zlib.decompressobj(), zlib.error, packed, cap_bytes)


def with_isal() -> Inflate:
    """Inflate with isal, likewise. Raises ImportError where it is not installed."""
    from isal import isal_zlib

    def inflate_with_isal(packed: memoryview, cap_bytes: int) -> bytes:
        failure: Any = isal_zlib.error  # its stub calls this class an exception that was already made
        return _inflate_within(isal_zlib.decompressobj(), failure, packed, cap_bytes)

    return inflate_with_isal


def with_libdeflate() -> Inflate:
    """Inflate with libdeflate, which treats the cap as a hard limit and checks Adler-32. Raises ImportError likewise."""
    import deflate

    def inflate_with_libdeflate(packed: memoryview, cap_bytes: int) -> bytearray:
        try:
            plain: bytearray = deflate.zlib_decompress(packed, cap_bytes)
        except deflate.DeflateError as error:
            raise InflateFailed(str(error)) from error
        return plain

    return inflate_with_libdeflate


def best_inflate() -> Inflate:
    """The fastest inflater of this machine."""
    for made in (with_libdeflate, with_isal):
        try:
            return made()
        except ImportError:
            continue
    return inflate_with_zlib


def grain_error(packed: memoryview, cap_bytes: int, stream_offset_bytes: int) -> StreamMalformed:
    """Why a grain failed, found by inflating it once more within the cap: too large or damaged."""
    try:
        inflate_with_zlib(packed, cap_bytes)
        reason = "its compressed bytes are damaged"
    except InflateFailed as error:
        reason = str(error)
    code = "vmdk_grain_too_large" if "more than" in reason else "vmdk_grain_corrupt"
    return StreamMalformed(stream_offset_bytes, f"a grain cannot be inflated: {reason}", code=code)


def _inflate_within(stream: Any, failure: type[Exception], packed: memoryview, cap_bytes: int) -> bytes:
    """`bufsize` of the one-shot calls bounds nothing, so it is the object with its `max_length` that is used."""
    try:
        plain: bytes = stream.decompress(packed, cap_bytes + 1)
    except failure as error:
        raise InflateFailed(str(error)) from error
    if len(plain) > cap_bytes:
        raise InflateFailed(f"it inflates to more than the {cap_bytes} bytes of a grain")
    if not stream.eof:
        raise InflateFailed("its compressed bytes end too early")
    return plain
