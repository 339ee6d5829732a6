"""The transport under WS-Management: pinned TLS, an end in time for the whole exchange, and a limit for each answer."""

from __future__ import annotations

import time
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from estate.tls import PinnedContext

HTTP_UNAUTHORIZED = 401
_CHUNK_BYTES = 65_536


class OutOfTime(OSError):
    """The time given to the whole exchange is used up."""


class AnswerTooLarge(OSError):
    """One answer is longer than any reading can be."""


class PinnedAdapter(HTTPAdapter):
    """Carries requests over `context`, until `ends_at` (of the monotonic clock), taking answers of at most `limit_bytes`."""

    def __init__(self, context: PinnedContext, *, limit_bytes: int, ends_at: float) -> None:
        self._context, self._limit_bytes, self._ends_at = context, limit_bytes, ends_at
        super().__init__(pool_connections=1, pool_maxsize=1)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Every socket of this adapter is wrapped by the pinned context."""
        super().init_poolmanager(*args, ssl_context=self._context, **kwargs)

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """One request and its whole answer. Raises: OutOfTime, AnswerTooLarge, requests' own."""
        connect_s, read_s = kwargs.get("timeout") or (60.0, 60.0)
        left_s = self._ends_at - time.monotonic()
        if left_s <= 0:
            raise OutOfTime("the exchange took too long")
        kwargs |= {"timeout": (min(connect_s, left_s), min(read_s, left_s)), "stream": True}
        response = super().send(request, *args, **kwargs)
        if response.status_code == HTTP_UNAUTHORIZED and _promised_bytes(response) <= self._limit_bytes:
            return response  # who signs in reads it: NTLM binds itself to the certificate of a socket that is still in use
        self._read(response)
        return response

    def _read(self, response: requests.Response) -> None:
        """The body, chunk by chunk, so that no answer fills the memory and no slow one goes on for ever."""
        body = bytearray()
        for chunk in response.iter_content(_CHUNK_BYTES):
            body += chunk
            if len(body) > self._limit_bytes:
                response.close()
                raise AnswerTooLarge("the answer is too long")
            if time.monotonic() > self._ends_at:
                response.close()
                raise OutOfTime("the answer took too long")
        response._content = bytes(body)


def _promised_bytes(response: requests.Response) -> float:
    """How long the answer says that it is; endless where it does not say."""
    text = response.headers.get("Content-Length", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else float("inf")
