"""First contact with a source, in two steps: the vCenter's certificate before anything is sent, the rest once it is pinned.

Step one is a handshake alone. After a person confirmed that certificate, the same call logs in and adds the certificate
of every ESXi host, because disks are read from the hosts, each of which has its own.
"""

from __future__ import annotations

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
_HOST_PATHS = ("name", "config.certificate", "summary.config.sslThumbprint")


@dataclass(frozen=True, slots=True)
class SourceProbe:
    """What a probe found. `about` is None until the endpoint's own certificate is confirmed.

    `certificates` begins with the endpoint's own. `hosts_unread` are hosts whose certificate could not be had, with the
    reason: their disks cannot be read until it is confirmed.
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
    query = Query(vim.HostSystem, _HOST_PATHS, _certificate_of)
    found = [row for page in pages(session, query, page_objects=HOSTS_PER_PAGE) for row in page]
    certificates = tuple(shown for _name, shown in found if isinstance(shown, OfferedCertificate))
    unread = tuple((name, shown) for name, shown in found if isinstance(shown, str))
    return certificates, unread


def _certificate_of(host: SourceObject) -> tuple[str, OfferedCertificate | str]:
    """A host's name with its certificate: from vCenter, whose word comes over a pinned line, else from the host itself."""
    name = host.name()
    address = f"{name}:{NFC_PORT}"
    try:
        der = host_certificate(host)
        shown = offered_certificate(der, address) if der else fetch_certificates(f"https://{address}")
    except EdgeError as error:
        return name, error.message
    return name, _contradiction(host, shown) or shown


def _contradiction(host: SourceObject, shown: OfferedCertificate) -> str:
    """Why a certificate must not be offered: vCenter knows the host by another one. Empty when it does not say so."""
    thumbprint = host.text("summary.config.sslThumbprint")
    if not is_known(thumbprint) or not thumbprint:
        return ""
    expected = fingerprint(thumbprint)
    if expected in (shown.sha1, shown.sha256):
        return ""
    return f"it shows the certificate {shown.sha256}, but vCenter knows it by {expected}"
