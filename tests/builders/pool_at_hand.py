"""A pool of the lab that a project's owner has added over the API and whose certificates are confirmed."""

from __future__ import annotations

from typing import Any

from readiness.models import Pool
from tests.builders.jobs import run_jobs
from tests.builders.people import People
from tests.contract.xapi_sim.pool_wire import PASSWORD, Wire


class PoolAtHand:
    """The owner at the API, with the pool added and its certificates confirmed."""

    def __init__(self, people: People, wire: Wire) -> None:
        self.client, self.wire = people.client("owner"), wire
        base = f"/api/v1/projects/{people.project.id}/pools"
        body = {"url": wire.sim.url, "username": "root", "password": PASSWORD, "name": "pool01"}
        self.address = f"{base}/{self.client.post(base, body).json()['id']}"
        for _ in range(2):
            self.ran("probe")
            seen = self.client.get(self.address).json()["certificates"]
            self.client.post(f"{self.address}/confirm", {"tls_thumbprints": [each["sha256"] for each in seen]})

    @property
    def pool(self) -> Pool:
        return Pool.objects.get()

    def ran(self, part: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Ask for a job and run it; its result."""
        answer = self.client.post(f"{self.address}/{part}", body or {})
        assert answer.status_code == 202, answer.content
        [job] = run_jobs(kind=answer.json()["kind"])
        assert job.state == "succeeded", job.error
        return dict(job.result)
