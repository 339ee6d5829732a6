"""Run the collection script on a KMS host over WinRM: WS-Management on HTTPS, pinned like every line of the house.

One script, read-only, shipped beside this file; nothing else is ever sent. NTLM binds itself to the pinned certificate
and sends no password. Source: MS-WSMV and MS-PSRP, spoken by pypsrp.
"""

from __future__ import annotations

import logging
import re
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from importlib.util import find_spec
from urllib.parse import urlsplit
from xml.etree.ElementTree import ParseError

import requests
import requests.adapters
import urllib3
from pypsrp.complex_objects import PSInvocationState
from pypsrp.exceptions import AuthenticationError, WinRMError, WinRMTransportError, WSManFaultError
from pypsrp.negotiate import HTTPNegotiateAuth
from pypsrp.powershell import PowerShell, RunspacePool
from pypsrp.wsman import WSMan
from spnego.exceptions import SpnegoError

from estate import tls
from estate.connection import Connection
from estate.errors import AskPerson, EdgeError, Retry
from estate.facts.productkey import without_product_keys
from estate.kmshost.answers import AnswerTooLarge, OutOfTime, PinnedAdapter
from estate.kmshost.client_certificate import load_client_certificate
from estate.kmshost.script import collection_script

HTTPS_PORT = 5986
PATH = "/wsman"
CONNECT_TIMEOUT_S = 15
OPERATION_TIMEOUT_S = 10
IDLE_TIMEOUT_S = 120  # ours: a session we could not close ends by itself
READING_BYTES = 20 * 1024 * 1024
MUTUAL = "http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual"
ACCESS_DENIED = 5  # Source: Win32 ERROR_ACCESS_DENIED, which WS-Management hands on
_WORDS_CHARS = 300
_CONFIGURATION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")

# The certificate is checked by its pin inside the handshake (estate.tls); urllib3 sees no chain and would warn at each request.
urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
# At DEBUG these libraries write whole messages, the host's reading among them, into the log.
for _library in ("pypsrp", "spnego", "urllib3"):
    logging.getLogger(_library).setLevel(logging.WARNING)


class Auth(StrEnum):
    """How to sign in. Kerberos needs the optional extra of that name and the system's libraries."""

    NTLM = "ntlm"
    CERTIFICATE = "certificate"
    KERBEROS = "kerberos"


class LoginRefused(AskPerson):
    """The host refused who we said we are: trying again with the same may lock the account."""

    code = "winrm_login_refused"


@dataclass(frozen=True, slots=True)
class WinRmWay:
    """How to run the script on one host. `configuration`: the PowerShell session to open, one the customer made perhaps."""

    connection: Connection
    auth: Auth = Auth.NTLM
    configuration: str = "Microsoft.PowerShell"
    timeout_s: float = 60.0


def collect(way: WinRmWay, *, alive: Callable[[], None] = lambda: None) -> str:
    """What the collection script prints on the host, at most 20 MB, within `timeout_s`.

    Raises: AskPerson (`winrm_credentials_missing`, `winrm_login_refused`, `winrm_access_denied`, `winrm_configuration_refused`,
    `winrm_script_failed`, `winrm_certificate_unusable`, `winrm_kerberos_missing`, `winrm_not_there`, `winrm_fault`,
    `winrm_too_large`, certificate errors of estate.tls), Retry (`winrm_timeout`
    and those of the line).
    """
    where = way.connection.name or way.connection.url
    _check(way, where)
    try:
        with _wsman(way, where) as wsman, _session(wsman, way) as pool:
            return _output(_run(pool, way.timeout_s, alive), where)
    except EdgeError:
        raise
    except (
        WinRMError,
        SpnegoError,
        requests.RequestException,
        urllib3.exceptions.HTTPError,
        OSError,
        ParseError,
        ValueError,
    ) as error:
        raise _translated(error, way, where) from error


