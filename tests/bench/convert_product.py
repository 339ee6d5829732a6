"""A whole conversion through the product against curl, qemu-img and curl by hand, which verify nothing and make no VM.

Timed from asking for it until every block was read back: jobs, SOAP, shutdown, lease, copy over TLS into the pool, the VDI read
back. The lab's vCenter and pool serve on the same two cores. The worker is a service, so its start is not timed; the peer's is.
`python -m tests.bench.convert_product DIR` is the worker: each line on standard input is one conversion.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from tests.bench import disk_timing as timing
from tests.bench.bench_disks import prepared
from tests.bench.convert_chain import chain
from tests.bench.into_database import environment

DISK = "a"
GOAL = {"limit": 0.75, "stretch": 0.5}


def run(work: Path) -> dict[str, Any]:
    """Both ways once per round, after a warm-up of each."""
    disk = prepared(DISK)
    with timing.peer() as peer, worker(work) as convert:
        cases = {"ours": convert, "chain": lambda: timing.timed(chain(disk, peer.url, work))[0]}
        rounds = timing.rounds_of({name: partial(_at_rest, work, case) for name, case in cases.items()})
    told = [timing.ratio_case("wall_s", rounds, "ours", "chain", GOAL)]
    parts = {name: [r["ours"].told[name] for r in rounds] for name in ("prepare_s", "copy_s", "peak_rss_mib")}
    return timing.result("convert_product", told, **parts)


def _at_rest(work: Path, case: Callable[[], timing.Timing]) -> timing.Timing:
    timing.medium_at_rest(work)
    return case()


@contextmanager
def worker(work: Path) -> Iterator[Any]:
    """A worker with a database of its own and the lab beside it; call it for one conversion."""
    command = [sys.executable, "-m", "tests.bench.convert_product", str(work)]
    variables = os.environ | environment(work / "var")
    with subprocess.Popen(command, env=variables, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin and process.stdout
        yield lambda: _asked(process)
        process.stdin.close()


def _asked(process: subprocess.Popen[str]) -> timing.Timing:
    assert process.stdin and process.stdout
    process.stdin.write("\n")
    process.stdin.flush()
    told = json.loads(process.stdout.readline())
    return timing.Timing(told["wall_s"], told["cpu_s"], told)


def _convert(site: Any) -> dict[str, float]:
    """One conversion up to the proof of its bytes; afterwards, untimed, all that was made is removed again."""
    from migration.conversion.services import lifecycle
    from tests.builders.path import SYSTEM, again, copied, prepared, settle

    began_s, cpu_s = time.monotonic(), time.process_time()
    row = prepared(site.conversion("bench000"))
    made_s = time.monotonic()
    row = copied(row)
    done_s, spent_s = time.monotonic(), time.process_time()
    assert row.state == "cutting_over" and all(disk.is_proven for disk in row.disks.all()), (row.state, row.error)
    lifecycle.cancel(row, actor=SYSTEM)
    settle()
    assert again(row).state == "cancelled"
    return {
        "wall_s": done_s - began_s,
        "prepare_s": made_s - began_s,
        "copy_s": done_s - made_s,
        "cpu_s": spent_s - cpu_s,
        "peak_rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def main(work: Path) -> None:
    """Start the lab, then convert once for each line."""
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    from project.backbone.models import Customer, Project
    from tests.builders.path import a_site

    command = [sys.executable, "-m", "tests.bench.product_lab", str(work / "lab"), DISK, "1"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as lab:
        assert lab.stdout
        project = Project.objects.create(customer=Customer.objects.create(name="bench"), name="bench")
        site = a_site(project, json.loads(lab.stdout.readline()))
        for _ in sys.stdin:
            print(json.dumps(_convert(site)), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
