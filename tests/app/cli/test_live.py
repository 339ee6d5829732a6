"""Commands against the product's own API on a live server: what it answers today is what the command understands."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from lab.kms_sim.dns import DnsServer
from lab.kms_sim.winrm import Site, WinRmServer
from lab.tls import make_certificate
from lab.worlds import kms as world
from project.backbone import clock
from project.backbone.models import Job
from tests.app.cli.conftest import DeskOf
from tests.builders.conversions import a_wave
from tests.builders.estate import a_disk, a_nic, a_vm
from tests.builders.evidence import full_evidence
from tests.builders.inventory import a_pool_row, a_source, an_inventory
from tests.builders.kms import day, named, script_event, script_output, weekly
from tests.builders.people import PASSWORD, People, with_password
from tests.builders.planning import a_target_pool
from tests.builders.pools import NOW, a_pool
from tests.builders.readiness import a_confirmed_pool, attested, collected
from tests.builders.slmgr import host_text
from xenbound_cli import config
from xenbound_cli.commands import inventories

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).resolve().parents[3]


def test_signing_in_working_and_signing_out(live_server: Any, people: People, desk_of: DeskOf) -> None:
    desk = desk_of("owner")
    token = config.read(desk.config_file).token
    assert "owner at" in desk.run("whoami").out
    assert "Blue" in desk.run("projects", "list").out
    assert desk.run("projects", "use", "Blue").code == 0
    assert "The chain is whole" in desk.run("audit", "verify").out
    assert desk.run("logout").code == 0
    assert desk.run("projects", "list").code == 4
    answer = httpx.get(f"{live_server.url}/api/v1/projects", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401


def test_a_wrong_password_is_refused_in_the_servers_words(live_server: Any, people: People, desk_of: DeskOf) -> None:
    desk = desk_of("owner")
    ran = desk.run("login", live_server.url, "--username", "owner", stdin="wrong\n")
    assert ran.code == 4
    assert "User name or password is wrong. [wrong_credentials]" in ran.err


def test_roles_and_foreign_projects_end_as_the_server_says(people: People, desk_of: DeskOf) -> None:
    pool = a_confirmed_pool(people)
    stranger = desk_of("stranger")
    assert stranger.run("pool", "list").code == 1
    assert "not_found" in stranger.run("pool", "list").err
    too_low = desk_of("owner").run("projects", "create", "Green", "--customer", "Somebody")
    assert (too_low.code, "role_too_low" in too_low.err) == (4, True)
    assert desk_of("owner").run("wave", "show", str(pool.id)).code == 1


def test_json_is_the_apis_own_answer(live_server: Any, people: People, desk_of: DeskOf) -> None:
    an_inventory(a_source(people.project), a_vm("app", nics=(a_nic(0),)))
    desk = desk_of("owner")
    headers = {"Authorization": f"Bearer {config.read(desk.config_file).token}"}
    for name in ("sources", "machines", "findings"):
        answer = httpx.get(f"{live_server.url}/api/v1/projects/{people.project.id}/{name}?limit=500", headers=headers)
        command = ["source", "list"] if name == "sources" else [name]
        assert desk.run(*command, "--json").document == answer.json()


def test_a_source_is_added_and_its_password_stays_secret(people: People, desk_of: DeskOf) -> None:
    desk = desk_of("owner")
    added = desk.run("source", "add", "https://vc.example", "--username", "u", "--name", "vc", stdin="s3cret-of-vc\n")
    assert added.code == 0
    assert "https://vc.example" in desk.run("source", "list").out
    assert "s3cret-of-vc" not in desk.run("source", "list", "--json").out + added.out
    assert desk.run("source", "collect", "vc").code == 1
    assert "pins_not_confirmed" in desk.run("source", "collect", "vc").err


def test_a_plan_is_made_from_a_suggested_mapping_and_its_cutover_meets_a_closed_gate(people: People, desk_of: DeskOf) -> None:
    an_inventory(a_source(people.project), a_vm("app", nics=(a_nic(0),)))
    a_pool_row(people.project, a_target_pool())
    owner, teammate = desk_of("owner"), desk_of("teammate")
    pool = owner.run("pool", "list", "--json").document["results"][0]["name"]
    assert owner.run("plan", "mapping", "create", "--pool", pool, "--name", "m").code == 0
    applied = owner.run("plan", "mapping", "suggest", "m", "--apply")
    assert "Written into m." in applied.out
    assert owner.run("plan", "mapping", "set", "m", "--network", "VM Network=LAN", "--datastore", "san-a=fast").code == 0
    assert "complete" in owner.run("plan", "mapping", "gaps", "m").out
    assert "VM Network" in owner.run("plan", "mapping", "show", "m").out
    for given in (["--guest-id", "debian12_64Guest"], ["--cores-per-socket", "2"]):
        said = owner.run("plan", "mapping", "override", "m", "app", *given)
    assert (said.code, said.out.strip()) == (0, "app: guest_id debian12_64Guest, cores_per_socket 2")
    refused = owner.run("plan", "mapping", "override", "m", "app", "--firmware", "coreboot")
    assert refused.code != 0 and "firmware" in refused.err
    assert owner.run("plan", "mapping", "override", "m", "app").code == 2
    made = owner.run("plan", "create", "--pool", pool, "--mapping", "m", "--name", "p", "--machine", "app")
    assert made.code == 0, made.err
    assert "Plan p is draft" in made.out
    assert owner.run("plan", "approve", "p").code == 4
    assert teammate.run("plan", "approve", "p").code == 0
    assert "approved by teammate" in owner.run("plan", "show", "p", "--why").out
    wave = owner.run("wave", "list", "--json").document["results"][0]["id"]
    refused = owner.run("wave", "cutover", wave)
    assert (refused.code, "gate_closed" in refused.err) == (3, True)
    assert owner.run("conversions", "list").code == 0


def test_readiness_is_not_ready_before_and_ready_after_the_evidence(people: People, desk_of: DeskOf) -> None:
    with clock.frozen(NOW):
        pool = a_confirmed_pool(people)
        collected(pool, replace(a_pool(), collected_at=NOW - timedelta(minutes=10)))
        desk = desk_of("owner")
        assert desk.run("readiness", "show", "pool01").code == 1
        before = desk.run("readiness", "evaluate", "pool01", "--no-collect")
        assert (before.code, "is not ready" in before.out) == (3, True)
        attested(people, pool, full_evidence(a_pool()))
    with clock.frozen(NOW + timedelta(minutes=1)):
        after = desk.run("readiness", "evaluate", "pool01", "--no-collect")
        assert after.code == 0, after.out
        assert desk.run("readiness", "show", "pool01", "--all").code == 0


def test_evidence_is_recorded_and_bad_evidence_named_by_field(people: People, desk_of: DeskOf) -> None:
    with clock.frozen(NOW):
        collected(a_confirmed_pool(people), replace(a_pool(), collected_at=NOW))
        desk = desk_of("owner")
        argv = ["evidence", "add", "pool01", "--who", "Ada", "--tested-at", (NOW - timedelta(hours=1)).isoformat()]
        switch = ["--kind", "switch_of_slave", "--subject", "xen-h1/eth0"]
        added = desk.run(*argv, *switch, "--value", '{"switch": "sw-a"}')
        assert added.code == 0, added.err
        assert "switch=sw-a" in desk.run("evidence", "list", "pool01").out
        refused = desk.run(*argv, *switch)
        assert (refused.code, "value" in refused.err) == (1, True)


def test_the_file_that_shows_evidence_goes_with_it(people: People, desk_of: DeskOf, tmp_path: Path, settings: Any) -> None:
    settings.VAR_DIR = tmp_path
    photo = tmp_path / "console.pdf"
    photo.write_bytes(b"%PDF-1.7")
    with clock.frozen(NOW):
        collected(a_confirmed_pool(people), replace(a_pool(), collected_at=NOW))
        argv = ["evidence", "add", "pool01", "--kind", "other", "--who", "Ada", "--tested-at", NOW.isoformat()]
        argv += ["--json", "--attachment"]
        added = desk_of("owner").run(*argv, str(photo))
        assert (added.code, json.loads(added.out)["file_stored"]) == (0, True), added.err
        (tmp_path / "console.exe").write_bytes(b"MZ")
        refused = desk_of("owner").run(*argv, str(tmp_path / "console.exe"))
        assert (refused.code, json.loads(refused.out)["code"]) == (1, "attachment_refused")


def test_a_kms_reading_is_uploaded_counted_and_judged(people: People, desk_of: DeskOf, tmp_path: Path) -> None:
    contacts = weekly(named("s", 9), until=35)
    asked = [(contact, (contact.seen_at - day(0)) / timedelta(days=1)) for contact in contacts]
    events = [script_event(contact.machine_name.split(".")[0], at, contact.required_count) for contact, at in asked]
    (tmp_path / "kms.json").write_text(json.dumps(script_output(35, events, 9)))
    with clock.frozen(day(35)):
        desk = desk_of("owner")
        assert desk.run("kms", "verdict").code == 3
        assert desk.run("kms", "add", "KMS01").code == 0
        uploaded = desk.run("kms", "upload", "kms01", str(tmp_path / "kms.json"))
        assert uploaded.code == 0, uploaded.err
        (tmp_path / "dlv.txt").write_text(host_text(count="9").replace("3/12/2026", "4/5/2026"))
        untimed = desk.run("kms", "upload", "KMS01", str(tmp_path / "dlv.txt"))
        assert (untimed.code, "collected_at" in untimed.err) == (1, True), untimed.err
        timed = desk.run("kms", "upload", "KMS01", str(tmp_path / "dlv.txt"), "--collected-at", day(35).isoformat())
        assert (timed.code, timed.out) == (0, "KMS01: count 9, 0 requests in the log.\n"), timed.err
        assert "servers: Stay with KMS on KMS01." in desk.run("kms", "recommend").out
        assert "No Windows machine" in desk.run("kms", "guests").out
        assert "count" in desk.run("kms", "count", "KMS01").out
        assert desk.run("kms", "count", "KMS01", "--json").document["count"] == 9
        projected = desk.run("kms", "forecast", "KMS01", "--days", "40")
        assert projected.code == 0
        assert "LOWER" in projected.out
        drawn = desk.run("kms", "chart", "KMS01", "--svg", str(tmp_path / "kms.svg"))
        assert "OBSERVED" in drawn.out and "in the next 45 days at worst 9" in drawn.out, drawn.err
        assert (tmp_path / "kms.svg").read_text().startswith("<svg")
        assert desk.run("kms", "verdict", "--wave", "00000000-0000-4000-8000-000000000000").code != 0
        assert desk.run("kms", "verdict").code == 0
        assert desk.run("kms", "network-settings").code == 2
        with DnsServer({("_vlmcs._tcp.corp.example", "SRV"): ["0 0 1688 gone.corp.example."]}) as zone:
            told = desk.run("kms", "network-settings", "--domain", "corp.example", "--resolver", zone.resolver)
            assert told.code == 0, told.err
            looked = desk.run("kms", "look")
        assert "kms_srv_stale" in looked.out and "gone.corp.example" in looked.out, looked.err


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
def test_a_kms_host_is_collected_over_winrm(people: People, desk_of: DeskOf, tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path / "kms01", "kms01.corp.example", ["127.0.0.1"])
    site = Site(reading=lambda: json.dumps(world.reading(1, (), clock.now())), users={"LAB\\reader": "typed secret"})
    with WinRmServer(site, certificate, tmp_path) as server:
        desk = desk_of("owner")
        desk.run("kms", "add", "kms01")
        shown = desk.run("kms", "winrm", "kms01", "--address", server.url, "--username", "LAB\\reader", stdin="typed secret\n")
        assert shown.code == 0 and "kms probe kms01" in shown.out, shown.err
        assert certificate.sha256_fingerprint in desk.run("kms", "probe", "kms01").out
        assert desk.run("kms", "collect", "kms01").code != 0, "nobody confirmed its certificate"
        assert desk.run("kms", "confirm", "kms01", "--sha256", certificate.sha256_fingerprint).code == 0
        collected = desk.run("kms", "collect", "kms01")
        assert collected.code == 0 and "count 6" in collected.out, collected.err
        assert desk.run("kms", "stop", "kms01").code == 0
    assert "typed secret" not in shown.out + shown.err + collected.out


def test_a_report_is_made_and_saved(people: People, desk_of: DeskOf, tmp_path: Path) -> None:
    desk = desk_of("owner")
    ran = desk.run("report", "readiness", "-o", str(tmp_path / "r.html"), "-o", str(tmp_path / "r.pdf"))
    assert ran.code == 0, ran.err
    assert (tmp_path / "r.pdf").read_bytes().startswith(b"%PDF-")
    assert "<html" in (tmp_path / "r.html").read_text()
    assert desk.run("report", "kms", "-o", str(tmp_path / "k.xlsx")).code == 0
    assert (tmp_path / "k.xlsx").read_bytes().startswith(b"PK")


def test_jobs_are_listed_shown_watched_and_cancelled(people: People, desk_of: DeskOf) -> None:
    desk = desk_of("owner")
    asked = desk.run("report", "readiness", "-o", str(desk.home / "r.html"))
    assert asked.code == 0
    job = str(Job.objects.get().pk)
    assert job in desk.run("jobs", "list").out
    assert desk.run("jobs", "watch", job).code == 0
    assert "succeeded" in desk.run("jobs", "show", job).out
    assert desk.run("jobs", "cancel", job).code in (0, 1)


def test_a_waiver_is_asked_for_by_one_and_accepted_by_another(people: People, desk_of: DeskOf) -> None:
    owner, teammate = desk_of("owner"), desk_of("teammate")
    until = (clock.now() + timedelta(days=7)).isoformat()
    wave = f"wave:{a_wave(people.project).pk}"
    argv = ["--check", "RISK-BOOT-NOT-PROVEN", "--subject", wave, "--reason", "rehearsed", "--expires-at", until]
    waiver = owner.run("waiver", "request", *argv, "--json").document["id"]
    assert owner.run("waiver", "approve", waiver).code == 4
    assert teammate.run("waiver", "approve", waiver).code == 0
    assert "in_force" in owner.run("waiver", "list").out


def test_the_command_runs_as_a_process_of_its_own(live_server: Any, people: People, tmp_path: Path) -> None:
    with_password(people.owner)
    environ = {**os.environ, "PYTHONPATH": str(ROOT / "cli"), "XDG_CONFIG_HOME": str(tmp_path), "LC_ALL": "C"}
    environ.pop("DJANGO_SETTINGS_MODULE", None)

    def xenbound(*argv: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "xenbound_cli", *argv]
        return subprocess.run(
            command, input=stdin, capture_output=True, text=True, env=environ, cwd=tmp_path, timeout=60, check=False
        )

    signed_in = xenbound("login", live_server.url, "--username", "owner", stdin=f"{PASSWORD}\n")
    assert signed_in.returncode == 0, signed_in.stderr
    assert (tmp_path / "xenbound" / "config.toml").stat().st_mode & 0o777 == 0o600
    assert xenbound("whoami").stdout.startswith("owner at ")
    assert xenbound("pool", "list", "--json").returncode == 0
    assert xenbound("readiness").returncode == 2
    assert xenbound("--url", "http://127.0.0.1:9", "pool", "list").returncode == 4


def test_a_rule_of_ones_own_is_tried_added_and_switched_off(people: People, desk_of: DeskOf, tmp_path: Path) -> None:
    an_inventory(a_source(people.project), a_vm("bare", nics=(a_nic(0),), custom_values=()))
    file = tmp_path / "backup.toml"
    file.write_text(
        'id = "OWN-BACKUP"\nfield = "custom_values.Backup"\ncomparison = "is_not_set"\nseverity = "warning"\n'
        'title = "No backup plan"\nwhy = "Lost for good."\nremediation = "Name the plan."\n'
    )
    desk = desk_of("owner")
    assert "true on 1, unknown on 0" in desk.run("rules", "try", str(file)).out
    assert desk.run("rules", "add", str(file)).code == 0
    assert [row["id"] for row in desk.run("rules", "list", "--own", "--json").document["results"]] == ["OWN-BACKUP"]
    assert desk.run("rules", "off", "OWN-BACKUP").code == 0
    assert desk.run("rules", "list", "--own", "--json").document["results"] == []
    assert "disks[].capacity_bytes" in desk.run("rules", "fields").out
    file.write_text("id = ")
    assert desk.run("rules", "add", str(file)).code == 2
    file.write_text('id = "OWN-X"\n')
    refused = desk.run("rules", "add", str(file))
    assert (refused.code, "comparison" in refused.err) == (1, True)


def test_the_estate_goes_out_as_a_workbook_and_comes_back(people: People, desk_of: DeskOf, tmp_path: Path) -> None:
    an_inventory(a_source(people.project), a_vm("app", nics=(a_nic(0),)))
    file = tmp_path / "estate.xlsx"
    desk = desk_of("owner")
    assert desk.run("estate", "export", str(file)).code == 0
    assert desk.run("estate", "export", str(file)).code == 2
    ran = desk.run("estate", "import", str(file), "--dry-run")
    assert (ran.code, "0 machines decided" in ran.out, "nothing was written" in ran.out) == (0, True, True)
    assert desk.run("questions", "export", str(tmp_path / "q.xlsx")).code == 0
    assert desk.run("questions", "import", str(tmp_path / "q.xlsx"), "--json").document["statements"] == 0
    file.write_bytes(b"junk")
    refused = desk.run("estate", "import", str(file))
    assert (refused.code, "save it as a plain .xlsx workbook" in refused.err) == (1, True), refused.err


def test_what_changed_between_two_inventories_is_told(people: People, desk_of: DeskOf) -> None:
    source = a_source(people.project, name="vc1")
    an_inventory(source, a_vm("old"), a_vm("db", vcpus=2, disks=(a_disk(),)))
    desk = desk_of("owner")
    alone = desk.run("inventories", "diff")
    assert (alone.code, "no earlier inventory of vc1" in alone.err) == (1, True)
    second = replace(a_disk(), device_key=2001, label="Hard disk 2", capacity_bytes=40 << 30)
    an_inventory(source, a_vm("new"), a_vm("db", vcpus=8, disks=(a_disk(), second)))
    ran = desk.run("inventories", "diff")
    assert ran.code == 0, ran.err
    rows = [line.split() for line in ran.out.splitlines()]
    assert rows[1:4] == [
        ["vm", "new", "added", "-", "-", "-"],
        ["vm", "old", "gone", "-", "-", "-"],
        ["disk", "db", "added", "Hard", "disk", "2", "-", "40.0", "GiB", "[san-a]", "app/app_0.vmdk"],
    ]
    assert rows[4] == ["vm", "db", "changed", "vcpus", "2", "8"]
    assert "3 objects; in all vm: 1 added, vm: 1 gone, vm: 1 changed, disk: 1 changed." in ran.out
    assert "1 object" in desk.run("inventories", "diff", "vc1", "--kind", "disk").out
    assert "vc1" in desk.run("inventories", "list").out
    assert desk.run("inventories", "diff", "--to", "x").code == 2
    assert desk.run("inventories", "diff", "nowhere").code == 1


def test_a_difference_of_many_pages_is_one_document(people: People, desk_of: DeskOf, monkeypatch: pytest.MonkeyPatch) -> None:
    source = a_source(people.project)
    for vcpus in (1, 2):
        an_inventory(source, *(a_vm(f"m{number}", vcpus=vcpus) for number in range(7)))
    monkeypatch.setattr(inventories, "PAGE", 3)
    whole = desk_of("owner").run("inventories", "diff", "--json").document
    assert ([row["name"] for row in whole["changed"]], whole["next"], whole["count"]) == ([f"m{n}" for n in range(7)], None, 7)


def test_receivers_of_notices_are_added_tested_and_removed(live_server: Any, people: People, desk_of: DeskOf) -> None:
    desk = desk_of("admin")
    where = "https://127.0.0.1:1/hook"
    refused = desk.run("notices", "add-webhook", where, "--name", "ops", "--event", "alarm.opened")
    assert refused.code == 1 and "this machine itself" in refused.err
    added = desk.run("notices", "add-webhook", "https://hooks.example.org/x", "--name", "ops", "--event", "alarm.opened")
    assert added.code == 0 and "signing secret, shown this once: " in added.out, added.err
    secret = added.out.rpartition(": ")[2].strip()
    listed = desk.run("notices", "list")
    assert "ops" in listed.out and secret not in listed.out
    mail = desk.run("notices", "add-mail", "a@example.org", "--name", "mail", "--event", "alarm.closed")
    assert mail.code == 1 and "mail_not_configured" in mail.err
    assert desk_of("owner").run("notices", "remove", "ops").code == 4, "only an administrator says who is told"
    assert desk.run("notices", "remove", "ops").code == 0
    assert "ops" not in desk.run("notices", "list").out
    assert desk.run("notices", "deliveries").code == 0
