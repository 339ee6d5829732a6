"""A session with somebody else's vCenter: login, refusal, expiry, certificates."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from pyVmomi import vim
from pyVmomi.SoapAdapter import SoapStubAdapter

from estate.errors import AskPerson, Retry, Wait
from estate.tls import CertificateChanged, CertificateNotConfirmed
from estate.vsphere import inventory
from estate.vsphere.errors import LoginRefused, SessionExpired
from estate.vsphere.probe import probe
from estate.vsphere.session import VsphereSession
from tests.contract.vsphere.tls_peer import answering, tls_peer
from tests.vcsim.server import PASSWORD, Vcsim, running_vcsim

pytestmark = pytest.mark.vcsim


def touch(session: VsphereSession) -> None:
    """The smallest call that needs the session."""
    session.call(session.managed(vim.ServiceInstance, "ServiceInstance").CurrentTime)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each SOAP method was called."""
    seen: Counter[str] = Counter()
    original = SoapStubAdapter.InvokeMethod

    def counted(stub: Any, target: Any, info: Any, arguments: Any, outer: Any = None) -> Any:
        seen[info.wsdlName] += 1
        return original(stub, target, info, arguments, outer)

    monkeypatch.setattr(SoapStubAdapter, "InvokeMethod", counted)
    return seen


def test_a_session_logs_in_once_and_out_at_the_end(vcsim: Vcsim, calls: Counter[str]) -> None:
    with VsphereSession(vcsim.connection()) as session:
        touch(session)
        assert session.about.is_vcenter
    assert (calls["Login"], calls["Logout"]) == (1, 1)


def test_it_logs_out_when_the_work_fails(vcsim: Vcsim, calls: Counter[str]) -> None:
    with pytest.raises(ZeroDivisionError), VsphereSession(vcsim.connection()):
        raise ZeroDivisionError
    assert calls["Logout"] == 1


def test_a_wrong_password_asks_a_person_and_is_sent_once(vcsim: Vcsim, calls: Counter[str]) -> None:
    session = VsphereSession(vcsim.connection(password="wrong"))
    with pytest.raises(LoginRefused) as refused, session:
        pass
    assert isinstance(refused.value, AskPerson)
    assert refused.value.code == "login_refused"
    assert "wrong" not in refused.value.message
    with pytest.raises(LoginRefused):
        session.login_again(seen=0)
    assert calls["Login"] == 1


def test_a_password_changed_in_mid_session_is_sent_once_more_and_no_more(vcsim: Vcsim, calls: Counter[str]) -> None:
    with VsphereSession(vcsim.connection()) as session:
        object.__setattr__(session.connection, "password", "changed")
        session.stub.cookie = "vmware_soap_session=gone"
        for _attempt in range(3):
            with pytest.raises(LoginRefused):
                session.call(lambda: session.content.viewManager.CreateListView([]))
        object.__setattr__(session.connection, "password", PASSWORD)
    assert calls["Login"] == 2


def test_an_expired_session_is_logged_in_again_once_and_the_call_repeated(vcsim: Vcsim, calls: Counter[str]) -> None:
    with VsphereSession(vcsim.connection()) as session:
        session.stub.cookie = "vmware_soap_session=gone"
        view = session.call(lambda: session.content.viewManager.CreateListView([]))
        assert view is not None
        assert session.logins == 2
    assert calls["Login"] == 2


def test_a_session_that_was_closed_logs_nobody_in_again(vcsim: Vcsim, calls: Counter[str]) -> None:
    """A thread that still reads finds its session gone: a new login would stay at the server for ever."""
    with VsphereSession(vcsim.connection()) as session:
        seen = session.logins
    with pytest.raises(SessionExpired, match="closed on this side"):
        session.login_again(seen=seen)
    assert (calls["Login"], calls["Logout"]) == (1, 1)


def test_a_session_that_keeps_expiring_is_given_up(vcsim: Vcsim) -> None:
    def expired() -> None:
        raise vim.fault.NotAuthenticated

    with VsphereSession(vcsim.connection()) as session:
        with pytest.raises(SessionExpired):
            session.call(expired)
        assert session.logins == 2


