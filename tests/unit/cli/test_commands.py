"""What commands ask of the API, above all where a person has to decide: certificates, cutovers, entries made by hand."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from tests.builders.cli import SIGNED_IN, THING, URL, Desk, Server, a_job, a_list, a_problem

PIN_A, PIN_B, PIN_C = (":".join([digits] * 32) for digits in ("AA", "BB", "CC"))
MAPPING = {"id": THING, "name": "first", "version": 4, "networks": {"VM Network": "by hand"}, "datastores": {}, "templates": {}}
SUGGESTED = {
    "networks": {"VM Network": "lan-100", "DMZ": "dmz"},
    "datastores": {},
    "templates": {},
    "why": {"DMZ": "same VLAN"},
    "open": [],
}
WAVE = {"id": THING, "name": "one", "machines": [{"name": "app01"}]}


def a_source(*offered: str, confirmed: tuple[str, ...] = ()) -> dict[str, Any]:
    certificates = [{"subject": f"CN={pin[:2]}", "sha256": pin, "address": "esxi:443"} for pin in offered]
    return {
        "id": THING,
        "name": "vcenter",
        "certificates": certificates,
        "tls_thumbprints": list(confirmed),
        "confirmed_at": None,
    }


def confirm(tmp_path: Path, source: dict[str, Any], *argv: str, **desk: Any) -> tuple[Any, Server]:
    stdin = desk.pop("stdin", "")
    server = Server({"GET sources": a_list(source), f"POST sources/{THING}/confirm": source})
    return Desk(tmp_path, server, **desk).signed_in().run("source", "confirm", "vcenter", *argv, stdin=stdin), server


def confirmed_pins(server: Server) -> list[list[str]]:
    return [body["tls_thumbprints"] for body in server.bodies()]


def test_a_script_without_fingerprint_confirms_nothing(tmp_path: Path) -> None:
    ran, server = confirm(tmp_path, a_source(PIN_A), stdin="yes\n")
    assert ran.code == 2
    assert "--sha256" in ran.err
    assert confirmed_pins(server) == []


@pytest.mark.parametrize("answer", ["", "\n", "y\n", "no\n", "yes please\n"])
def test_anything_but_yes_confirms_nothing(tmp_path: Path, answer: str) -> None:
    ran, server = confirm(tmp_path, a_source(PIN_A), terminal=True, stdin=answer)
    assert ran.code == 1
    assert confirmed_pins(server) == []


def test_a_yes_at_the_terminal_confirms_what_was_shown(tmp_path: Path) -> None:
    ran, server = confirm(tmp_path, a_source(PIN_A, PIN_B, confirmed=(PIN_A,)), terminal=True, stdin="yes\n")
    assert ran.code == 0
    assert PIN_B in ran.err
    assert confirmed_pins(server) == [[PIN_A, PIN_B]]


@pytest.mark.parametrize("spelling", [PIN_B, PIN_B.lower(), "bb" * 32])
def test_a_named_fingerprint_confirms_that_one_and_keeps_the_earlier_ones(tmp_path: Path, spelling: str) -> None:
    ran, server = confirm(tmp_path, a_source(PIN_A, PIN_B, PIN_C, confirmed=(PIN_A,)), "--sha256", spelling)
    assert ran.code == 0
    assert confirmed_pins(server) == [[PIN_A, PIN_B]]


def test_a_pin_whose_certificate_is_gone_is_not_carried_along(tmp_path: Path) -> None:
    _, server = confirm(tmp_path, a_source(PIN_B, confirmed=(PIN_A,)), "--sha256", PIN_B)
    assert confirmed_pins(server) == [[PIN_B]]


def test_a_fingerprint_nobody_showed_is_refused_here_already(tmp_path: Path) -> None:
    ran, server = confirm(tmp_path, a_source(PIN_A), "--sha256", PIN_C)
    assert ran.code == 1
    assert "unknown_pin" in ran.err
    assert confirmed_pins(server) == []


@pytest.mark.parametrize("text", ["AA", "zz" * 32, PIN_A + ":AA"])
def test_a_text_that_is_no_fingerprint_is_a_usage_error(tmp_path: Path, text: str) -> None:
    assert confirm(tmp_path, a_source(PIN_A), "--sha256", text)[0].code == 2


def test_a_probe_shows_certificates_and_confirms_none(tmp_path: Path) -> None:
    source = {**a_source(PIN_A), "privileges_missing": {"unknown": "not signed in yet"}}
    answers = {"GET sources": a_list(source), f"POST sources/{THING}/probe": a_job(), f"GET sources/{THING}": source}
    server = Server(answers)
    ran = Desk(tmp_path, server).signed_in().run("source", "probe", "vcenter")
    assert ran.code == 0
    assert PIN_A in ran.out
    assert "missing rights: unknown" in ran.out
    assert not any("confirm" in path for path in server.paths())


def test_a_password_of_a_source_is_piped_in_and_not_shown(tmp_path: Path) -> None:
    server = Server({"POST sources": {**a_source(), "kind": "vcenter"}})
    ran = Desk(tmp_path, server).signed_in().run("source", "add", "https://vc", "--username", "u", stdin="hidden\n")
    assert ran.code == 0
    assert server.bodies()[0] == {
        "url": "https://vc",
        "username": "u",
        "password": "hidden",
        "name": "https://vc",
        "kind": "vcenter",
    }
    assert "hidden" not in ran.out + ran.err


def test_a_suggestion_is_only_shown_unless_applied(tmp_path: Path) -> None:
    server = Server({"GET mappings": a_list(MAPPING), f"GET mappings/{THING}/suggest": SUGGESTED})
    ran = Desk(tmp_path, server).signed_in().run("plan", "mapping", "suggest", "first")
    assert ran.code == 0
    assert [request.method for request in server.asked] == ["GET", "GET"]


def test_an_applied_suggestion_keeps_what_a_person_entered_and_names_the_version(tmp_path: Path) -> None:
    answers = {"GET mappings": a_list(MAPPING), f"GET mappings/{THING}/suggest": SUGGESTED, f"PATCH mappings/{THING}": MAPPING}
    server = Server(answers)
    assert Desk(tmp_path, server).signed_in().run("plan", "mapping", "suggest", "first", "--apply").code == 0
    assert server.bodies("PATCH")[0]["networks"] == {"VM Network": "by hand", "DMZ": "dmz"}
    assert server.asked[-1].headers["If-Match"] == '"4"'


@pytest.mark.parametrize(
    ("terminal", "argv", "stdin", "started"),
    [(True, (), "yes\n", True), (True, (), "no\n", False), (True, ("--yes",), "", True), (False, (), "", True)],
)
@pytest.mark.parametrize("verb", ["cutover", "rollback"])
def test_a_person_is_asked_before_machines_are_shut_down(
    tmp_path: Path, verb: str, terminal: bool, argv: tuple[str, ...], stdin: str, started: bool
) -> None:
    server = Server({"GET waves": a_list(WAVE), f"POST waves/{THING}/{verb}": a_job()})
    Desk(tmp_path, server, terminal=terminal).signed_in().run("wave", verb, "one", *argv, stdin=stdin)
    assert any(request.method == "POST" for request in server.asked) is started


def test_a_name_that_fits_twice_is_not_guessed(tmp_path: Path) -> None:
    server = Server({"GET waves": a_list(WAVE, {**WAVE, "id": "other"})})
    ran = Desk(tmp_path, server).signed_in().run("wave", "show", "one")
    assert ran.code == 1
    assert "There are 2 waves named one" in ran.err


def test_an_unknown_name_is_answered_with_the_names_there_are(tmp_path: Path) -> None:
    ran = Desk(tmp_path, Server({"GET waves": a_list(WAVE)})).signed_in().run("wave", "show", "two")
    assert "There is: one." in ran.err


def test_evidence_carries_its_value_and_the_hash_of_its_attachment(tmp_path: Path) -> None:
    photo, value = tmp_path / "rack.jpg", tmp_path / "value.json"
    photo.write_bytes(b"jpeg")
    value.write_text('{"switch": "core-a"}')
    made = {"id": "e", "kind": "other"}
    place = f"pools/{THING}/evidence"
    answers = {"GET pools": a_list({"id": THING, "name": "pool01"}), f"POST {place}": made, f"POST {place}/e/file": made}
    server = Server(answers)
    argv = ["--kind", "switch_of_slave", "--who", "Ada", "--value", f"@{value}", "--attachment", str(photo), "--timeout-s", "120"]
    assert Desk(tmp_path, server).signed_in().run("evidence", "add", "pool01", *argv).code == 0
    recorded, handed_in = (request for request in server.asked if request.method == "POST")
    assert handed_in.content == b"jpeg"
    body = json.loads(recorded.content)
    assert body["value"] == {"switch": "core-a"}
    assert body["attachment"] == {"name": "rack.jpg", "sha256": hashlib.sha256(b"jpeg").hexdigest()}
    assert body["timeout_s"] == 120
    assert body["tested_at"].endswith("+00:00")


def test_a_kms_reading_is_sent_byte_for_byte(tmp_path: Path) -> None:
    reading = tmp_path / "kms.json"
    reading.write_bytes(b'{ "a":1.0,\r\n "b": "\xc3\xa4" }')
    host = {"id": THING, "name": "kms01"}
    server = Server({"GET kms/hosts": a_list(host), f"POST kms/hosts/{THING}/readings": a_job(message="KMS01: count 9")})
    ran = Desk(tmp_path, server).signed_in().run("kms", "upload", "kms01", str(reading))
    assert ran.out == "KMS01: count 9\n"
    assert server.asked[-1].content == reading.read_bytes()


def test_a_file_that_says_no_time_is_sent_with_the_time_and_the_computer_told(tmp_path: Path) -> None:
    text = tmp_path / "dlv.txt"
    text.write_bytes(b"\xff\xfeV\x00")
    server = Server({"POST kms/guests/readings": a_job(message="1 guest read.")})
    at = "2026-03-12T10:00:00+01:00"
    ran = Desk(tmp_path, server).signed_in().run("kms", "guest-upload", str(text), "--collected-at", at, "--computer", "app 07")
    assert ran.out == "1 guest read.\n", ran.err
    assert dict(server.asked[-1].url.params) == {"collected_at": at, "computer": "app 07"}
    assert server.asked[-1].content == text.read_bytes()


def test_a_report_is_saved_in_the_forms_its_file_names_ask_for(tmp_path: Path) -> None:
    answers = {
        "POST reports": a_job(result={"report_id": "r1"}),
        "GET reports/r1.pdf": {"a": "pdf"},
        "GET reports/r1.html": {"a": "html"},
    }
    desk = Desk(tmp_path, Server(answers)).signed_in()
    ran = desk.run("report", "readiness", "-o", str(tmp_path / "x.PDF"), "-o", str(tmp_path / "y.html"))
    assert ran.code == 0
    assert json.loads((tmp_path / "x.PDF").read_bytes()) == {"a": "pdf"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.PDF", "xenbound", "y.html"]


def test_a_report_that_cannot_be_fetched_leaves_the_old_file(tmp_path: Path) -> None:
    (tmp_path / "x.pdf").write_text("old")
    answers = {"POST reports": a_job(result={"report_id": "r1"}), "GET reports/r1.pdf": a_problem(409, "report_not_made")}
    ran = Desk(tmp_path, Server(answers)).signed_in().run("report", "readiness", "-o", str(tmp_path / "x.pdf"))
    assert ran.code == 1
    assert (tmp_path / "x.pdf").read_text() == "old"


def test_the_only_project_is_taken_without_being_chosen_but_not_one_of_two(tmp_path: Path) -> None:
    one = {"id": SIGNED_IN.project, "name": "Blue"}
    server = Server({"GET projects": a_list(one), "GET pools": a_list()})
    environ = {"XENBOUND_URL": URL, "XENBOUND_TOKEN": "t"}
    assert Desk(tmp_path, server, environ=environ).run("pool", "list").code == 0
    server.answers["GET projects"] = a_list(one, {"id": "x", "name": "Red"})
    ran = Desk(tmp_path, server, environ=environ).run("pool", "list")
    assert ran.code == 2
    assert "No project is chosen" in ran.err


def test_using_a_project_keeps_its_id_and_the_sign_in(tmp_path: Path) -> None:
    project = {"id": THING, "name": "Blue", "customer_name": "North"}
    desk = Desk(tmp_path, Server({"GET projects": a_list(project)})).signed_in()
    assert desk.run("projects", "use", "Blue").code == 0
    assert f'project = "{THING}"' in desk.config_file.read_text()
    assert SIGNED_IN.token in desk.config_file.read_text()


def test_filters_become_query_parameters(tmp_path: Path) -> None:
    server = Server({"GET findings": a_list()})
    assert Desk(tmp_path, server).signed_in().run("findings", "--rule-id", "DSK-001", "--search", "sql").code == 0
    assert dict(server.asked[0].url.params) == {"limit": "500", "rule_id": "DSK-001", "q": "sql"}
