"""First contact with a source, in two steps: the vCenter's certificate before anything is sent, the rest once it is pinned.

Step one is a handshake alone. After a person confirmed that certificate, the same call logs in, adds the certificate of
every ESXi host and tries to meet each one, because disks are read from the hosts, each of which has its own.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from pyVmomi import vim

from estate.connection import Connection
from estate.errors import EdgeError
from estate.facts.source import SourceAbout
from estate.facts.unknown import UNKNOWN, Unknown, is_known
from estate.tls import OfferedCertificate, fetch_certificates, fingerprint, offered_certificate
from estate.vsphere.inventory.hardware import host_certificate
from estate.vsphere.inventory.paging import Query, pages
from estate.vsphere.inventory.values import SourceObject
from estate.vsphere.privileges import MissingPrivilege, missing_privileges
from estate.vsphere.session import VsphereSession

NFC_PORT = 443
HOSTS_PER_PAGE = 100
AT_ONCE = 16
ANSWER_TIMEOUT_S = 5.0
_HOST_PATHS = ("name", "config.certificate", "summary.config.sslThumbprint")


@dataclass(frozen=True, slots=True)
class SourceProbe:
    """What a probe found. `about` is None until the endpoint's own certificate is confirmed.

    `certificates` begins with the endpoint's own. `hosts_unread` are hosts that did not answer from here, with the reason. One
    whose certificate vCenter told is among the certificates all the same; the disks of others cannot be read until it is had.
    """

    certificates: tuple[OfferedCertificate, ...]
    about: SourceAbout | None = None
    privileges_missing: tuple[MissingPrivilege, ...] | Unknown = UNKNOWN
    hosts_unread: tuple[tuple[str, str], ...] = ()


def probe(connection: Connection) -> SourceProbe:
    """Look at a vCenter or ESXi. Sends a password only to a server whose leaf certificate is among `connection.pins`.

    Raises:
        LoginRefused: name or password was refused.
        EdgeError: it does not answer, or is no vSphere server.
    """
    own = fetch_certificates(connection.url)
    if own.sha256 not in {fingerprint(pin) for pin in connection.pins}:
        return SourceProbe((own,))
    with VsphereSession(connection) as session:
        certificates, unread = _host_certificates(session) if session.about.is_vcenter else ((), ())
        return SourceProbe((own, *certificates), session.about, missing_privileges(session), unread)


def _host_certificates(
    session: VsphereSession,
) -> tuple[tuple[OfferedCertificate, ...], tuple[tuple[str, str], ...]]:
    query = Query(vim.HostSystem, _HOST_PATHS, _told)
    told = [row for page in pages(session, query, page_objects=HOSTS_PER_PAGE) for row in page]
    with ThreadPoolExecutor(AT_ONCE) as threads:
        found = list(threads.map(_met, told))
    certificates = tuple(certificate for _name, certificate, _why in found if certificate is not None)
    return certificates, tuple((name, why) for name, _certificate, why in found if why)


@dataclass(frozen=True, slots=True)
class _Told:
    """A host as vCenter knows it: the certificate over a pinned line, or at least its thumbprint; `why` it cannot be read."""

    name: str
    certificate: OfferedCertificate | None = None
    thumbprint: str = ""
    why: str = ""


def _told(host: SourceObject) -> _Told:
    name, thumbprint = host.name(), host.text("summary.config.sslThumbprint")
    expected = fingerprint(thumbprint) if is_known(thumbprint) and thumbprint else ""
    try:
        der = host_certificate(host)
        certificate = offered_certificate(der, f"{name}:{NFC_PORT}") if der else None
    except EdgeError as error:
        return _Told(name, why=error.message)
    why = "" if certificate is None else _contradiction(certificate, expected)
    return _Told(name, None if why else certificate, expected, why)


def _met(told: _Told) -> tuple[str, OfferedCertificate | None, str]:
    """The host's name, its certificate and why it could not be met: disks are read from the host itself, on this port."""
    if told.why:
        return told.name, None, told.why
    try:
        shown = fetch_certificates(f"https://{told.name}:{NFC_PORT}", timeout_s=ANSWER_TIMEOUT_S)
    except EdgeError as error:
        return told.name, told.certificate, error.message
    why = _contradiction(shown, told.certificate.sha256 if told.certificate else told.thumbprint)
    return told.name, None if why else shown, why


def _contradiction(shown: OfferedCertificate, expected: str) -> str:
    """Why a certificate must not be offered: vCenter knows the host by another one. Empty when it does not say so."""
    if expected in ("", shown.sha1, shown.sha256):
        return ""
    return f"it shows the certificate {shown.sha256}, but vCenter knows it by {expected}"
