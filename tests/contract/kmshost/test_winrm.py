"""Collection over WinRM against a server that speaks WS-Management, PSRP and NTLM: what works, and every way it does not."""

from __future__ import annotations

import datetime
import json
import logging
import re
import socket
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from estate.connection import Connection
from estate.errors import AskPerson, EdgeError, Retry
from estate.kmshost.collected import read_collected
from estate.kmshost.script import collection_script
from estate.kmshost.winrm import Auth, WinRmWay, collect
from lab.kms_sim.winrm import Site, WinRmServer
from lab.tls import CertFiles, make_certificate
from lab.worlds import kms as world

pytestmark = pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")  # pytest undoes the adapter's own
USER, PASSWORD = "LAB\\kms-reader", "correct horse; battery staple"
NOW = datetime.datetime.now(datetime.UTC)
READING = json.dumps(world.reading(1, ("win-app01",), NOW))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> CertFiles:
    return make_certificate(tmp_path_factory.mktemp("kms01"), "kms01.corp.example", ["127.0.0.1"])


@pytest.fixture
def site() -> Site:
    return Site(reading=lambda: READING, users={USER: PASSWORD})


@pytest.fixture
def server(site: Site, certificate: CertFiles, tmp_path: Path) -> Iterator[WinRmServer]:
    with WinRmServer(site, certificate, tmp_path) as running:
        yield running


def a_way(server: WinRmServer, certificate: CertFiles, **changes: Any) -> WinRmWay:
    pins = frozenset({certificate.sha256_fingerprint})
    connection = Connection(url=server.url, username=USER, password=PASSWORD, pins=pins, name="kms01")
    of_connection = {name: changes.pop(name) for name in ("url", "username", "password", "pins") if name in changes}
    return WinRmWay(replace(connection, **of_connection), **({"timeout_s": 30} | changes))


def refusal(way: WinRmWay) -> EdgeError:
    with pytest.raises(EdgeError) as refused:
        collect(way)
    assert PASSWORD not in str(refused.value) + refused.value.next_step
    assert refused.value.next_step
    return refused.value


def test_a_reading_comes_by_ntlm_and_is_read_like_an_upload(server: WinRmServer, site: Site, certificate: CertFiles) -> None:
    text = collect(a_way(server, certificate))
    assert text == READING
    assert read_collected(text, received_at=NOW).current_count == 7


def test_exactly_the_shipped_script_is_run_and_it_only_reads(server: WinRmServer, site: Site, certificate: CertFiles) -> None:
    collect(a_way(server, certificate))
    assert site.scripts == [collection_script()]
    code = re.sub(r"(?m)^\s*#.*$", "", collection_script())
    cmdlets = set(re.findall(r"\b[A-Z][A-Za-z]+-[A-Z][A-Za-z]+\b", code))
    reading = {"Get-Date", "Get-CimInstance", "Get-WinEvent", "Select-Object", "ForEach-Object", "ConvertTo-Json"}
    assert cmdlets <= reading and "Get-CimInstance" in cmdlets
    assert "Invoke-" not in code and "slmgr" not in code.lower()


