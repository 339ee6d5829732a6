"""`make demo` as a whole: its exit status, its summary, the bytes it moved, and logs that give no secret away.

Played once per session in the mode the tests run in: embedded, or full on PostgreSQL, Redis and Celery workers.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
TEXT_LIMIT_BYTES = 50 << 20


@dataclass(frozen=True)
class Played:
    """One demonstration: where it left its state, what it printed, what it summed up."""

    folder: Path
    output: str
    summary: dict[str, Any]


@pytest.fixture(scope="session")
def played(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Played:
    """The demonstration, played by whichever test process comes first; the others wait for it and read what it left."""
    shared = tmp_path_factory.getbasetemp() if worker_id == "master" else tmp_path_factory.getbasetemp().parent
    var = shared / "demonstration"
    var.mkdir(exist_ok=True)
    told = var / "told.txt"
    with (shared / "demonstration.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not told.exists():
            told.write_text(play(var))
    output = told.read_text()
    assert (var / "demo" / "summary.json").exists(), output[-6000:]
    return Played(var / "demo", output, json.loads((var / "demo" / "summary.json").read_text()))


def play(var: Path) -> str:
    """Run the demonstration; what it printed, with its exit status at the end."""
    full = ["--full"] if os.environ.get("REDIS_URL") else []
    environment = {**os.environ, "XENBOUND_VAR": str(var), "DATABASE_URL": own_database() if full else ""}
    command = [sys.executable, "-m", "lab.demo", *full]
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=400, check=False)
    return f"{run.stdout}{run.stderr}\nexit status {run.returncode}\n"


def own_database() -> str:
    """A database of its own for the demonstration, so that it does not meet the rows of other tests."""
    import psycopg

    url = os.environ["DATABASE_URL"]
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS demonstration WITH (FORCE)")
        connection.execute("CREATE DATABASE demonstration")
    return url.rsplit("/", 1)[0] + "/demonstration"


def test_the_demo_tells_the_whole_story(played: Played) -> None:
    assert played.output.endswith("exit status 0\n")
    summary = played.summary
    assert summary["inventory"] == {"hosts": 4, "vms": 12, "disks": 15}
    assert summary["conversions"] == {"total": 14, "done": 11, "failed": 0, "refused": 3}
    assert summary["gate"]["first"] == "closed"
    assert {"HA-022", "HA-026", "RISK-ORIGINAL-MAY-RUN"} <= set(summary["gate"]["reasons"])
    assert summary["gate"]["last"] == "open"
    assert summary["kms"] == {"count": 9, "server_ok": True, "client_ok": False}


def test_workbook_vcenter_and_appliances_are_one_estate(played: Played) -> None:
    workbook = played.summary["sources"]["workbook"]
    assert (workbook["hosts"], workbook["vms"], workbook["disks"]) == (4, 12, 15)
    assert sum(workbook["verdicts"].values()) == 12 and "ready" not in workbook["verdicts"]
    assert (workbook["known_again"], workbook["planned_as_before"]) == (12, 10)
    assert played.summary["sources"]["packages"] == {"machines": 2}
    assert re.search(r"arrive as OVA files: proxy01\.ova .* ticket01\.ova .* 14 machines now", played.output)


def test_every_disk_is_proven_and_most_of_the_empty_space_stays_at_home(played: Played) -> None:
    disks = played.summary["disks"]
    assert disks["total"] == disks["verified"] == 14
    assert disks["bytes_sent"] < disks["bytes_total"] // 3
    assert "14 VDI files equal their source disks" in played.output


def test_the_reports_are_what_their_names_say(played: Played) -> None:
    report = played.summary["report"]
    assert Path(report["pdf"]).read_bytes().startswith(b"%PDF-")
    assert "Would high availability hold in pool01?" in Path(report["html"]).read_text()


def test_a_killed_worker_and_a_source_that_ran_again_are_part_of_it(played: Played) -> None:
    assert re.search(r"killed with -9 in mid-copy: worker \d+ at \S+; worker (\d+|another) took the copy up", played.output)
    assert "The copy of web02 is stale" in played.output


def secrets_of(played: Played) -> set[str]:
    """Every password of the lab and of the people, and the control desk's token."""
    described = json.loads((played.folder / "lab" / "lab.json").read_text())
    logins = re.findall(r"^\s+(?:operator|approver|admin) / (\S+)$", played.output, re.MULTILINE)
    assert len(logins) == 3
    return {described["vcenter"]["password"], described["pool"]["password"], described["control"]["token"], *logins}


def test_no_log_of_the_demo_contains_a_password_or_a_token(played: Played) -> None:
    secrets = secrets_of(played)
    logs = [path for path in played.folder.rglob("*.log") if path.stat().st_size < TEXT_LIMIT_BYTES]
    assert any(path.stat().st_size for path in logs)
    for path in logs:
        text = path.read_text(errors="replace")
        for secret in secrets:
            assert secret not in text, f"{path.name} contains a secret"
        assert not re.search(r"Bearer \w{8,}|session_id=(?!\[|\*)\S{8,}|vmware_soap_session=\"?\w{8,}", text), path.name


def test_the_stored_state_holds_passwords_only_sealed(played: Played) -> None:
    secrets = [secret.encode() for secret in secrets_of(played)]
    for path in (played.folder / "site").glob("xenbound.sqlite3*"):
        content = path.read_bytes()
        assert not any(secret in content for secret in secrets), f"{path.name} contains a password in clear"
