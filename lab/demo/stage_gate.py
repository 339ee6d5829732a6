"""Second act: would high availability hold? The gate is closed, plugs are pulled, evidence is recorded, the gate opens."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from lab.demo.stage_setup import Cast

NODES = {"san-a": "10.20.0.201", "san-b": "10.20.0.202"}
TUNED_S = 120
UNANSWERED = "unanswered:"


def upload_kms(cast: Cast) -> dict[str, Any]:
    """Upload the KMS host's reading as its collection script printed it; returns the count."""
    operator = cast.operator
    with cast.story.stage("KMS activations") as stage:
        host = operator.post("./kms/hosts", {"name": cast.described["kms"]["name"]})
        reading = json.loads(Path(cast.described["kms"]["reading_file"]).read_text())
        operator.run(f"./kms/hosts/{host['id']}/readings", reading)
        count = operator.get(f"./kms/hosts/{host['id']}/count")
        stage.figure = f"count {count['count']}: servers {'activate' if count['server_ok'] else 'do not activate'}"
    return dict(count)


def ask_gate(cast: Cast, wave: dict[str, Any]) -> dict[str, Any]:
    """Ask the gate and return its answer."""
    with cast.story.stage("The gate is asked") as stage:
        cast.operator.run(f"./waves/{wave['id']}/gate")
        answer = cast.operator.get(f"./waves/{wave['id']}/gate")
        stage.figure = f"{answer['state']}" + (f", {len(answer['reasons'])} reasons" if answer["reasons"] else "")
    for reason in answer["reasons"]:
        cast.story.tell(f"{reason['code']}: {reason['detail']}")
    return dict(answer)


def attest_switches(cast: Cast, pool: dict[str, Any]) -> None:
    """A person walked to the rack: which switch each bond member is plugged into, which storage nodes serve the heartbeat SR."""
    facts = cast.operator.get(f"./pools/{pool['id']}/facts")["facts"]
    devices = {pif["uuid"]: pif["device"] for pif in facts["pifs"]}
    bonds = [sorted(bond["slave_pif_uuids"], key=lambda uuid: devices[uuid]) for bond in facts["bonds"]]
    slaves = [(uuid, n) for bond in bonds for n, uuid in enumerate(bond)]
    with cast.story.stage("Switches attested at the rack") as stage:
        for uuid, n in slaves:
            record_evidence(cast, pool, "switch_of_slave", uuid, {"switch": "core-switch-b" if n % 2 else "core-switch-a"})
        nodes = [{"name": node, "portals": [address]} for node, address in NODES.items()]
        record_evidence(cast, pool, "storage_nodes", "", {"nodes": nodes})
        stage.figure = f"{len(slaves)} bond members on two switches; the heartbeat SR on {' and '.join(NODES)}"


def pull_plugs(cast: Cast, pool: dict[str, Any]) -> list[dict[str, Any]]:
    """Trials at 60 s and, after a person set it, at 120 s on both nodes. Every trial becomes evidence."""
    trials = []
    with cast.story.stage("Pull storage node san-a at 60 s") as stage:
        seen = _trial(cast, pool, "san-a", 60)
        stage.figure = f"{', '.join(seen['fenced']) or 'no host'} fenced"
        trials.append(seen)
    cast.story.tell(
        "a person re-enables HA with 120 s on the console: xe pool-ha-disable; xe pool-ha-enable … ha-config:timeout=120"
    )
    cast.stagehand.set_ha(TUNED_S)
    for node in NODES:
        with cast.story.stage(f"Pull storage node {node} at {TUNED_S} s") as stage:
            seen = _trial(cast, pool, node, TUNED_S)
            fenced = ", ".join(seen["fenced"]) or "no host"
            stage.figure = f"{fenced} fenced; the statefile was away for at most {seen['max_latency_s']:.0f} s"
            trials.append(seen)
    return trials


def _trial(cast: Cast, pool: dict[str, Any], node: str, timeout_s: int) -> dict[str, Any]:
    seen = cast.stagehand.pull_storage_node(node)
    value = {
        "method": "hard_power_cycle",
        "watched_hosts": [host["name"] for host in cast.operator.get(f"./pools/{pool['id']}/facts")["facts"]["hosts"]],
        "fenced_hosts": seen["fenced"],
        "statefile_lost": seen["statefile_lost"],
        "max_latency_s": seen["max_latency_s"],
        "failover_s": seen["failover_s"],
        "mirror_in_sync": True,
    }
    record_evidence(cast, pool, "failover_test", node, value, timeout_s=timeout_s, storage_node=node)
    return seen


