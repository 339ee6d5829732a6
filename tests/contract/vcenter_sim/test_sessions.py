"""Logging in to the lab's vCenter, and what happens without."""

from __future__ import annotations

import hashlib
import http.client
import ssl
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from pyVmomi import SoapStubAdapter, vim

from lab.testing import Lab, running_lab
from tests.contract.vcenter_sim.conftest import Client, log_in, shown_certificate


def _anonymous(lab: Lab) -> vim.ServiceInstance:
    parts = urlsplit(lab.json["vcenter"]["url"])
    stub = SoapStubAdapter(
        host=parts.hostname, port=parts.port, version="vim.version.v8_0_2_0", sslContext=ssl._create_unverified_context()
    )
    return vim.ServiceInstance("ServiceInstance", stub)


def test_service_content_is_given_without_a_login(lab: Lab) -> None:
    about = _anonymous(lab).RetrieveContent().about
    assert (about.apiType, about.apiVersion) == ("VirtualCenter", "8.0.2.0")


def test_everything_else_needs_a_login(lab: Lab) -> None:
    instance = _anonymous(lab)
    with pytest.raises(vim.fault.NotAuthenticated):
        instance.CurrentTime()
    with pytest.raises(vim.fault.NotAuthenticated):
        _ = instance.content.rootFolder.name


def test_a_wrong_password_is_refused_and_every_attempt_is_logged(lab: Lab) -> None:
    with pytest.raises(vim.fault.InvalidLogin):
        log_in(lab, "wrong")
    assert [entry["what"] for entry in lab.control("GET", "/log")].count("Login") == 1


def test_the_client_picks_the_newest_version_the_server_offers(client: Client) -> None:
    assert client.instance._stub.version == "vim.version.v8_0_2_0"


def test_a_changed_certificate_is_refused_by_a_pinning_client(lab: Lab) -> None:
    pinned = shown_certificate(lab)
    digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(pinned)).hexdigest().upper()
    assert lab.json["vcenter"]["sha256"].replace(":", "") == digest
    assert log_in(lab, trusted_pem=pinned).CurrentTime()
    assert lab.control("POST", "/certificate", {"of": "vcenter"})["sha256"] != lab.json["vcenter"]["sha256"]
    with pytest.raises(ssl.SSLError):
        log_in(lab, trusted_pem=pinned)


def test_logout_ends_the_session(lab: Lab) -> None:
    instance = log_in(lab)
    assert lab.control("GET", "/state")["source_sessions"] == 1
    instance.content.sessionManager.Logout()
    assert lab.control("GET", "/state")["source_sessions"] == 0


def test_an_idle_session_expires(tmp_path: Path) -> None:
    with running_lab(tmp_path, world="tiny", with_pool=False, session_idle_s=-1.0) as lab:
        instance = _anonymous(lab)
        where = lab.json["vcenter"]
        instance.content.sessionManager.Login(where["user"], where["password"])
        with pytest.raises(vim.fault.NotAuthenticated):
            instance.CurrentTime()


def test_the_session_knows_itself_and_its_rights(client: Client) -> None:
    content = client.content
    session = content.sessionManager.currentSession
    assert content.sessionManager.SessionIsActive(session.key, session.userName)
    granted = content.authorizationManager.HasPrivilegeOnEntities([content.rootFolder], session.key, ["VApp.Export"])
    assert [(one.privId, one.isGranted) for one in granted[0].privAvailability] == [("VApp.Export", True)]


def test_chunked_requests_are_read_and_long_answers_are_packed_when_asked(lab: Lab) -> None:
    parts = urlsplit(lab.json["vcenter"]["url"])
    connection = http.client.HTTPSConnection(parts.hostname or "", parts.port, context=ssl._create_unverified_context())
    envelope = (
        '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>'
        '<RetrieveServiceContent xmlns="urn:vim25"><_this type="ServiceInstance">ServiceInstance</_this>'
        "</RetrieveServiceContent></soapenv:Body></soapenv:Envelope>"
    )
    pieces = (envelope[i : i + 50].encode() for i in range(0, len(envelope), 50))
    headers = {"SOAPAction": '"urn:vim25/8.0.2.0"', "Accept-Encoding": "gzip"}
    connection.request("POST", "/sdk", pieces, headers, encode_chunked=True)
    response = connection.getresponse()
    assert (response.status, response.headers["Content-Encoding"]) == (200, "gzip")


@pytest.mark.parametrize("body", [b"", b"<x/>", b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", b"\xff\xfe"])
def test_nonsense_is_answered_with_a_fault(lab: Lab, body: bytes) -> None:
    parts = urlsplit(lab.json["vcenter"]["url"])
    connection = http.client.HTTPSConnection(parts.hostname or "", parts.port, context=ssl._create_unverified_context())
    connection.request("POST", "/sdk", body, {"Content-Length": str(len(body))})
    response = connection.getresponse()
    assert response.status == 500
    assert b"InvalidRequest" in response.read()


def test_http_503_is_answered_once_when_armed(lab: Lab) -> None:
    instance = _anonymous(lab)
    lab.control("POST", "/vcenter/fault", {"kind": "http_503"})
    with pytest.raises(http.client.HTTPException):
        instance.RetrieveContent()
    assert instance.RetrieveContent().about.apiType == "VirtualCenter"
