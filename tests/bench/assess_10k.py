"""All rules over 10,000 VMs with their findings stored, and over 1,000, in one database file: wall time and cost per VM.

The inventory is stored beforehand. Timed is what the job does: read the facts, ask every rule, write findings, commit.
`python -m tests.bench.assess_10k DIR` is one whole run in a process of its own and prints its rounds.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROUNDS = 5
LARGE, SMALL = 10_000, 1_000
LIMIT_S = 10.0
LINEAR = 1.2
VMS_PER_HOST = 40
GIB = 1 << 30
GUESTS = (
    ("windows2019srv_64Guest", "Microsoft Windows Server 2019 (64-bit)"),
    ("windows9Server64Guest", "Microsoft Windows Server 2016 (64-bit)"),
    ("rhel8_64Guest", "Red Hat Enterprise Linux 8 (64-bit)"),
    ("ubuntu64Guest", "Ubuntu Linux (64-bit)"),
    ("centos7_64Guest", "CentOS 7 (64-bit)"),
)


def run(work: Path) -> dict[str, Any]:
    """Time it in a fresh process with a database of its own."""
    environment = {**os.environ, "XENBOUND_VAR": str(work), "DATABASE_URL": ""}
    command = [sys.executable, "-m", "tests.bench.assess_10k", str(work)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the assessment failed: {done.stderr[-2000:]}")
    seen = json.loads(done.stdout.splitlines()[-1])
    large, small = statistics.median(seen["large_s"]), statistics.median(seen["small_s"])
    per_vm = statistics.median(
        (big / LARGE) / (little / SMALL) for big, little in zip(seen["large_s"], seen["small_s"], strict=True)
    )
    return {
        "name": "assess_10k",
        "unit": "seconds of wall time; ratio of cost per VM",
        "runs": ROUNDS,
        "peer_version": "",
        "cases": [
            {"case": "all_rules_over_10000_vms_stored", "ours": round(large, 3), "peer": None, "ratio": None, "limit": LIMIT_S},
            {
                "case": "cost_per_vm_10000_against_1000",
                "ours": round(large / LARGE * 1e6, 1),
                "peer": round(small / SMALL * 1e6, 1),
                "ratio": round(per_vm, 3),
                "limit": LINEAR,
            },
        ],
        "figures": seen,
    }


def _measure() -> dict[str, Any]:
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    from migration.assessment import selectors
    from migration.assessment.models import Finding
    from migration.assessment.services.assessing import assess
    from project.backbone.models import Customer, Project
    from tests.builders.inventory import SYSTEM, a_source

    inventories = []
    for count in (LARGE, SMALL):
        customer = Customer.objects.create(name=f"bench {count}")
        project = Project.objects.create(customer=customer, name=f"bench {count}")
        inventories.append(_stored(a_source(project), count))
    rounds: list[list[float]] = [[], []]
    for _ in range(ROUNDS):
        for inventory, taken in zip(inventories, rounds, strict=True):
            began = time.perf_counter()
            assess(inventory, actor=SYSTEM)
            taken.append(round(time.perf_counter() - began, 4))
    findings = Finding.objects.filter(project=inventories[0].project).count()
    return {"large_s": rounds[0], "small_s": rounds[1], "rules": len(selectors.rules()), "findings": findings}


def _stored(source: Any, count: int) -> Any:
    from migration.inventory.services import collecting
    from migration.inventory.services.recognising import seen_vm
    from tests.builders.estate import a_source_about
    from tests.builders.inventory import SYSTEM

    inventory = collecting.begin(source, job_id=None, actor=SYSTEM)
    collecting.add_page(inventory, list(_landscape(count)))
    vms = [_vm(number) for number in range(count)]
    for start in range(0, count, 1000):
        collecting.add_page(inventory, vms[start : start + 1000])
    return collecting.complete(inventory, about=a_source_about(), vms={vm.native_id: seen_vm(vm) for vm in vms}, actor=SYSTEM)


def _landscape(count: int) -> Iterator[Any]:
    from tests.builders.estate import a_cluster, a_datastore, a_host, a_network

    hosts = max(1, count // VMS_PER_HOST)
    for number in range(max(1, hosts // 16)):
        yield a_cluster(native_id=f"domain-c{number}", name=f"cluster {number}")
    for number in range(hosts):
        cluster = f"domain-c{number // 16 % max(1, hosts // 16)}"
        yield a_host(number, native_id=f"host-{number}", name=f"esx{number:03}.corp.example", cluster_id=cluster)
    for number in range(20):
        yield a_datastore(f"san-{number}", native_id=f"datastore-{number}")
        yield a_network(f"VLAN {number}", native_id=f"network-{number}")


def _vm(number: int) -> Any:
    """A machine like many: one to four disks, one or two NICs, a guest in five kinds.

    One in ten has a snapshot, one in fifty an RDM.
    """
    from estate.facts.source import DiskBacking
    from tests.builders.estate import a_disk, a_nic, a_snapshot, a_vm

    guest_id, guest_name = GUESTS[number % len(GUESTS)]
    name = f"app{number:05}"
    disks = tuple(
        a_disk(
            each,
            file_name=f"[san-{number % 20}] {name}/{name}_{each}.vmdk",
            datastore_id=f"datastore-{number % 20}",
            disk_uuid=f"{number:016x}{each:016x}",
            capacity_bytes=(40 + number % 100) * GIB,
            backing=DiskBacking.RDM_PHYSICAL if number % 50 == 0 else DiskBacking.FLAT,
        )
        for each in range(1 + number % 4)
    )
    nics = tuple(
        a_nic(each, mac_address=_mac(number, each), network_id=f"network-{number % 20}") for each in range(1 + number % 2)
    )
    return a_vm(
        name,
        host_id=f"host-{number % max(1, LARGE // VMS_PER_HOST)}",
        guest_id=guest_id,
        guest_full_name=guest_name,
        disks=disks,
        nics=nics,
        snapshots=(a_snapshot(),) if number % 10 == 0 else (),
        instance_uuid=f"{number:08x}-aaaa-4000-8000-000000000000",
        bios_uuid=f"{number:08x}-bbbb-4000-8000-000000000000",
    )


def _mac(number: int, each: int) -> str:
    return f"00:50:56:{number >> 8 & 0xFF:02x}:{number & 0xFF:02x}:{each:02x}"


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    print(json.dumps(_measure()))