def _session(wsman: WSMan, way: WinRmWay) -> RunspacePool:
    return RunspacePool(wsman, configuration_name=way.configuration, idle_timeout=IDLE_TIMEOUT_S)


def _check(way: WinRmWay, where: str) -> None:
    if not _CONFIGURATION.fullmatch(way.configuration):
        raise _refused(way, where)
    if way.auth is not Auth.CERTIFICATE and not (way.connection.username and way.connection.password):
        # Without them the library would sign in as whoever this server's own process is.
        step = "Store them with the KMS host's way of collection; write the name as DOMAIN\\name."
        raise AskPerson(f"{where} has no name and password stored", code="winrm_credentials_missing", next_step=step, where=where)
    if way.auth is Auth.KERBEROS and find_spec("gssapi") is None:
        step = "Install the extra `kerberos` with the system's Kerberos libraries, or sign in by NTLM or certificate."
        raise AskPerson("Kerberos is not installed on this server", code="winrm_kerberos_missing", next_step=step, where=where)


def _wsman(way: WinRmWay, where: str) -> WSMan:
    """A WS-Management client on a session of ours: pinned, without proxies, redirects or anybody else's address."""
    host, port = tls.host_and_port(way.connection.url)
    port = port if urlsplit(way.connection.url).port else HTTPS_PORT
    context = tls.pinned_context(way.connection.pins, where=where)
    session = requests.Session()
    session.trust_env, session.verify, session.max_redirects = False, False, 0
    session.headers.update({"User-Agent": "Xenbound", "Accept-Encoding": "identity"})
    if way.auth is Auth.CERTIFICATE:
        load_client_certificate(context, way.connection.password, where=where)
        session.headers["Authorization"] = MUTUAL
    else:
        session.auth = HTTPNegotiateAuth(way.connection.username, way.connection.password, auth_provider=way.auth.value)
    wsman = WSMan(
        host,
        port=port,
        ssl=True,
        path=PATH.lstrip("/"),
        auth=way.auth.value,
        connection_timeout=CONNECT_TIMEOUT_S,
        operation_timeout=OPERATION_TIMEOUT_S,
        read_timeout=2 * OPERATION_TIMEOUT_S,
        reconnection_backoff=0,
    )
    session.adapters.clear()
    adapter = PinnedAdapter(context, limit_bytes=2 * READING_BYTES, ends_at=time.monotonic() + way.timeout_s)
    session.mount(f"{wsman.transport.endpoint}", adapter)
    wsman.transport.session = session
    return wsman


def _run(pool: RunspacePool, timeout_s: float, alive: Callable[[], None]) -> PowerShell:
    """The script's pipeline when it has ended; every request of it ends with the way's time."""
    shell = PowerShell(pool)
    shell.add_script(collection_script())
    shell.begin_invoke()
    while shell.state == PSInvocationState.RUNNING:
        alive()
        shell.poll_invoke()
    return shell


def _output(shell: PowerShell, where: str) -> str:
    if shell.had_errors or not shell.output:
        words = "; ".join(str(error) for error in shell.streams.error) or "it printed nothing"
        raise AskPerson(
            f"the collection script failed on {where}: {_plain(words)}",
            code="winrm_script_failed",
            next_step="Run the script there by hand as the same account; it needs to read Software Licensing and the event log.",
            where=where,
        )
    text = "\n".join(part for part in shell.output if isinstance(part, str))
    if len(text) > READING_BYTES:
        raise _too_large(where)
    return text


def _plain(words: str) -> str:
    """Another side's words, short and without product keys."""
    readable = "".join(letter if letter.isprintable() else " " for letter in without_product_keys(words))
    return " ".join(readable.split())[:_WORDS_CHARS]


