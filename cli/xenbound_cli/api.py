"""The wire: asks the API, turns refusals and broken connections into errors of ours, reads lists page by page.

Certificates are always verified. The token goes to the server's own address only: pages are followed by their cursor, not by URL,
and redirects are not followed at all.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx

from xenbound_cli import __version__
from xenbound_cli.config import Settings
from xenbound_cli.exits import CannotReach, CliError, Refused, UsageError

CONNECT_TIMEOUT_S = 10.0
ANSWER_TIMEOUT_S = 60.0
PAGE = 500
Params = Mapping[str, str | int]


class Api:
    """One server, spoken to as one person. Use as a context manager."""

    def __init__(self, settings: Settings, transport: httpx.BaseTransport | None = None) -> None:
        self.url = settings.url
        headers = {"Accept": "application/json", "User-Agent": f"xenbound-cli/{__version__}"}
        if settings.token:
            headers["Authorization"] = f"Bearer {settings.token}"
        try:
            self._http = httpx.Client(
                base_url=f"{settings.url}/api/v1/",
                headers=headers,
                timeout=httpx.Timeout(ANSWER_TIMEOUT_S, connect=CONNECT_TIMEOUT_S),
                transport=transport,
                verify=_trusted(settings.ca),
            )
        except UnicodeEncodeError:
            raise UsageError("The token holds characters no token has.", next_step="Copy it again, or sign in anew.") from None
        except httpx.InvalidURL as error:
            raise UsageError(f"{settings.url} is not the address of a server: {error}.") from error

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()

    def get(self, path: str, params: Params | None = None) -> Any:
        """The document at a path below /api/v1/. Raises: Refused, CannotReach."""
        return self._document(self.send("GET", path, params=params))

    def post(self, path: str, body: Any = None, *, key: str = "") -> Any:
        """POST a JSON body; `key` is the Idempotency-Key. Raises: Refused, CannotReach."""
        headers = {"Idempotency-Key": key} if key else {}
        return self._document(self.send("POST", path, json={} if body is None else body, headers=headers))

    def upload(self, path: str, content: bytes, content_type: str = "application/json") -> Any:
        """POST bytes as they are. Raises: Refused, CannotReach."""
        return self._document(self.send("POST", path, content=content, headers={"Content-Type": content_type}))

    def send_file(self, path: str, file: Path, fields: dict[str, str] | None = None) -> Any:
        """POST a file as the form field `file`, read while it is sent, with others. Raises: UsageError, Refused, CannotReach."""
        try:
            with file.open("rb") as content:
                return self._document(self.send("POST", path, files={"file": (file.name, content)}, data=fields or {}))
        except OSError as error:
            raise UsageError(f"{file} cannot be read: {error.strerror}.") from error

    def patch(self, path: str, body: Any, *, version: int | None = None) -> Any:
        """PATCH a JSON body; with `version` only if nobody changed the row since. Raises: Refused, CannotReach."""
        headers = {} if version is None else {"If-Match": f'"{version}"'}
        return self._document(self.send("PATCH", path, json=body, headers=headers))

    def delete(self, path: str) -> None:
        """DELETE a path. Raises: Refused, CannotReach."""
        self.send("DELETE", path)

    def download(self, path: str, params: Params | None = None) -> bytes:
        """The bytes behind a path. Raises: Refused, CannotReach."""
        return self.send("GET", path, params=params, headers={"Accept": "*/*"}).content

    def everything(self, path: str, params: Params | None = None) -> dict[str, Any]:
        """A whole list in the API's own shape; `next` is null because all pages are in it. Raises: Refused, CannotReach."""
        query: dict[str, str | int] = {"limit": PAGE, **(params or {})}
        document = self._page(path, query)
        page, seen = document, set()
        while page.get("next"):
            cursor = dict(parse_qsl(urlsplit(page["next"]).query))
            if cursor.get("cursor", "") in seen:
                raise CannotReach(f"{self.url} answers the same page of {path} again and again.")
            seen.add(cursor.get("cursor", ""))
            page = self._page(path, cursor)
            document["results"] += page["results"]
        if seen:
            document["next"] = None
        return document

    def rows(self, path: str, params: Params | None = None) -> list[dict[str, Any]]:
        """The rows of a whole list. Raises: Refused, CannotReach."""
        return list(self.everything(path, params)["results"])

    def send(self, method: str, path: str, **request: Any) -> httpx.Response:
        """One request; any answer below 300. Raises: Refused, CannotReach."""
        try:
            answer = self._http.request(method, path, **request)
        except (httpx.LocalProtocolError, UnicodeEncodeError):
            # The text itself is not repeated: it may be the token.
            raise UsageError("The token, the key or another text holds characters that cannot be sent.") from None
        except httpx.RequestError as error:
            raise self._unreachable(error) from error
        if answer.is_redirect:
            raise CannotReach(
                f"{self.url} sends us on to {answer.headers.get('location', 'nowhere')}.",
                next_step="Sign in with the address it names, if that is your server.",
            )
        if answer.is_error:
            raise self._refusal(answer)
        return answer

    def _page(self, path: str, query: Params) -> dict[str, Any]:
        page = self.get(path, query)
        if not isinstance(page, dict) or not isinstance(page.get("results"), list):
            raise self._stranger("a list")
        return page

    def _document(self, answer: httpx.Response) -> Any:
        try:
            return answer.json() if answer.content else None
        except (ValueError, RecursionError):
            raise self._stranger("JSON") from None

    def _refusal(self, answer: httpx.Response) -> CliError:
        try:
            problem = answer.json()
        except (ValueError, RecursionError):
            problem = None
        if isinstance(problem, dict) and "code" in problem:
            return Refused(answer.status_code, problem)
        return self._stranger(f"a problem document with its status {answer.status_code}")

    def _stranger(self, missing: str) -> CannotReach:
        return CannotReach(
            f"{self.url} answered without {missing}: perhaps it is a proxy or another service, not Xenbound.",
            next_step="Check the address; a browser shows Xenbound's sign-in page there.",
        )

    def _unreachable(self, error: httpx.RequestError) -> CannotReach:
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            step = "If your company signs its own certificates, name its CA file: --ca FILE. Verification cannot be switched off."
            return CannotReach(f"The certificate of {self.url} is not trusted: {error}.", code="tls_not_trusted", next_step=step)
        told = str(error) or type(error).__name__
        return CannotReach(
            f"{self.url} cannot be reached: {told}.", next_step="Check address, network and whether the server runs."
        )


def _trusted(ca: str) -> ssl.SSLContext | bool:
    """httpx's own trust store, or only what `ca` holds. Raises: UsageError."""
    if not ca:
        return True
    try:
        return ssl.create_default_context(cafile=ca)
    except (OSError, ssl.SSLError) as error:
        raise UsageError(
            f"{ca} cannot be used as a CA file: {error}.", next_step="Name a file with certificates in PEM form."
        ) from error
