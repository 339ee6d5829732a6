"""batch: a file becomes one request; names become ids; what cannot be meant is told before anything is started."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.builders.cli import THING, Desk, Ran, Server, a_job, a_list, a_problem

POOL, MAPPING, APP, DB = ("aaaaaaaa-0000-4000-8000-00000000000" + digit for digit in "1234")
FILE = f"""
name: first night
pool: pool01
mapping: to berlin
conversions:
  - app01
  - vm: {DB}
    sr: slow
    networks: {{VM Network: lan}}
    name: db-new
options:
  parallel: 4
  verify: sampled 10 %
"""
DONE = {"batch_id": THING, "wave_id": THING, "conversions": {"ready": 2}, "left_behind": []}


def a_server(**answers: Any) -> Server:
    named = {
        "GET pools": a_list({"id": POOL, "name": "pool01"}),
        "GET mappings": a_list({"id": MAPPING, "name": "to berlin"}),
        "GET machines": a_list({"id": APP, "name": "app01"}, {"id": DB, "name": "db01"}, {"id": THING, "name": "db01"}),
        "POST batches": a_job(result=DONE),
    }
    return Server({**named, **answers})


def ran(tmp_path: Path, text: str, *options: str, server: Server | None = None) -> tuple[Ran, Server]:
    file = tmp_path / "batch.yaml"
    file.write_text(text, encoding="utf-8")
    server = server or a_server()
    return Desk(tmp_path, server).signed_in().run("batch", "run", str(file), *options), server


def test_a_file_becomes_one_request_with_ids(tmp_path: Path) -> None:
    seen, server = ran(tmp_path, FILE, "--key", "night-1")
    assert seen.code == 0, seen.err
    assert server.bodies() == [
        {
            "name": "first night",
            "pool": POOL,
            "mapping": MAPPING,
            "conversions": [
                {"vm": APP},
                {"vm": DB, "sr": "slow", "networks": {"VM Network": "lan"}, "name": "db-new"},
            ],
            "options": {"parallel": 4, "verify": "sampled 10 %"},
        }
    ]
    assert [request.headers.get("Idempotency-Key") for request in server.asked if request.method == "POST"] == ["night-1"]
    assert "ready=2" in seen.out and "xenbound wave gate" in seen.out


def test_json_prints_what_the_api_gave_and_nothing_else(tmp_path: Path) -> None:
    seen, _ = ran(tmp_path, FILE, "--json")
    assert seen.document["result"] == DONE


def test_machines_that_stayed_behind_or_were_not_begun_are_exit_1(tmp_path: Path) -> None:
    for behind in ({"left_behind": ["app01"]}, {"not_begun": ["db01"]}):
        seen, _ = ran(tmp_path, FILE, server=a_server(**{"POST batches": a_job(result={**DONE, **behind})}))
        assert seen.code == 1
        assert ("stayed behind: app01" in seen.out) or ("not begun: db01" in seen.out)


def test_a_dry_run_tells_its_problems_and_is_exit_1_when_there_are_any(tmp_path: Path) -> None:
    problem = {
        "vm": APP,
        "name": "app01",
        "code": "sr_full",
        "subject": "fast",
        "detail": "SR fast is full.",
        "next_step": "Make room.",
        "unknown": False,
    }
    answer = {"dry_run": True, "accepted": False, "conversions": 2, "problems": [problem]}
    seen, server = ran(tmp_path, FILE, "--dry-run", server=a_server(**{"POST batches": a_job(result=answer)}))
    assert (seen.code, server.bodies()[0]["options"]["dry_run"]) == (1, True)
    assert "would be refused for 1 reason" in seen.out and "app01: SR fast is full. [sr_full]" in seen.out
    good = {"dry_run": True, "accepted": True, "conversions": 2, "problems": []}
    assert ran(tmp_path, FILE, "--dry-run", server=a_server(**{"POST batches": a_job(result=good)}))[0].code == 0


@pytest.mark.parametrize(
    ("status", "code", "exit_code"),
    [(409, "pool_not_collected", 1), (409, "gate_closed", 3), (403, "role_too_low", 4), (400, "invalid", 1), (503, "busy", 4)],
)
def test_a_refusal_has_its_exit_code(tmp_path: Path, status: int, code: str, exit_code: int) -> None:
    assert ran(tmp_path, FILE, server=a_server(**{"POST batches": a_problem(status, code)}))[0].code == exit_code


NO_FILES = [
    ("", "conversions"),
    ("- a\n- b\n", "conversions"),
    ("pool: p\nmapping: m\nconversions: all\n", "conversions"),
    ("mapping: m\nconversions: [a]\n", "pool"),
    ("pool: [1\n", "no YAML"),
    ("a: &a [x]\nb: *a\n", "aliases"),
    ("!!python/object/apply:os.system ['true']\n", "no YAML"),
    ("x" * (4 << 20) + "y", "4 MiB"),
    ("[" * 20_000, "no YAML"),
]


@pytest.mark.parametrize(("text", "told"), NO_FILES)
def test_a_file_that_cannot_be_meant_is_a_usage_error_and_asks_nothing(tmp_path: Path, text: str, told: str) -> None:
    seen, server = ran(tmp_path, text)
    assert (seen.code, server.asked) == (2, [])
    assert told in seen.err and "Traceback" not in seen.err


def test_a_file_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    seen = Desk(tmp_path, a_server()).signed_in().run("batch", "run", str(tmp_path / "none.yaml"))
    assert (seen.code, "cannot be read" in seen.err) == (2, True)


def test_machines_that_cannot_be_told_are_all_named_and_nothing_is_started(tmp_path: Path) -> None:
    seen, server = ran(tmp_path, "pool: pool01\nmapping: to berlin\nconversions: [db01, nobody, app01]\n")
    assert seen.code == 1
    assert "db01 (2 of this name)" in seen.err and "nobody (not in the project)" in seen.err
    assert server.bodies() == []


def test_a_file_of_ids_alone_reads_no_list_of_machines(tmp_path: Path) -> None:
    _, server = ran(tmp_path, f"pool: {POOL}\nmapping: {MAPPING}\nconversions: [{APP}]\n", server=a_server(
        **{f"GET pools/{POOL}": {"id": POOL}, f"GET mappings/{MAPPING}": {"id": MAPPING}}
    ))  # fmt: skip
    assert not any("machines" in path for path in server.paths())


def test_a_batch_comes_from_standard_input_too_and_dates_stay_names(tmp_path: Path) -> None:
    server = a_server(**{"GET machines": a_list({"id": APP, "name": "2026-11-27"})})
    text = json.dumps({"pool": "pool01", "mapping": "to berlin", "conversions": ["2026-11-27"]}).replace(
        '"2026-11-27"', "2026-11-27"
    )
    seen = Desk(tmp_path, server).signed_in().run("batch", "run", "-", stdin=text)
    assert (seen.code, server.bodies()[0]["conversions"]) == (0, [{"vm": APP}])


PROGRESS = {"states": {"failed": 1}, "conversions": 1, "disks": 1, "disks_verified": 0, "bytes_total": 1 << 30, "bytes_copied": 0}
FAILED = {
    "name": "app01",
    "state": "failed",
    "step_title": "x",
    "bytes_copied": 0,
    "bytes_total": 1,
    "error": {"message": "full"},
}
BATCH = {
    "id": THING,
    "name": "night",
    "state": "failed",
    "wave_id": THING,
    "problems": [],
    "progress": PROGRESS,
    "conversions": [FAILED],
}


def test_a_batch_is_shown_and_its_failed_machines_are_taken_up_again(tmp_path: Path) -> None:
    answers = {"GET batches": a_list(BATCH), f"GET batches/{THING}": BATCH, f"POST batches/{THING}/retry": a_job(result=DONE)}
    shown = Desk(tmp_path, Server(answers)).signed_in().run("batch", "show", "night")
    assert (shown.code, "app01" in shown.out, "full" in shown.out) == (0, True, True)
    assert Desk(tmp_path, Server(answers)).signed_in().run("batch", "retry", "night").code == 0
    assert "night" in Desk(tmp_path, Server(answers)).signed_in().run("batch").out


def test_what_was_left_in_a_pool_is_shown_and_removed_only_when_asked(tmp_path: Path) -> None:
    listed = a_job(
        result={"leftovers": [{"name": "app01", "state": "cancelled", "objects": [1, 2], "verdict": "remove", "why": "x"}]}
    )
    swept = a_job(result={"removed": [{"name": "app01", "uuid": "u"}], "refused": [], "not_removable": []})
    server = a_server(**{"POST leftovers": listed, "POST leftovers/remove": swept})
    shown = Desk(tmp_path, server).signed_in().run("conversions", "leftovers", "pool01")
    assert (shown.code, "app01" in shown.out, server.bodies()) == (0, True, [{"pool": POOL}])
    removed = Desk(tmp_path, server).signed_in().run("conversions", "leftovers", "pool01", "--remove")
    assert (removed.code, "1 object removed" in removed.out) == (0, True)
    assert server.bodies()[-1] == {"listing": listed["id"]}