def record_evidence(cast: Cast, pool: dict[str, Any], kind: str, subject: str, value: dict[str, Any], **bound: Any) -> None:
    """One fact a person attests, bound to what it was tested at."""
    now = datetime.now(UTC)
    body = {"kind": kind, "subject": subject, "value": value, "tested_at": now.isoformat(), "who": "operator, at the rack"}
    cast.operator.post(f"./pools/{pool['id']}/evidence", {**body, "expires_at": (now + timedelta(days=90)).isoformat(), **bound})


def answer_questions(cast: Cast, wave: dict[str, Any], answer: dict[str, Any], appliances: set[str]) -> None:
    """What no source could tell: who knows the systems answers in bulk; the approver accepts the rest by name.

    `appliances` are the names of machines out of packages: what a descriptor leaves open, those who built them know.
    """
    rules = [reason["code"].removeprefix(UNANSWERED) for reason in answer["reasons"] if reason["code"].startswith(UNANSWERED)]
    machines = {machine["vm"]: machine["name"] for machine in wave["machines"]}
    built = [vm for vm, name in machines.items() if name in appliances]
    with cast.story.stage("Open questions of the assessment") as stage:
        guests = [rule for rule in rules if rule.startswith("GST-")]
        for rule in guests:
            attest(cast, rule, list(machines), "guest team", "looked at in the systems of this wave before the rehearsal")
        of_packages = [rule for rule in rules if rule not in guests and open_on(cast, rule) <= appliances]
        for rule in of_packages:
            attest(cast, rule, built, "who built the appliances", "from the build sheets of both appliances")
        rest = [rule for rule in rules if rule not in guests and rule not in of_packages]
        for rule in rest:
            accept_risk(cast, wave, UNANSWERED + rule, "no source tells; rollback to the powered-off source is rehearsed")
        stage.figure = (
            f"{len(guests)} attested by the guest team, {len(of_packages)} by who built the appliances, "
            f"{len(rest)} accepted as named risks of this wave"
        )


def open_on(cast: Cast, rule: str) -> set[str]:
    """The names of what nobody could answer a rule on: of machines, or of a source all of whose machines leave it open."""
    return {finding["subject_name"] for finding in cast.operator.everything("./findings", result="unknown", rule_id=rule)}


def attest(cast: Cast, rule: str, machines: list[str], who: str, note: str) -> None:
    """Somebody who knows says that a rule's concern is not there on these machines."""
    body = {"rule_id": rule, "machines": machines, "answer": False, "who": who, "note": note}
    cast.operator.post("./attestations", body)


def accept_risks(cast: Cast, wave: dict[str, Any]) -> None:
    """The operator asks, the approver accepts: no machine has been proven to boot yet, and a file does not tell what runs."""
    with cast.story.stage("Named risks are accepted") as stage:
        accept_risk(cast, wave, "RISK-BOOT-NOT-PROVEN", "first wave; a rollback to the powered-off source is rehearsed")
        accept_risk(cast, wave, "RISK-ORIGINAL-MAY-RUN", "the appliances were shipped as files and have never run")
        stage.figure = "boot not proven, and an appliance's original may run; for this wave, until next week, by the approver"


def accept_risk(cast: Cast, wave: dict[str, Any], risk: str, reason: str) -> None:
    """One named risk of a wave, for a week: asked for by the operator, approved by the approver."""
    until = (datetime.now(UTC) + timedelta(days=7)).isoformat()
    body = {"check_id": risk, "subject": f"wave:{wave['id']}", "reason": reason, "expires_at": until}
    waiver = cast.operator.post("./waivers", body)
    cast.approver.post(f"./waivers/{waiver['id']}/approve")


def sign(cast: Cast, wave: dict[str, Any]) -> None:
    """The second person puts a name under the open gate."""
    with cast.story.stage("The gate is signed") as stage:
        signed = cast.approver.post(f"./waves/{wave['id']}/gate/sign")
        stage.figure = f"by {signed['signed_by_name']}, who did not ask"
