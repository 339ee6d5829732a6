"""From two addresses to a plan: the lab's vCenter and pool, read by the product's own jobs, planned by its own suggestions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.testing import Lab, running_lab
from migration.conversion.core.spec import Targets, build_spec
from migration.planning import selectors
from project.backbone.models import Job
from tests.builders.jobs import run_jobs
from tests.builders.people import People

pytestmark = pytest.mark.django_db


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    with running_lab(tmp_path, world="small") as running:
        yield running


class Engagement:
    """A project's owner at the API, with the jobs run as they come."""

    def __init__(self, people: People) -> None:
        self.client = people.client("owner")
        self.base = f"/api/v1/projects/{people.project.id}"

    def get(self, path: str) -> Any:
        answer = self.client.get(f"{self.base}/{path}")
        assert answer.status_code == 200, answer.content
        return answer.json()

    def post(self, path: str, **body: Any) -> Any:
        answer = self.client.post(f"{self.base}/{path}", body)
        assert answer.status_code in (200, 201, 202), answer.content
        return answer.json()

    def job(self, path: str, **body: Any) -> Any:
        asked = self.post(path, **body)
        run_jobs()
        job = Job.objects.get(pk=asked["id"])
        assert job.state == "succeeded", job.error
        return job.result

    def collected(self, collection: str, place: dict[str, Any], **body: Any) -> str:
        """Add a source or a pool, confirm its certificates in two steps, and collect it; its id."""
        added = self.post(collection, url=place["url"], username=place["user"], password=place["password"], **body)
        path = f"{collection}/{added['id']}"
        for _ in range(2):
            self.job(f"{path}/probe")
            shown = [certificate["sha256"] for certificate in self.get(path)["certificates"]]
            self.post(f"{path}/confirm", tls_thumbprints=shown)
        self.job(f"{path}/collect")
        return str(added["id"])


def test_the_lab_is_inventoried_assessed_and_planned_with_reasons_for_who_stays(people: People, lab: Lab) -> None:
    work = Engagement(people)
    work.collected("sources", lab.json["vcenter"], kind="vcenter", name="vc")
    pool = work.collected("pools", lab.json["pool"], name="west", ha_intent="required")
    mapping = work.post("mappings", name="to west", pool=pool)["id"]
    proposal = work.get(f"mappings/{mapping}/suggest")
    assert proposal["open"] == []
    tables = {name: proposal[name] for name in ("networks", "datastores", "templates")}
    assert work.client.patch(f"{work.base}/mappings/{mapping}", tables).status_code == 200
    assert work.get(f"mappings/{mapping}/gaps") == {"complete": True, "gaps": []}

    result = work.job("plans", pool=pool, mapping=mapping)

    plan = work.get(f"plans/{result['plan_id']}")
    left_out = {machine["name"]: [reason["rule_id"] for reason in machine["reasons"]] for machine in plan["left_out"]}
    assert left_out == {"file01": ["DSK-004"], "vCLS-4c4c4544-0036": ["OS-001", "STA-004"]}
    assert result["included"] == 10
    for machine in selectors.wave_machines(result["wave_ids"][0]):
        targets = Targets("source", "pool", machine.template_name, machine.sr_by_disk, machine.network_by_nic)
        assert build_spec(str(machine.machine_id), machine.vm, targets).firmware == machine.firmware
