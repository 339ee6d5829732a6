"""Sessions against the lab's pool: logging in, following the coordinator, renewing, refusing, saying nothing secret."""

from __future__ import annotations

import dataclasses

import pytest

from estate.connection import Connection
from estate.errors import EdgeError, Retry
from estate.tls import CertificateChanged, CertificateNotConfirmed
from estate.xapi import probe
from estate.xapi.errors import AuthenticationRefused, CoordinatorNotConfirmed, ObjectGone, UnexpectedXapiError
from estate.xapi.session import ORIGINATOR, XapiSession
from lab.xapi_sim import PoolSim
from lab.xapi_sim.coordinator import move_coordinator
from tests.contract.xapi.conftest import PASSWORD


def address_of(pool: PoolSim, name: str) -> str:
    return str(next(host["address"] for host in pool.lab_json()["hosts"] if host["name"] == name))


def open_sessions(pool: PoolSim) -> list[str]:
    return [pool.pool.store.get("session", ref, "originator") for ref in pool.pool.store.refs("session")]


def test_session_is_opened_under_one_originator_and_closed(pool: PoolSim, connection: Connection) -> None:
    before = len(open_sessions(pool))
    with XapiSession(connection) as session:
        assert session.call("pool.get_all")
        assert open_sessions(pool)[before:] == [ORIGINATOR]
    assert len(open_sessions(pool)) == before


def test_session_is_closed_even_when_the_work_inside_failed(pool: PoolSim, connection: Connection) -> None:
    before = len(open_sessions(pool))
    with pytest.raises(ObjectGone), XapiSession(connection) as session:
        session.call("VM.get_by_uuid", "00000000-0000-0000-0000-000000000000")
    assert len(open_sessions(pool)) == before


def test_member_leads_to_the_coordinator(pool: PoolSim, connection: Connection) -> None:
    port = connection.url.rsplit(":", 1)[1]
    member = dataclasses.replace(connection, url=f"https://{address_of(pool, 'xen02')}:{port}")
    with XapiSession(member) as session:
        assert session.address == address_of(pool, "xen01")
        assert session.call("pool.get_all")


def test_moved_coordinator_is_followed_in_the_middle_of_a_session(pool: PoolSim, connection: Connection) -> None:
    first = pool.pool.coordinator
    try:
        with XapiSession(connection) as session:
            move_coordinator(pool.pool, next(host for host in pool.pool.fabric.hosts if host != first))
            assert session.call("pool.get_all")
            assert session.address != address_of(pool, "xen01")
    finally:
        move_coordinator(pool.pool, first)


def test_moved_coordinator_with_an_unconfirmed_certificate_is_named(pool: PoolSim, connection: Connection) -> None:
    port = connection.url.rsplit(":", 1)[1]
    pins = frozenset(host["sha256"] for host in pool.lab_json()["hosts"] if host["name"] == "xen02")
    member = dataclasses.replace(connection, url=f"https://{address_of(pool, 'xen02')}:{port}", pins=pins)
    with pytest.raises(CoordinatorNotConfirmed, match=address_of(pool, "xen01")):
        XapiSession(member).login()


def test_changed_certificate_is_refused_before_the_password_is_sent(pool: PoolSim, connection: Connection) -> None:
    before = len(pool.log.since(0))
    pool.renew_certificate(pool.pool.coordinator)
    with pytest.raises(CertificateChanged):
        XapiSession(connection).login()
    assert len(pool.log.since(0)) == before


def test_pool_without_any_confirmed_certificate_is_not_asked(connection: Connection) -> None:
    with pytest.raises(CertificateNotConfirmed):
        XapiSession(dataclasses.replace(connection, pins=frozenset())).login()


def test_expired_session_is_renewed_once(pool: PoolSim, connection: Connection) -> None:
    with XapiSession(connection) as session:
        pool.pool.sessions.close_all()
        assert session.call("pool.get_all")
        assert open_sessions(pool) == [ORIGINATOR]


