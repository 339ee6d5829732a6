"""A hundred machines of one batch against two at a time: what goes into conducting instead of converting.

Each has one disk of 1 GiB, 5 % full. Timed are the preparation and the cutover of the whole batch by the worker processes and
the ticker of an ordinary site; in between the gate is asked and signed by people. The measure is a batch of two, one for each
core: how long both together took from the start of their copy to its proof. The goal speaks of the copies; what gates, preflight
and starting the VMs add is shown apart. The lab serves on the same cores.
`python -m tests.bench.batch_100 DIR` does the work and prints what it took, for a process with a database of its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, cast

from tests.bench import disk_timing as timing
from tests.bench.bench_disks import prepared
from tests.bench.into_database import environment

DISK, MACHINES = "small", 100
PROCESSES = (["worker"], ["worker"], ["ticker"])
LONGEST_S = 1800.0


def run(work: Path) -> dict[str, Any]:
    """One batch, with a batch of two in front of it and one behind it."""
    prepared(DISK)
    command = [sys.executable, "-m", "tests.bench.batch_100", str(work)]
    done = subprocess.run(command, env=os.environ | environment(work / "var"), stdout=subprocess.PIPE, text=True, check=True)
    told = json.loads(done.stdout.splitlines()[-1])
    pair_s = sum(told["pairs_s"]) / len(told["pairs_s"])
    ideal_s = MACHINES / 2 * pair_s
    cases = [
        {"case": "copies_wall_s", "ours": told["copies_s"], "limit": 1.15},
        {"case": "cutover_wall_s", "ours": told["cutover_s"]},
        {"case": "prepare_and_cutover_wall_s", "ours": told["prepare_s"] + told["cutover_s"]},
    ]
    cases = [{**case, "peer": round(ideal_s, 3), "ratio": round(case["ours"] / ideal_s, 3)} for case in cases]
    cases.append({"case": "memory_of_all_workers_mib", "ours": told["workers_mib"], "limit": 1024})
    return timing.result("batch_100", cases, rounds=1, **told)


def main(work: Path) -> None:
    """Start the lab, then convert two machines, a hundred, and two again."""
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    settings.ALLOWED_HOSTS = ["testserver"]
    call_command("migrate", verbosity=0)
    lab_command = [sys.executable, "-m", "tests.bench.product_lab", str(work / "lab"), DISK, str(MACHINES + 4)]
    with subprocess.Popen(lab_command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as lab:
        assert lab.stdout
        site = Site(json.loads(lab.stdout.readline()))
        first = site.batch([f"bench{number:03}" for number in range(MACHINES, MACHINES + 2)])
        whole = site.batch([f"bench{number:03}" for number in range(MACHINES)])
        last = site.batch([f"bench{number:03}" for number in range(MACHINES + 2, MACHINES + 4)])
        told = {"pairs_s": [first["copies_s"], last["copies_s"]], **whole, "workers_mib": site.workers_mib}
        print(json.dumps(told), flush=True)


class Site:
    """A project at its API with the lab's two sides and a mapping; batches are carried out by processes of their own."""

    def __init__(self, described: dict[str, Any]) -> None:
        from lab.testing import Lab
        from tests.builders.operator import Operator
        from tests.builders.people import three_people

        self.operator = Operator(three_people(), Lab(described, cast("Any", None)))
        self.source = self.operator.added("sources", "vcenter", kind="vcenter")
        self.pool = self.operator.pool_without_ha()
        self.mapping = self.operator.post("mappings", {"name": "all", "pool": self.pool})["id"]
        proposal = self.operator.get(f"mappings/{self.mapping}/suggest")
        tables = {name: proposal[name] for name in ("networks", "datastores", "templates")}
        self.operator.people.client("owner").patch(f"{self.operator.base}/mappings/{self.mapping}", tables)
        self.workers_mib = 0.0

    def batch(self, names: list[str]) -> dict[str, float]:
        """Convert these machines; how long preparing, cutting over, and the copies from first start to last end took."""
        self.operator.ran(f"sources/{self.source}/collect")  # the sources of an earlier batch are off by now
        asked = {"pool": self.pool, "mapping": self.mapping, "conversions": [{"vm": key} for key in self._ids(names)]}
        prepare_s, result = self._done("batches", asked)
        wave = f"waves/{result['wave_id']}"
        self.operator.accept_named_risks(wave)
        self.operator.asked_and_signed(wave)
        cutover_s, result = self._done(f"{wave}/cutover")
        assert result["conversions"] == {"done": len(names)}, result
        return {"prepare_s": prepare_s, "cutover_s": cutover_s, "copies_s": _copies_s(names)}

    def _ids(self, names: list[str]) -> list[str]:
        from migration.inventory.models import Machine

        found = dict(Machine.objects.filter(name__in=names).values_list("name", "id"))
        return [str(found[name]) for name in names]

    def _done(self, path: str, body: Any = None) -> tuple[float, dict[str, Any]]:
        """Ask, and let the workers do it: seconds from the request to the end of its job, and the job's result."""
        from project.backbone.models import Job

        with self._workers():
            began_s = time.monotonic()
            job = self.operator.post(path, body)
            while time.monotonic() - began_s < LONGEST_S:
                row = Job.objects.get(pk=job["id"])
                if row.finished_at:
                    assert row.state == "succeeded" and row.result is not None, (row.state, row.error)
                    return time.monotonic() - began_s, row.result
                time.sleep(0.2)
        raise TimeoutError(path)

    @contextmanager
    def _workers(self) -> Iterator[None]:
        with ExitStack() as stack:
            running = [stack.enter_context(subprocess.Popen([sys.executable, "manage.py", *each])) for each in PROCESSES]
            time.sleep(3.0)  # they are services: their start is not timed
            try:
                yield
                self.workers_mib = max(self.workers_mib, sum(map(_peak_mib, running)))
            finally:
                for process in running:
                    process.terminate()


def _copies_s(names: list[str]) -> float:
    from migration.conversion.models import Conversion
    from project.backbone.models import Job

    ids = [str(key) for key in Conversion.objects.filter(name__in=names).values_list("id", flat=True)]
    jobs = [job for job in Job.objects.filter(kind="conversion.copy") if job.params.get("conversion_id") in ids]
    began, ended = min(job.started_at for job in jobs), max(job.finished_at for job in jobs)  # type: ignore[type-var]
    return (ended - began).total_seconds()  # type: ignore[operator,no-any-return]


def _peak_mib(process: subprocess.Popen[bytes]) -> float:
    fields = dict(line.split(":", 1) for line in Path(f"/proc/{process.pid}/status").read_text().splitlines())
    return int(fields["VmHWM"].split()[0]) / 1024


if __name__ == "__main__":
    main(Path(sys.argv[1]))
