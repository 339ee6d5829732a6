"""`make demo`: plays the whole story and writes var/demo/summary.json. Exits 0 only when everything went as told.

With `--full` the product runs in full mode on the PostgreSQL and Redis that DATABASE_URL and REDIS_URL name.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import Any

from lab.demo import stage_cutover, stage_estate, stage_files, stage_gate, summary
from lab.demo.client import JobFailed, NotAsTold, Refused
from lab.demo.processes import NotUp
from lab.demo.stage_setup import Cast, open_stage
from lab.demo.story import Story


def main() -> int:
    """Play, tell, sum up. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m lab.demo", description="Play the main job on the lab.")
    parser.add_argument("--full", action="store_true", help="full mode, on DATABASE_URL and REDIS_URL")
    full = parser.parse_args().full
    os.umask(0o077)  # the demonstration's state holds logins and sealed passwords
    story = Story()
    cast: Cast | None = None
    try:
        cast = open_stage(story, full=full)
        target = play(cast)
    except (NotAsTold, NotUp, JobFailed, Refused, TimeoutError) as fault:
        sys.stderr.write(f"The demonstration stopped: {fault}\n")
        return 1
    finally:
        if cast is not None:
            cast.close()
    story.tell(f"summary: {target}")
    story.tell("make up now serves this state at http://127.0.0.1:8000; logins:")
    for name, password in cast.logins.items():
        story.tell(f"  {name} / {password}")
    return 0


def play(cast: Cast) -> str:
    """The acts in their order. Returns the path of the summary."""
    estate = read_estate(cast)
    pool, wave = estate["pool"], estate["planned"]["wave"]
    stage_estate.prepare(cast, wave)
    count = stage_gate.upload_kms(cast)
    first = stage_gate.ask_gate(cast, wave)
    stage_gate.attest_switches(cast, pool)
    trials = stage_gate.pull_plugs(cast, pool)
    stage_gate.answer_questions(cast, wave, first, {package["name"] for package in estate["packages"]})
    stage_gate.accept_risks(cast, wave)
    last = stage_gate.ask_gate(cast, wave)
    _require_story(first, trials, last)
    stage_gate.sign(cast, wave)
    rows = stage_cutover.cut_over(cast, wave, victim=_victim(wave))
    with cast.story.stage("The lab's own bytes") as stage:
        compared = summary.compare_bytes(cast.stagehand, estate["packages"], rows)
        stage.figure = f"{compared} VDI files equal their source disks (SHA-256)"
    report = stage_cutover.write_report(cast)
    figures = _sum_up(cast, estate, rows, first, last, count, report)
    counted = figures["conversions"]
    if counted["done"] + counted["refused"] != counted["total"] or figures["disks"]["verified"] != figures["disks"]["total"]:
        raise NotAsTold(f"not everything arrived: {json.dumps(figures['conversions'])} {json.dumps(figures['disks'])}")
    return str(summary.write(cast.folder, figures))


def read_estate(cast: Cast) -> dict[str, Any]:
    """The estate out of its three sources, and the plan that is made on the first and holds with the others."""
    book = stage_files.read_workbook(cast)
    pool = stage_estate.add_pool(cast)
    drafted = stage_files.plan_on_workbook(cast, pool, book)
    inventory = stage_estate.add_source(cast)
    recognised = stage_files.recognise(cast, book)
    packages = stage_files.receive_appliances(cast, drafted["mapping"])
    planned = stage_estate.plan_wave(cast, pool, drafted["mapping"])
    held = stage_files.compare_plans(cast, drafted, planned, packages)
    sources = summary.source_figures(book, recognised, held, packages)
    return {"pool": pool, "planned": planned, "packages": packages, "inventory": inventory, "sources": sources}


def _victim(wave: dict[str, Any]) -> str:
    """The machine whose source somebody will power on: the last by name, so that the story is the same each time."""
    return max(machine["name"] for machine in wave["machines"])


def _require_story(first: dict[str, Any], trials: list[dict[str, Any]], last: dict[str, Any]) -> None:
    if first["state"] != "closed":
        raise NotAsTold("the gate was open although the timeout had drifted")
    if not trials[0]["fenced"] or any(trial["fenced"] for trial in trials[1:]):
        raise NotAsTold(f"the trials went otherwise than told: {[trial['fenced'] for trial in trials]}")
    if last["state"] != "open":
        raise NotAsTold("the gate stayed closed: " + "; ".join(f"{r['code']}: {r['detail']}" for r in last["reasons"]))


def _sum_up(
    cast: Cast,
    estate: dict[str, Any],
    rows: list[dict[str, Any]],
    first: dict[str, Any],
    last: dict[str, Any],
    count: dict[str, Any],
    report: dict[str, str],
) -> dict[str, Any]:
    return {
        "sources": estate["sources"],
        "inventory": estate["inventory"],
        "conversions": summary.conversions_figures(rows, len(estate["planned"]["plan"]["left_out"])),
        "disks": summary.disk_figures(rows),
        "gate": {"first": first["state"], "reasons": [reason["code"] for reason in first["reasons"]], "last": last["state"]},
        "kms": {"count": count["count"], "server_ok": count["server_ok"], "client_ok": count["client_ok"]},
        "report": report,
        "elapsed_s": round(cast.story.elapsed_s, 1),
    }


if __name__ == "__main__":
    sys.exit(main())
