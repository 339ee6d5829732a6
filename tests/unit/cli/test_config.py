"""The configuration file and sign-in: who may read it, where the token goes, where passwords come from."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import httpx
import pytest

from tests.builders.cli import PROJECT, SIGNED_IN, TOKEN, URL, Desk, Server, a_list, a_problem
from xenbound_cli import config
from xenbound_cli.config import Settings
from xenbound_cli.exits import UsageError

OTHER_PROJECT = "44444444-4444-4444-8444-444444444444"
ISSUED = {"token": "fresh-token", "expires_at": "2026-11-23T07:00:00Z", "id": PROJECT}


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_config_file_is_for_its_owner_only_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        config.write(tmp_path / "new" / "config.toml", SIGNED_IN)
    finally:
        os.umask(before)
    assert mode_of(tmp_path / "new" / "config.toml") == 0o600
    assert mode_of(tmp_path / "new") == 0o700
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["config.toml"]


def test_a_file_opened_to_others_is_closed_by_the_next_login(tmp_path: Path) -> None:
    desk = Desk(tmp_path, Server({"POST auth/token": ISSUED})).signed_in()
    desk.config_file.chmod(0o644)
    ran = desk.run("login", URL, "--username", "ada", stdin="secret\n")
    assert ran.code == 0
    assert mode_of(desk.config_file) == 0o600


@pytest.mark.parametrize(("mode", "warned"), [(0o600, False), (0o400, False), (0o640, True), (0o604, True), (0o602, True)])
def test_a_file_others_can_reach_is_warned_about(tmp_path: Path, mode: int, warned: bool) -> None:
    desk = Desk(tmp_path, Server({"GET pools": a_list()})).signed_in()
    desk.config_file.chmod(mode)
    ran = desk.run("pool", "list")
    assert ran.code == 0
    assert ("others can reach it" in ran.err) is warned


@pytest.mark.parametrize("odd", ['quote " and \\ backslash', "line\nbreak", "Umläute ✓ 😀", "delete \x7f", "bell \x07", ""])
def test_odd_texts_survive_the_file(tmp_path: Path, odd: str) -> None:
    settings = Settings(url=URL, token="t", username=odd, project=odd)
    config.write(tmp_path / "config.toml", settings)
    assert config.read(tmp_path / "config.toml") == settings


def test_a_broken_file_is_a_sentence(tmp_path: Path) -> None:
    desk = Desk(tmp_path).signed_in()
    desk.config_file.write_text("url = ")
    ran = desk.run("pool", "list")
    assert ran.code == 1
    assert "config.toml cannot be read" in ran.err


def test_login_keeps_the_token_and_never_prints_it(tmp_path: Path) -> None:
    server = Server({"POST auth/token": ISSUED})
    desk = Desk(tmp_path, server)
    ran = desk.run("login", f"{URL}/", "--username", "ada", "--days", "2", "--json", stdin="pass word \r\n")
    assert ran.code == 0
    assert config.read(desk.config_file) == Settings(url=URL, token="fresh-token", username="ada")
    asked = server.bodies()[0]
    assert (asked["username"], asked["password"], asked["lifetime_s"]) == ("ada", "pass word ", 172800)
    assert "fresh-token" not in ran.out + ran.err
    assert "token" not in ran.document


def test_the_password_comes_from_the_environment_before_the_terminal(tmp_path: Path) -> None:
    server = Server({"POST auth/token": ISSUED})
    desk = Desk(tmp_path, server, environ={"XENBOUND_PASSWORD": "from environment"}, terminal=True)
    assert desk.run("login", URL, "--username", "ada").code == 0
    assert server.bodies()[0]["password"] == "from environment"


def test_at_a_terminal_name_and_password_are_asked_for(tmp_path: Path) -> None:
    server = Server({"POST auth/token": ISSUED})
    assert Desk(tmp_path, server, terminal=True).run("login", URL, stdin="ada\n").code == 0
    assert (server.bodies()[0]["username"], server.bodies()[0]["password"]) == ("ada", "typed secret")


@pytest.mark.parametrize("argv", [("--password", "x"), ("--password=x",)])
def test_there_is_no_option_for_a_password(tmp_path: Path, argv: tuple[str, ...]) -> None:
    server = Server({"POST auth/token": ISSUED})
    assert Desk(tmp_path, server).run("login", URL, "--username", "ada", *argv).code == 2
    assert server.asked == []


def test_without_password_nothing_is_sent(tmp_path: Path) -> None:
    server = Server({"POST auth/token": ISSUED})
    assert Desk(tmp_path, server).run("login", URL, "--username", "ada").code == 2
    assert server.asked == []


def test_a_password_does_not_go_over_plain_http_unless_told(tmp_path: Path) -> None:
    server = Server({"POST auth/token": ISSUED})
    desk = Desk(tmp_path, server)
    assert desk.run("login", "http://xenbound.test", "--username", "ada", stdin="x\n").code == 2
    assert server.asked == []
    assert desk.run("login", "http://xenbound.test", "--username", "ada", "--plain-http", stdin="x\n").code == 0
    assert desk.run("login", "http://127.0.0.1:8000", "--username", "ada", stdin="x\n").code == 0


def test_a_wrong_password_keeps_the_old_sign_in(tmp_path: Path) -> None:
    desk = Desk(tmp_path, Server({"POST auth/token": a_problem(401, "wrong_credentials")})).signed_in()
    assert desk.run("login", URL, "--username", "ada", stdin="x\n").code == 4
    assert config.read(desk.config_file) == SIGNED_IN


def test_the_stored_token_goes_to_no_other_server(tmp_path: Path) -> None:
    server = Server({"GET pools": a_list()})
    desk = Desk(tmp_path, server, environ={"XENBOUND_URL": "https://elsewhere.test"}).signed_in()
    ran = desk.run("pool", "list")
    assert ran.code == 4
    assert "not signed in at https://elsewhere.test" in ran.err
    assert server.asked == []


def test_pages_are_followed_at_the_own_server_whatever_next_says(tmp_path: Path) -> None:
    first = a_list({"name": "a"}, next_url="https://evil.test/api/v1/projects?cursor=abc&limit=500")
    server = Server({"GET projects": [first, a_list({"name": "b"})]})
    ran = Desk(tmp_path, server).signed_in().run("projects", "list")
    assert [request.url.host for request in server.asked] == ["xenbound.test", "xenbound.test"]
    assert server.asked[1].url.params["cursor"] == "abc"
    assert [line.split()[0] for line in ran.out.splitlines()] == ["NAME", "a", "b"]


def test_a_server_that_repeats_a_page_is_not_followed_for_ever(tmp_path: Path) -> None:
    server = Server({"GET projects": a_list({"name": "a"}, next_url="https://xenbound.test/x?cursor=abc")})
    assert Desk(tmp_path, server).signed_in().run("projects", "list").code == 4


def test_environment_goes_before_the_file_and_options_before_both(tmp_path: Path) -> None:
    environ = {"XENBOUND_URL": "https://two.test", "XENBOUND_TOKEN": "of-two", "XENBOUND_PROJECT": PROJECT}
    server = Server({"GET pools": a_list(), f"GET projects/{OTHER_PROJECT}/pools": a_list()})
    desk = Desk(tmp_path, server, environ=environ).signed_in()
    assert desk.run("pool", "list").code == 0
    assert desk.run("--project", OTHER_PROJECT, "pool", "list").code == 0
    assert desk.run("pool", "list", "--project", OTHER_PROJECT).code == 0
    assert {request.url.host for request in server.asked} == {"two.test"}
    assert {request.headers["Authorization"] for request in server.asked} == {"Bearer of-two"}
    assert [OTHER_PROJECT in request.url.path for request in server.asked] == [False, True, True]


@pytest.mark.parametrize(
    "text", ["xenbound.test", "ftp://x", "https://", "https://user:pw@x", "https://x:port", "https://x?a=b", "https://[::1"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        config.checked_url(text)


@pytest.mark.parametrize("text", ["https://x.test:8443/", "https://x.test:8443/api/v1/", " https://x.test:8443 "])
def test_an_address_is_kept_in_one_spelling(text: str) -> None:
    assert config.checked_url(text) == "https://x.test:8443"


def test_a_token_that_cannot_be_sent_is_not_repeated_in_the_error(tmp_path: Path) -> None:
    environ = {"XENBOUND_URL": URL, "XENBOUND_TOKEN": "secret–token", "XENBOUND_PROJECT": PROJECT}
    ran = Desk(tmp_path, Server(), environ=environ).run("pool", "list")
    assert ran.code == 2
    assert "secret" not in ran.err


def test_logout_revokes_and_forgets_the_token_but_keeps_the_server(tmp_path: Path) -> None:
    server = Server({"DELETE auth/token": [{}]})
    desk = Desk(tmp_path, server).signed_in()
    assert desk.run("logout").code == 0
    assert server.asked[0].headers["Authorization"] == f"Bearer {TOKEN}"
    assert config.read(desk.config_file).token == ""
    assert config.read(desk.config_file).url == URL


def test_logout_forgets_the_token_even_if_the_server_is_away(tmp_path: Path) -> None:
    desk = Desk(tmp_path, Server({"DELETE auth/token": httpx.ConnectError("away")})).signed_in()
    assert desk.run("logout").code == 4
    assert config.read(desk.config_file).token == ""


def test_a_ca_file_that_is_none_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    desk = Desk(tmp_path, Server({"GET pools": a_list()})).signed_in()
    assert desk.run("pool", "list", "--ca", str(tmp_path / "ca.pem")).code == 2
    assert desk.run("pool", "list", "--ca", str(tmp_path / "missing.pem")).code == 2
