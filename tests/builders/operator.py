"""The owner of a project at its API, with a lab behind it and jobs run as they come; a teammate approves and signs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from lab.testing import Lab
from project.backbone.clock import now
from project.backbone.models import Job
from tests.builders.path import settle
from tests.builders.people import People

BOOT_RISK, ORIGINAL_RISK = "RISK-BOOT-NOT-PROVEN", "RISK-ORIGINAL-MAY-RUN"


class Operator:
    """The owner at the API of the project, with jobs run as they come; the teammate approves and signs."""

    def __init__(self, people: People, lab: Lab) -> None:
        self.people, self.lab = people, lab
        self.base = f"/api/v1/projects/{people.project.id}"

    def get(self, path: str, **query: str) -> Any:
        answer = self.people.client("owner").get(f"{self.base}/{path}", query)
        assert answer.status_code == 200, answer.content
        return answer.json()

    def post(self, path: str, body: Any = None, *, who: str = "owner") -> Any:
        answer = self.people.client(who).post(f"{self.base}/{path}", body or {})
        assert answer.status_code in (200, 201, 202), answer.content
        return answer.json()

    def ran(self, path: str, body: Any = None) -> Job:
        asked = self.post(path, body)
        settle()
        return Job.objects.get(pk=asked["id"])

    def added(self, collection: str, side: str, **more: Any) -> str:
        place = self.lab.json[side]
        body = {"url": place["url"], "username": place["user"], "password": place["password"], "name": side, **more}
        path = f"{collection}/{self.post(collection, body)['id']}"
        for _ in range(2):
            self.ran(f"{path}/probe")
            pins = [certificate["sha256"] for certificate in self.get(path)["certificates"]]
            self.post(f"{path}/confirm", {"tls_thumbprints": pins})
        assert self.ran(f"{path}/collect").state == "succeeded"
        return path.partition("/")[2]

    def collected(self, kind: str, name: str, **more: Any) -> str:
        """A file as a source, collected; its path."""
        path = f"sources/{self.post('sources', {'kind': kind, 'name': name, **more})['id']}"
        job = self.ran(f"{path}/collect")
        assert job.state == "succeeded", job.error
        return path

    def ids(self, *names: str) -> dict[str, str]:
        """Machine ids by name."""
        return {machine["name"]: machine["id"] for machine in self.get("machines")["results"] if machine["name"] in names}

    def pool_without_ha(self) -> str:
        """The lab's pool, meant to run without HA and with its runbook attested, so that a test is about the wave."""
        self.lab.control("POST", "/pool/ha", {"enabled": False})
        pool = self.added("pools", "pool", ha_intent="off")
        runbook = {"owner": "Ada", "alternatives": "restart by hand"}
        attested = {
            "kind": "manual_restart_runbook",
            "subject": "",
            "value": runbook,
            "tested_at": now().isoformat(),
            "who": "Ada",
        }
        self.post(f"pools/{pool}/evidence", attested)
        return pool

    def planned(self, pool: str, *names: str, networks: dict[str, str] | None = None, **tables: Any) -> str:
        """A wave of these machines, approved; its path. `networks` are added to what is suggested, other tables replace it."""
        mapping = self.post("mappings", {"name": "m", "pool": pool})["id"]
        proposal = self.get(f"mappings/{mapping}/suggest")
        tables = {name: proposal[name] for name in ("networks", "datastores", "templates")} | tables
        tables["networks"] |= networks or {}
        answer = self.people.client("owner").patch(f"{self.base}/mappings/{mapping}", tables)
        assert answer.status_code == 200, answer.content
        result = self.ran("plans", {"pool": pool, "mapping": mapping, "machines": list(self.ids(*names).values())}).result
        assert result is not None
        self.post(f"plans/{result['plan_id']}/approve", who="teammate")
        return f"waves/{result['wave_ids'][0]}"

    def accept_named_risks(self, wave: str) -> None:
        """Ask the gate, and have a second person accept the boot risk and every question that nobody has answered."""
        assert self.ran(f"{wave}/gate").state == "succeeded"
        for code in {reason["code"] for reason in self.get(f"{wave}/gate")["reasons"]}:
            assert code in (BOOT_RISK, ORIGINAL_RISK) or code.startswith("unanswered:"), code
            body = {
                "check_id": code,
                "subject": f"wave:{wave.partition('/')[2]}",
                "reason": "first wave",
                "expires_at": (now() + timedelta(days=1)).isoformat(),
            }
            self.post(f"waivers/{self.post('waivers', body)['id']}/approve", who="teammate")

    def asked_and_signed(self, wave: str) -> None:
        assert self.ran(f"{wave}/gate").state == "succeeded"
        answer = self.get(f"{wave}/gate")
        assert answer["state"] == "open", answer["reasons"]
        self.post(f"{wave}/gate/sign", who="teammate")

    def states(self) -> dict[str, str]:
        return {row["name"]: row["state"] for row in self.get("conversions")["results"]}
