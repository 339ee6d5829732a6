"""A hundred list requests over a project of 10,000 machines that were assessed: server time of each, and its queries.

The whole server's way but the socket: routing, sign-in by token, permission, query, serialising.
`python -m tests.bench.api_list_10k DIR` is one run in a process of its own.
"""

from __future__ import annotations

import gc
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

VMS, SMALL = 10_000, 500
LIMIT_MS = 50.0
REQUESTS = (
    "inventories/{inventory}/vms",
    "inventories/{inventory}/vms?limit=100&ordering=-name",
    "inventories/{inventory}/vms?name__icontains=99",
    "inventories/{inventory}/vms?power_state=poweredOn",
    "inventories/{inventory}/vms?q=app00",
    "machines",
    "machines?limit=100&ordering=-name",
    "machines?name__icontains=99",
    "machines?disposition=migrate&limit=20",
    "machines?q=app00",
    "findings",
    "findings?limit=100&ordering=-rule_id",
    "findings?severity=critical",
    "findings?rule_id=SNP-001&result=true",
    "findings?group_by=rule_id",
    "findings?q=app00",
)
PAGES_DEEP = 4
"""Each of the first requests of a collection is also followed this many pages down its cursor."""


def run(work: Path) -> dict[str, Any]:
    """Time it in a fresh process with a database of its own."""
    environment = {**os.environ, "XENBOUND_VAR": str(work), "DATABASE_URL": ""}
    command = [sys.executable, "-m", "tests.bench.api_list_10k", str(work)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the requests failed: {done.stderr[-2000:]}")
    seen = json.loads(done.stdout.splitlines()[-1])
    times = sorted(each["ms"] for each in seen["requests"])
    return {
        "name": "api_list_10k",
        "unit": "milliseconds of server time",
        "runs": len(times),
        "peer_version": "",
        "cases": [
            {"case": "p50_ms", "ours": statistics.median(times), "peer": None, "ratio": None, "limit": LIMIT_MS},
            {"case": "p95_ms", "ours": times[int(len(times) * 0.95)], "peer": None, "ratio": None, "limit": LIMIT_MS},
            {"case": "slowest_ms", "ours": times[-1], "peer": None, "ratio": None, "limit": LIMIT_MS},
            {
                "case": "lists_that_need_more_queries_for_10000_than_for_500",
                "ours": sum(large != small for large, small in seen["queries"]),
                "peer": None,
                "ratio": None,
                "limit": 0,
            },
        ],
        "figures": seen,
    }


def _measure() -> dict[str, Any]:
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    large, small = _project(VMS), _project(SMALL)
    paths = [path.format(inventory="{inventory}") for path in REQUESTS]
    asked = [*paths, *_deeper(large, paths)]
    for path in asked:  # what is read once per process is read here
        large.get(path)
    gc.collect()
    gc.freeze()  # what making the estates left in this process is no server's to walk
    requests = []
    while len(requests) < 100:
        requests += [{"path": path.split("cursor")[0], **large.timed(path)} for path in asked]
    queries = [(large.queries(path), small.queries(path)) for path in paths]
    return {"requests": requests[: max(100, len(asked))], "queries": queries}


class _Project:
    """One project with its inventory, and somebody signed in to it by token."""

    def __init__(self, project: Any, inventory: Any, client: Any) -> None:
        self.base, self.inventory, self.client = f"/api/v1/projects/{project.id}/", inventory.id, client

    def get(self, path: str) -> Any:
        answer = self.client.get(self.base + path.format(inventory=self.inventory))
        assert answer.status_code == 200, answer.content
        return answer

    def timed(self, path: str) -> dict[str, Any]:
        began = time.perf_counter()
        answer = self.get(path)
        return {"ms": round((time.perf_counter() - began) * 1000, 2), "bytes": len(answer.content)}

    def queries(self, path: str) -> int:
        from django.db import connection
        from django.test.utils import CaptureQueriesContext

        with CaptureQueriesContext(connection) as captured:
            self.get(path)
        return len(captured)


def _deeper(project: _Project, paths: list[str]) -> list[str]:
    found = []
    for path in (path for path in paths if "?" not in path):
        page = project.get(path).json()
        for _ in range(PAGES_DEEP):
            cursor = page["next"].split("?", 1)[1]
            found.append(f"{path}?{cursor}".replace("{", "{{").replace("}", "}}").replace("{{inventory}}", "{inventory}"))
            page = project.get(found[-1]).json()
    return found


def _project(count: int) -> _Project:
    from django.conf import settings
    from rest_framework.test import APIClient

    from migration.assessment.services.assessing import assess
    from project.backbone.accounts.policy import Role
    from project.backbone.models import Customer, Project
    from tests.bench.assess_10k import _stored
    from tests.builders.inventory import SYSTEM, a_source
    from tests.builders.people import PASSWORD, a_user, with_password

    settings.ALLOWED_HOSTS = ["testserver"]
    project = Project.objects.create(customer=Customer.objects.create(name=f"c{count}"), name=f"p{count}")
    inventory = _stored(a_source(project), count)
    assess(inventory, actor=SYSTEM)
    user = with_password(a_user(Role.VIEWER, project=project))
    client = APIClient()
    body = {"username": user.username, "password": PASSWORD}
    token = client.post("/api/v1/auth/token", body, format="json").json()["token"]
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return _Project(project, inventory, client)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    print(json.dumps(_measure()))