def test_no_log_holds_the_reading_or_the_password_at_any_level(
    server: WinRmServer, certificate: CertFiles, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    collect(a_way(server, certificate))
    ours = "\n".join(entry.getMessage() for entry in caplog.records if not entry.name.startswith("psrpcore"))  # the lab's own
    assert "SoftwareLicensing" not in ours and "ApplicationID" not in ours and PASSWORD not in caplog.text


def test_a_reading_of_two_megabytes_comes_whole(server: WinRmServer, site: Site, certificate: CertFiles) -> None:
    site.reading = lambda: READING + " " * 2_000_000
    assert len(collect(a_way(server, certificate))) == len(READING) + 2_000_000


def test_a_reading_comes_by_certificate(site: Site, certificate: CertFiles, tmp_path: Path) -> None:
    mine = make_certificate(tmp_path / "client", "xenbound", ["127.0.0.1"])
    site.client_pems = [mine.cert_path.read_text()]
    pem = mine.cert_path.read_text() + mine.key_path.read_text()
    with WinRmServer(site, certificate, tmp_path) as running:
        assert collect(a_way(running, certificate, auth=Auth.CERTIFICATE, username="", password=pem)) == READING


def test_a_certificate_that_nobody_mapped_is_refused_as_a_login(
    server: WinRmServer, certificate: CertFiles, tmp_path: Path
) -> None:
    mine = make_certificate(tmp_path / "client", "xenbound", ["127.0.0.1"])
    pem = mine.cert_path.read_text() + mine.key_path.read_text()
    assert refusal(a_way(server, certificate, auth=Auth.CERTIFICATE, password=pem)).code == "winrm_login_refused"


@pytest.mark.parametrize("which", ["nothing", "key of another", "certificate only"])
def test_a_certificate_that_cannot_be_used_is_refused_before_anything_is_sent(
    which: str, server: WinRmServer, site: Site, certificate: CertFiles, tmp_path: Path
) -> None:
    mine, other = (make_certificate(tmp_path / name, name, ["127.0.0.1"]) for name in ("mine", "other"))
    pems = {
        "nothing": "x",
        "key of another": mine.cert_path.read_text() + other.key_path.read_text(),
        "certificate only": mine.cert_path.read_text(),
    }
    assert refusal(a_way(server, certificate, auth=Auth.CERTIFICATE, password=pems[which])).code == "winrm_certificate_unusable"
    assert site.requests == 0


@pytest.mark.parametrize("changes", [{"password": "wrong"}, {"username": "LAB\\nobody"}])
def test_wrong_names_and_passwords_are_refused(
    changes: dict[str, str], server: WinRmServer, site: Site, certificate: CertFiles
) -> None:
    refused = refusal(a_way(server, certificate, **changes))
    assert isinstance(refused, AskPerson) and refused.code == "winrm_login_refused"
    assert site.scripts == []


@pytest.mark.parametrize("changes", [{"password": ""}, {"username": ""}])
def test_without_name_or_password_nobody_signs_in_as_whom_the_server_itself_knows(
    changes: dict[str, str], server: WinRmServer, site: Site, certificate: CertFiles
) -> None:
    assert refusal(a_way(server, certificate, **changes)).code == "winrm_credentials_missing"
    assert site.requests == 0


def test_another_certificate_stops_everything_before_a_byte_is_sent(
    server: WinRmServer, site: Site, certificate: CertFiles
) -> None:
    refused = refusal(a_way(server, certificate, pins=frozenset({"AA:" * 31 + "AA"})))
    assert refused.code == "certificate_changed"
    assert refusal(a_way(server, certificate, pins=frozenset())).code == "certificate_not_confirmed"
    assert site.requests == 0


@pytest.mark.parametrize("name", ["JEA.Nothing", "a/../b", "", "x y", "é"])
def test_a_session_configuration_that_is_not_there_is_refused_by_name(
    name: str, server: WinRmServer, certificate: CertFiles
) -> None:
    refused = refusal(a_way(server, certificate, configuration=name))
    assert refused.code == "winrm_configuration_refused" and "Get-PSSessionConfiguration" in refused.next_step


def test_a_constrained_session_that_allows_it_is_used(server: WinRmServer, site: Site, certificate: CertFiles) -> None:
    site.configurations = {"Xenbound.KmsReader"}
    assert collect(a_way(server, certificate, configuration="Xenbound.KmsReader")) == READING


def test_an_account_without_the_right_is_told_so(server: WinRmServer, site: Site, certificate: CertFiles) -> None:
    site.denied = True
    assert refusal(a_way(server, certificate)).code == "winrm_access_denied"


def test_a_script_that_never_ends_times_out_as_a_passing_fault(server: WinRmServer, site: Site, certificate: CertFiles) -> None:
    site.stalls = True
    refused = refusal(a_way(server, certificate, timeout_s=2.5))
    assert isinstance(refused, Retry) and refused.code == "winrm_timeout" and "2.5 s" in refused.message


def test_a_host_that_accepts_and_says_nothing_times_out(server: WinRmServer, certificate: CertFiles) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        refused = refusal(a_way(server, certificate, url=f"https://127.0.0.1:{silent.getsockname()[1]}", timeout_s=1))
    assert isinstance(refused, Retry) and refused.code in ("winrm_timeout", "timeout")


def test_a_host_that_is_not_there_is_unreachable_as_a_passing_fault(server: WinRmServer, certificate: CertFiles) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        closed = taken.getsockname()[1]
    assert refusal(a_way(server, certificate, url=f"https://127.0.0.1:{closed}")).code == "connection_refused"
    assert refusal(a_way(server, certificate, url="https://no-such-host.invalid")).code == "name_not_found"


def test_a_port_that_speaks_no_tls_is_told_so(server: WinRmServer, certificate: CertFiles) -> None:
    plain = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    Thread(target=plain.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        refused = refusal(a_way(server, certificate, url=f"https://127.0.0.1:{plain.server_address[1]}"))
    finally:
        plain.shutdown()
        plain.server_close()
    assert isinstance(refused, Retry) and refused.code == "tls_failed"


def test_a_script_error_is_told_without_product_keys(server: WinRmServer, site: Site, certificate: CertFiles) -> None:
    site.script_error = "Access denied reading ABCDE-12345-FGHIJ-67890-KLMNO"
    refused = refusal(a_way(server, certificate))
    assert refused.code == "winrm_script_failed" and "Access denied reading" in refused.message
    assert "ABCDE-12345" not in refused.message


@pytest.mark.parametrize("status", [404, 500, 503, 302])
def test_what_is_no_winrm_is_told_so(status: int, server: WinRmServer, site: Site, certificate: CertFiles) -> None:
    site.http_status = status
    assert refusal(a_way(server, certificate)).code == "winrm_not_there"


def test_more_than_a_reading_can_be_is_refused(
    server: WinRmServer, site: Site, certificate: CertFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("estate.kmshost.winrm.READING_BYTES", len(READING) - 1)
    assert refusal(a_way(server, certificate)).code == "winrm_too_large"


def test_an_address_without_tls_is_refused(server: WinRmServer, certificate: CertFiles) -> None:
    assert refusal(a_way(server, certificate, url="http://127.0.0.1:5985")).code == "endpoint_url_invalid"


def test_kerberos_without_its_extra_is_told_so(
    server: WinRmServer, certificate: CertFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("estate.kmshost.winrm.find_spec", lambda name: None)
    assert refusal(a_way(server, certificate, auth=Auth.KERBEROS)).code == "winrm_kerberos_missing"


def test_whoever_asks_can_stop_the_collection(server: WinRmServer, site: Site, certificate: CertFiles) -> None:
    class Stopped(Exception):
        pass

    def stop() -> None:
        raise Stopped

    site.stalls = True
    with pytest.raises(Stopped):
        collect(a_way(server, certificate), alive=stop)