def test_an_inventory_survives_a_session_that_expires_between_pages(vcsim: Vcsim) -> None:
    seen: Counter[str] = Counter()
    with VsphereSession(vcsim.connection()) as session:

        def on_page(kind: str, facts: Any) -> None:
            seen.update(fact.native_id for fact in facts)
            if kind == "network":
                session.stub.cookie = "vmware_soap_session=gone"

        inventory.collect(session, on_page=on_page)
        assert session.logins == 2
    assert set(seen.values()) == {1}
    assert sum(1 for native_id in seen if native_id.startswith("vm-")) == 9


def test_a_changed_certificate_is_refused_before_the_password_leaves(tmp_path: Path, vcsim: Vcsim) -> None:
    with running_vcsim(tmp_path / "first", cluster=1, vm=1) as before:
        confirmed = before.connection()
        with VsphereSession(confirmed):
            pass
        port = int(before.url.rsplit(":", 1)[1])
    with running_vcsim(tmp_path / "second", port=port, cluster=1, vm=1) as after:
        assert after.url == before.url
        with pytest.raises(CertificateChanged) as refused, VsphereSession(confirmed):
            pass
    assert after.files.sha256_fingerprint in refused.value.message
    assert before.files.sha256_fingerprint in refused.value.message


def test_every_pooled_connection_is_checked_not_only_the_first(vcsim: Vcsim) -> None:
    with VsphereSession(vcsim.connection()) as session:
        session.stub.DropConnections()
        session.stub.schemeArgs["context"].pins = frozenset({"AA:BB"})
        with pytest.raises(CertificateChanged):
            touch(session)
        session.stub.schemeArgs["context"].pins = vcsim.connection().pins


def test_without_confirmed_pins_nothing_is_connected(vcsim: Vcsim) -> None:
    with pytest.raises(CertificateNotConfirmed), VsphereSession(vcsim.connection(pins=frozenset())):
        pass


def test_a_probe_without_pins_shows_the_certificate_and_sends_no_password(vcsim: Vcsim, calls: Counter[str]) -> None:
    found = probe(vcsim.connection(pins=frozenset()))
    assert [offered.sha256 for offered in found.certificates] == [vcsim.files.sha256_fingerprint]
    assert found.about is None
    assert not calls


def test_a_probe_with_a_confirmed_pin_tells_who_answers_and_names_hosts_it_cannot_reach(vcsim: Vcsim) -> None:
    found = probe(vcsim.connection())
    assert found.about is not None
    assert found.about.product.startswith("VMware vCenter Server")
    assert found.privileges_missing == ()
    assert {name for name, _reason in found.hosts_unread} == {"DC0_H0", "DC0_C0_H0", "DC0_C0_H1", "DC0_C1_H0", "DC0_C1_H1"}


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [("404 Not Found", AskPerson, "not_vsphere"), ("503 Service Unavailable", Retry, "server_busy")],
)
def test_a_server_that_is_no_vcenter_or_not_up_is_told_apart(
    tmp_path: Path, vcsim: Vcsim, status: str, kind: type[Exception], code: str
) -> None:
    with tls_peer(tmp_path, answering(b"", status=status, headers="Content-Length: 0\r\n")) as peer:
        connection = vcsim.connection(url=peer.url, pins=peer.pins)
        with pytest.raises(kind) as refused, VsphereSession(connection):
            pass
    assert refused.value.code == code  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("fault", "kind", "code"),
    [
        (vim.fault.TaskInProgress(), Wait, "task_in_progress"),
        (vim.fault.ToolsUnavailable(), AskPerson, "tools_unavailable"),
        (vim.fault.NoPermission(privilegeId="VApp.Export"), AskPerson, "permission_missing"),
        (vim.fault.FileLocked(), Retry, "file_fault"),
        (vim.fault.DuplicateName(), AskPerson, "vsphere_fault"),
        (ConnectionResetError(), Retry, "connection_lost"),
        (TypeError('For "info" expected type'), Retry, "bad_answer"),
    ],
)
def test_faults_say_whether_to_retry_wait_or_ask(vcsim: Vcsim, fault: Exception, kind: type[Exception], code: str) -> None:
    def fail() -> None:
        raise fault

    with VsphereSession(vcsim.connection()) as session, pytest.raises(kind) as told:
        session.call(fail, where="web01")
    assert told.value.code == code  # type: ignore[attr-defined]
    assert told.value.__cause__ is fault
