"""Who is behind a pool's URL, and which certificates a person should confirm. No password is sent to an unpinned host."""

from __future__ import annotations

from dataclasses import dataclass

from estate.connection import Connection
from estate.errors import Retry
from estate.tls import OfferedCertificate, fetch_certificates
from estate.xapi.errors import CoordinatorNotConfirmed
from estate.xapi.pool_network import host_fingerprints
from estate.xapi.records import Record, Snapshot
from estate.xapi.session import XapiSession
from estate.xapi.transport import join_address


@dataclass(frozen=True, slots=True)
class ProbedHost:
    """A host of the pool and the certificate that its address shows; None where nobody answers there.

    `recorded_sha256` is what the pool's own records say, empty on pools that keep none: a third witness beside the
    host itself and the person who compares.
    """

    uuid: str
    name: str
    address: str
    certificate: OfferedCertificate | None
    recorded_sha256: str

    @property
    def contradicts_record(self) -> bool:
        """Whether pool and host speak of different certificates: somebody may be in between."""
        return bool(self.certificate and self.recorded_sha256 and self.certificate.sha256 != self.recorded_sha256)


@dataclass(frozen=True, slots=True)
class PoolProbe:
    """What a probe found. Before the URL's certificate is confirmed only `certificates` is filled."""

    certificates: tuple[OfferedCertificate, ...]
    pool_uuid: str | None = None
    name: str = ""
    product: str = ""
    coordinator: str = ""
    hosts: tuple[ProbedHost, ...] = ()

    @property
    def logged_in(self) -> bool:
        """Whether the pool itself was asked."""
        return self.pool_uuid is not None


def probe(connection: Connection) -> PoolProbe:
    """Offer certificates for confirmation: at first the one behind the URL, once that is pinned those of all hosts.

    Raises:
        AuthenticationRefused: user name or password are wrong.
        Retry: nobody answers behind the URL.
    """
    front = fetch_certificates(connection.url)
    if front.sha256 not in connection.pins:
        return PoolProbe(certificates=(front,))
    session = XapiSession(connection)
    try:
        with session:
            return _probe_hosts(session, front)
    except CoordinatorNotConfirmed:
        coordinator = fetch_certificates(f"https://{join_address(session.address, session.port)}")
        return PoolProbe(certificates=(front, coordinator), coordinator=session.address)


def _probe_hosts(session: XapiSession, front: OfferedCertificate) -> PoolProbe:
    snapshot = Snapshot(session)
    pool = next(iter(snapshot.table("pool")))
    recorded = host_fingerprints(snapshot)
    hosts = tuple(_probe_host(session, host, recorded.get(host.ref, "")) for host in snapshot.table("host"))
    coordinator = snapshot.table("host").get(pool.text("master"))
    shown = {host.certificate.sha256: host.certificate for host in hosts if host.certificate}
    version = coordinator.map("software_version") if coordinator else {}
    return PoolProbe(
        certificates=tuple({front.sha256: front, **shown}.values()),
        pool_uuid=pool.text("uuid"),
        name=pool.text("name_label") or (coordinator.text("name_label") if coordinator else ""),
        product=f"{version.get('product_brand', 'Xen pool')} {version.get('product_version', '')}".strip(),
        coordinator=coordinator.text("name_label") if coordinator else "",
        hosts=hosts,
    )


def _probe_host(session: XapiSession, host: Record, recorded_sha256: str) -> ProbedHost:
    address = host.text("address")
    try:
        certificate = fetch_certificates(f"https://{join_address(address, session.port)}")
    except Retry:
        certificate = None
    return ProbedHost(host.text("uuid"), host.text("name_label"), address, certificate, recorded_sha256)
