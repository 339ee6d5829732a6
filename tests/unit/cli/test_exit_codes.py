"""The exit codes: what a script learns, for every way a command can end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.builders.cli import JOB, THING, Desk, Server, a_job, a_list, a_problem

POOL = {"id": THING, "name": "pool01"}
WAVE = {"id": THING, "name": "one", "machines": []}
GATE = {"state": "open", "decided_at": "2026-11-22T19:00:00Z", "reasons": [], "warnings": [], "signed_at": None}
REASON = {"code": "HA-022", "subject": "pool01", "detail": "drifted", "remedy": "set it", "evidence": ""}
READINESS = {"verdict": "ready", "evaluated_at": "2026-11-22T19:00:00Z", "reasons": [], "checks": [], "simulated_faults": []}
KMS = {"state": "ok", "detail": "", "remedy": "", "reasons": [], "hosts": [], "machines_not_seen": [], "duplicates": []}
CHAIN = {"whole": True, "entries": 3, "head": "ab", "broken_at": None, "reason": ""}
GATE_PATH, READY_PATH = f"waves/{THING}/gate", f"pools/{THING}/readiness"
FAILED_JOB = a_job("failed", error={"code": "sr_full", "message": "SR lun is full", "next_step": "make room"})
CLOSED_JOB = a_job("failed", error={"code": "gate_closed", "message": "closed meanwhile", "next_step": ""})

CASES: list[tuple[str, tuple[str, ...], dict[str, Any], int]] = [
    ("a list", ("pool", "list"), {"GET pools": a_list(POOL)}, 0),
    ("a noun alone", ("pool",), {"GET pools": a_list(POOL)}, 0),
    ("a noun alone that has no list", ("readiness",), {}, 2),
    ("a mapping entry without target", ("plan", "mapping", "set", "m", "--network", "x"), {}, 2),
    ("an empty list", ("pool", "list"), {"GET pools": a_list()}, 0),
    ("help", ("--help",), {}, 0),
    ("no command", (), {}, 2),
    ("an unknown command", ("fly",), {}, 2),
    ("an abbreviated option", ("pool", "list", "--js"), {}, 2),
    ("a job id that is none", ("jobs", "show", "17"), {}, 2),
    ("evidence that is no JSON", ("evidence", "add", "p", "--kind", "other", "--who", "A", "--value", "{"), {}, 2),
    ("a report without a form", ("report", "readiness", "-o", "x.doc"), {}, 2),
    ("bad values", ("pool", "list"), {"GET pools": a_problem(400, "invalid")}, 1),
    ("nothing there", ("jobs", "show", JOB), {}, 1),
    ("a name that is unknown", ("readiness", "show", "pool9"), {"GET pools": a_list(POOL)}, 1),
    (
        "a conflict",
        ("plan", "approve", THING),
        {f"GET plans/{THING}": POOL, f"POST plans/{THING}/approve": a_problem(409, "x")},
        1,
    ),
    ("a fault of the server", ("pool", "list"), {"GET pools": a_problem(500, "internal_error")}, 1),
    ("not signed in", ("pool", "list"), {"GET pools": a_problem(401, "not_signed_in")}, 4),
    ("a role too low", ("pool", "list"), {"GET pools": a_problem(403, "role_too_low")}, 4),
    ("throttled", ("pool", "list"), {"GET pools": a_problem(429, "too_many_requests")}, 4),
    ("a busy server", ("pool", "list"), {"GET pools": a_problem(503, "busy")}, 4),
    ("no connection", ("pool", "list"), {"GET pools": httpx.ConnectError("refused")}, 4),
    ("no answer in time", ("pool", "list"), {"GET pools": httpx.ReadTimeout("slow")}, 4),
    ("a page of a proxy", ("pool", "list"), {"GET pools": httpx.Response(200, text="<html>")}, 4),
    ("an error page of a proxy", ("pool", "list"), {"GET pools": httpx.Response(502, text="<html>")}, 4),
    ("a redirect", ("pool", "list"), {"GET pools": httpx.Response(301, headers={"location": "https://x"})}, 4),
    ("a job that failed", ("jobs", "watch", JOB), {f"GET jobs/{JOB}": FAILED_JOB}, 1),
    ("a job that was cancelled", ("jobs", "watch", JOB), {f"GET jobs/{JOB}": a_job("cancelled")}, 1),
    ("a job that met a closed gate", ("jobs", "watch", JOB), {f"GET jobs/{JOB}": CLOSED_JOB}, 3),
    ("an open gate", ("wave", "gate", "one"), {f"POST {GATE_PATH}": a_job(), f"GET {GATE_PATH}": GATE}, 0),
    (
        "a closed gate",
        ("wave", "gate", "one"),
        {f"POST {GATE_PATH}": a_job(), f"GET {GATE_PATH}": {**GATE, "state": "closed", "reasons": [REASON]}},
        3,
    ),
    ("a cutover at a closed gate", ("wave", "cutover", "one"), {f"POST waves/{THING}/cutover": a_problem(409, "gate_closed")}, 3),
    ("a cutover at a stale gate", ("wave", "cutover", "one"), {f"POST waves/{THING}/cutover": a_problem(409, "gate_stale")}, 3),
    ("a cutover", ("wave", "cutover", "one"), {f"POST waves/{THING}/cutover": a_job(result={"left_behind": []})}, 0),
    (
        "a cutover that left a machine behind",
        ("wave", "cutover", "one"),
        {f"POST waves/{THING}/cutover": a_job(result={"conversions": {"done": 1, "failed": 1}, "left_behind": ["sql01"]})},
        1,
    ),
    ("a ready pool", ("readiness", "show", "pool01"), {f"GET {READY_PATH}": READINESS}, 0),
    (
        "a pool with waivers",
        ("readiness", "show", "pool01"),
        {f"GET {READY_PATH}": {**READINESS, "verdict": "ready_with_waivers"}},
        0,
    ),
    ("a pool not ready", ("readiness", "show", "pool01"), {f"GET {READY_PATH}": {**READINESS, "verdict": "not_ready"}}, 3),
    ("a verdict nobody knows", ("readiness", "show", "pool01"), {f"GET {READY_PATH}": {**READINESS, "verdict": "hm"}}, 3),
    ("KMS that holds", ("kms", "verdict"), {"GET kms/verdict": {**KMS, "closes_gate": False}}, 0),
    ("guests on their way", ("kms", "guests"), {"GET kms/guests": {"guests": [{"alarm": "warn"}], "not_linked": []}}, 0),
    ("a guest without licence", ("kms", "guests"), {"GET kms/guests": {"guests": [{"alarm": "critical"}], "not_linked": []}}, 3),
    ("KMS that does not hold", ("kms", "verdict"), {"GET kms/verdict": {**KMS, "closes_gate": True}}, 3),
    ("a whole chain", ("audit", "verify"), {"GET audit/verify": CHAIN}, 0),
    ("a broken chain", ("audit", "verify"), {"GET audit/verify": {**CHAIN, "whole": False, "broken_at": 2}}, 1),
    ("an interrupt", ("pool", "list"), {"GET pools": KeyboardInterrupt()}, 130),
]


@pytest.mark.parametrize(("argv", "answers", "code"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
@pytest.mark.parametrize("as_json", [False, True], ids=["for people", "as json"])
def test_every_ending_has_its_exit_code_and_no_traceback(
    tmp_path: Path, argv: tuple[str, ...], answers: dict[str, Any], code: int, as_json: bool
) -> None:
    server = Server(
        {"GET pools": a_list(POOL), "GET waves": a_list(WAVE), **{key: _again(value) for key, value in answers.items()}}
    )
    desk = Desk(tmp_path, _raising(server)).signed_in()
    ran = desk.run(*argv, *(["--json"] if as_json and argv and argv != ("--help",) else []))
    assert ran.code == code, ran.err
    assert "Traceback" not in ran.err + ran.out


def _again(answer: Any) -> Any:
    """A response can be read once only; the cases are used twice."""
    if not isinstance(answer, httpx.Response):
        return answer
    return httpx.Response(answer.status_code, content=answer.content, headers=dict(answer.headers))


def _raising(server: Server) -> Any:
    def answer(request: httpx.Request) -> httpx.Response:
        path = request.url.path.rpartition("/")[2]
        planned = server.answers.get(f"{request.method} {path}")
        if isinstance(planned, KeyboardInterrupt):
            raise planned
        return server(request)

    return answer


def test_a_refusal_tells_detail_code_errors_and_next_step(tmp_path: Path) -> None:
    wrong = {"field": "url", "code": "not_a_url", "detail": "An endpoint's URL is https://host."}
    problem = a_problem(400, "invalid", "These fields cannot be used: url.", errors=[wrong], next_step="Correct them.")
    ran = Desk(tmp_path, Server({"GET pools": problem})).signed_in().run("pool", "list")
    assert "These fields cannot be used: url. [invalid]" in ran.err
    assert "url: An endpoint's URL is https://host." in ran.err
    assert "next: Correct them." in ran.err
    assert ran.out == ""


def test_a_closed_gate_tells_every_reason_with_its_remedy(tmp_path: Path) -> None:
    refused = a_problem(409, "gate_closed", "The gate is closed for 1 reasons.", reasons=[REASON])
    server = Server({"GET waves": a_list(WAVE), f"POST waves/{THING}/cutover": refused})
    ran = Desk(tmp_path, server).signed_in().run("wave", "cutover", "one")
    assert "HA-022 pool01: drifted" in ran.err
    assert "remedy: set it" in ran.err


def test_json_prints_the_problem_document_of_a_refusal(tmp_path: Path) -> None:
    server = Server({"GET pools": a_problem(403, "role_too_low", role_needed="operator")})
    ran = Desk(tmp_path, server).signed_in().run("pool", "list", "--json")
    assert ran.document["role_needed"] == "operator"


def test_a_failed_job_tells_its_error_and_next_step(tmp_path: Path) -> None:
    ran = Desk(tmp_path, Server({f"GET jobs/{JOB}": FAILED_JOB})).signed_in().run("jobs", "watch", JOB)
    assert "some.work failed: SR lun is full [sr_full]" in ran.err
    assert "next: make room" in ran.err