def test_wrong_password_is_tried_once_and_never_shown(
    pool: PoolSim, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[str] = []
    right = pool.pool.sessions.login

    def login(user: str, password: str, *rest: str) -> str:
        tries.append(password)
        return right(user, password, *rest)

    monkeypatch.setattr(pool.pool.sessions, "login", login)
    with pytest.raises(AuthenticationRefused) as caught:
        XapiSession(dataclasses.replace(connection, password="wrong-secret")).login()
    assert tries == ["wrong-secret"]
    assert "wrong-secret" not in str(caught.value)
    assert caught.value.next_step


def test_unknown_error_comes_out_with_its_name_and_without_the_session(pool: PoolSim, session: XapiSession) -> None:
    error = session.translate(["A_NEW_CODE", "first", session.handle, PASSWORD])
    assert isinstance(error, UnexpectedXapiError)
    assert "A_NEW_CODE [first, …, …]" in str(error)


def test_pool_that_is_not_there_is_tried_again_later(connection: Connection) -> None:
    with pytest.raises(Retry) as caught:
        XapiSession(dataclasses.replace(connection, url="https://127.0.0.1:9")).login()
    assert caught.value.code == "connection_refused"


@pytest.mark.parametrize(("method", "repeated"), [("pool.get_all", True), ("VM.start", False), ("task.create", False)])
def test_lost_request_is_repeated_only_if_it_reads(
    session: XapiSession, monkeypatch: pytest.MonkeyPatch, method: str, repeated: bool
) -> None:
    asked: list[str] = []

    def lost_once(method: str, *_: object) -> object:
        asked.append(method)
        if len(asked) == 1:
            raise Retry("the line broke", code="connection_lost")
        return ["OpaqueRef:1"]

    with monkeypatch.context() as patch:
        patch.setattr(session, "_raw", lost_once)
        if repeated:
            assert session.call(method) == ["OpaqueRef:1"]
        else:
            with pytest.raises(Retry):
                session.call(method)
    assert asked == [method] * (2 if repeated else 1)


def test_logging_out_of_a_pool_that_died_does_not_fail(
    pool: PoolSim, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    with XapiSession(connection) as session:
        monkeypatch.setattr(session, "_raw", _no_answer)


def _no_answer(*_: object) -> object:
    raise Retry("gone", code="connection_lost")


def test_probe_offers_the_front_certificate_first_and_all_hosts_once_it_is_confirmed(
    pool: PoolSim, connection: Connection
) -> None:
    facts = pool.lab_json()
    first = probe(dataclasses.replace(connection, pins=frozenset()))
    assert (first.logged_in, [c.sha256 for c in first.certificates]) == (False, [facts["sha256"]])
    second = probe(dataclasses.replace(connection, pins=frozenset({facts["sha256"]})))
    assert {c.sha256 for c in second.certificates} == {host["sha256"] for host in facts["hosts"]}
    assert (second.name, second.product, second.coordinator) == ("pool-west", "XenServer 8.4.0", "xen01")
    assert not [host.name for host in second.hosts if host.contradicts_record or not host.recorded_sha256]


def test_probe_of_a_member_offers_the_coordinator_too(pool: PoolSim, connection: Connection) -> None:
    hosts = {host["name"]: host for host in pool.lab_json()["hosts"]}
    url = f"https://{hosts['xen02']['address']}:{hosts['xen02']['port']}"
    seen = probe(dataclasses.replace(connection, url=url, pins=frozenset({hosts["xen02"]["sha256"]})))
    assert [c.sha256 for c in seen.certificates] == [hosts["xen02"]["sha256"], hosts["xen01"]["sha256"]]


def test_probe_tells_a_host_whose_certificate_is_not_the_recorded_one(pool: PoolSim, connection: Connection) -> None:
    store = pool.pool.store
    (row,) = [
        ref
        for ref in store.refs("Certificate")
        if store.get("host", store.get("Certificate", ref, "host"), "name_label") == "xen03"
    ]
    kept = store.get("Certificate", row, "fingerprint_sha256")
    store.set("Certificate", row, fingerprint_sha256="00:" * 31 + "00")
    try:
        seen = probe(connection)
    finally:
        store.set("Certificate", row, fingerprint_sha256=kept)
    assert [host.name for host in seen.hosts if host.contradicts_record] == ["xen03"]


def test_every_edge_error_of_the_session_names_the_pool(connection: Connection) -> None:
    with XapiSession(connection) as session, pytest.raises(EdgeError, match="pool-west"):
        session.call("SR.get_by_uuid", "nonsense")
