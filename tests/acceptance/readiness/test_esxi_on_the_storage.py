"""A vCenter and a pool of the lab in one project: whether ESXi uses the pool's storage is read from both, not asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lab.testing import running_lab
from project.backbone.clock import now
from tests.builders.jobs import run_jobs
from tests.builders.people import People

pytestmark = pytest.mark.django_db
ARRAY_PORT = "50:06:01:60:3b:a0:00:00"  # what the lab's ESXi hosts are connected to


def collected(client: Any, base: str, body: dict[str, Any]) -> str:
    """An endpoint added, probed, confirmed (a pool twice: the second probe shows its members) and collected."""
    made = client.post(base, body, format="json")
    assert made.status_code == 201, made.content
    address = f"{base}/{made.json()['id']}"
    for _ in range(2):
        client.post(f"{address}/probe")
        run_jobs()
        shown = [each["sha256"] for each in client.get(address).json()["certificates"]]
        client.post(f"{address}/confirm", {"tls_thumbprints": shown}, format="json")
    assert client.post(f"{address}/collect").status_code == 202
    assert {job.state for job in run_jobs()} == {"succeeded"}
    return address


def test_esxi_hosts_elsewhere_are_clear_and_one_shared_target_is_found(people: People, tmp_path: Path) -> None:
    client, project = people.client("owner"), f"/api/v1/projects/{people.project.id}"
    with running_lab(tmp_path, world="tiny", pool="slow-failover") as lab:
        center, pool = lab.json["vcenter"], lab.json["pool"]
        signed = {"username": center["user"], "password": center["password"]}
        collected(client, f"{project}/sources", {"kind": "vcenter", "name": "vc", "url": center["url"], **signed})
        signed = {"username": pool["user"], "password": pool["password"]}
        address = collected(client, f"{project}/pools", {"name": "pool01", "url": pool["url"], **signed})

    def begun(*more: str) -> dict[str, Any]:
        nodes = [{"name": "san-a", "portals": ["10.20.0.201", *more]}, {"name": "san-b", "portals": ["10.20.0.202"]}]
        evidence = {"kind": "storage_nodes", "value": {"nodes": nodes}, "tested_at": now().isoformat(), "who": "Ada"}
        assert client.post(f"{address}/evidence", evidence, format="json").status_code == 201
        campaign = dict(client.post(f"{address}/campaigns", {}).json())
        client.post(f"{address}/campaigns/{campaign['id']}/abandon", {"reason": "seen enough"})
        return campaign

    assert begun()["obstacles"] == []
    shared = begun(ARRAY_PORT)
    assert [each["code"] for each in shared["obstacles"]] == ["vmware_on_storage"]
    assert ARRAY_PORT in shared["sentence"] and "esxi01" in shared["sentence"]