def _translated(error: Exception, way: WinRmWay, where: str) -> EdgeError:
    """pypsrp's, requests' and the line's errors in the words of `estate.errors`."""
    if isinstance(error, AuthenticationError | SpnegoError):
        return _login_refused(way, where)
    if isinstance(error, WSManFaultError):
        return _fault(error, way, where)
    if isinstance(error, OutOfTime | requests.Timeout):
        return _timeout(way, where)
    if isinstance(error, AnswerTooLarge):
        return _too_large(where)
    if isinstance(error, requests.ConnectionError):
        return tls.line_error(_cause(error), where=where)
    if isinstance(error, OSError) and not isinstance(error, requests.RequestException):
        return tls.line_error(error, where=where)
    return _not_there(error, where)


def _login_refused(way: WinRmWay, where: str) -> LoginRefused:
    if way.auth is Auth.CERTIFICATE:
        told = f"{where} accepts the client certificate of nobody it knows"
        step = (
            "Map the certificate to a local account in WinRM (winrm create …/certmapping) and enable certificate authentication."
        )
    else:
        told = f"{where} refuses the name and password of {way.connection.username or 'nobody'}"
        step = "Correct them; write the name as DOMAIN\\name, and check that WinRM allows Negotiate and NTLM is not forbidden."
    return LoginRefused(told, next_step=step, where=where)


def _fault(error: WSManFaultError, way: WinRmWay, where: str) -> EdgeError:
    reason = _plain(str(error.reason or error.provider_fault or ""))
    if error.code == ACCESS_DENIED:
        step = (
            "Grant it in that session configuration (Set-PSSessionConfiguration -ShowSecurityDescriptorUI), or name another one."
        )
        words = f"{where} lets this account open no session {way.configuration}: {reason}"
        return AskPerson(words, code="winrm_access_denied", next_step=step, where=where)
    # The texts are in the host's language, but they name the configuration as it was asked for.
    if way.configuration.lower() in reason.lower():
        return _refused(way, where, reason)
    words = f"{where} answers with WS-Management fault {error.code}: {reason or 'no words'}"
    return AskPerson(words, code="winrm_fault", next_step="Look up the fault's number; try Enter-PSSession there.", where=where)


def _refused(way: WinRmWay, where: str, reason: str = "it is no name of one") -> AskPerson:
    words = f"{where} has no session configuration {_plain(way.configuration)!r}: {reason}"
    step = "Name one that Get-PSSessionConfiguration lists there; Microsoft.PowerShell is the usual one."
    return AskPerson(words, code="winrm_configuration_refused", next_step=step, where=where)


def _timeout(way: WinRmWay, where: str) -> Retry:
    words = f"{where} did not answer within {way.timeout_s:g} s"
    step = "Check that the host is not overloaded, or give it more time; a large event log takes longer."
    return Retry(words, code="winrm_timeout", next_step=step, where=where, after_s=30)


def _too_large(where: str) -> AskPerson:
    step = "Upload the script's output by hand with fewer days of events."
    return AskPerson(f"{where} prints more than 20 MB", code="winrm_too_large", next_step=step, where=where)


def _not_there(error: Exception, where: str) -> AskPerson:
    status = f"HTTP status {error.code}" if isinstance(error, WinRMTransportError) else type(error).__name__
    words = f"what answers at {where} is not WinRM ({status})"
    step = f"Check the address: WinRM over HTTPS listens on port {HTTPS_PORT} and answers at {PATH}."
    return AskPerson(words, code="winrm_not_there", next_step=step, where=where)


def _cause(error: BaseException) -> Exception:
    """The line's own error, which requests and urllib3 wrap several times."""
    known = (socket.gaierror, TimeoutError, ConnectionError, ssl.SSLError)
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, known):
            return seen
        reason = getattr(seen, "reason", None)
        inner = next((each for each in seen.args if isinstance(each, BaseException)), None)
        seen = reason if isinstance(reason, BaseException) else inner or seen.__cause__ or seen.__context__
    return error if isinstance(error, Exception) else ConnectionError(str(error))
