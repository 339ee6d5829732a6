"""The lab's vCenter with 10,000 machines in a process of its own. A line on standard input switches that many of them on or off.

Prints one JSON line when it listens, and one for each line it has obeyed.
"""

from __future__ import annotations

import json
import sys
from itertools import islice
from pathlib import Path

from lab.disks import DiskStore
from lab.vcenter_sim.sim import VCenterSim
from lab.vcenter_sim.vm_methods import set_power
from lab.worlds import estate

VMS, VMS_PER_HOST = 10_000, 50
PASSWORD = "bench"


def main(directory: Path) -> None:
    """Serve until standard input ends."""
    sim = VCenterSim(estate(1, VMS, VMS_PER_HOST), directory, PASSWORD, disks=DiskStore(directory / "disks"))
    sim.start()
    shown = sim.lab_json()
    pins = [shown["vcenter"]["sha256"], *(host["sha256"] for host in shown["esxi"])]
    print(json.dumps({"url": sim.url, "user": shown["vcenter"]["user"], "pins": pins}), flush=True)
    machines = iter(sim.center.places.machines.values())
    for line in sys.stdin:
        switched = [set_power(sim.center, machine, not machine.powered_on) for machine in islice(machines, int(line))]
        print(json.dumps({"switched": len(switched)}), flush=True)
    sim.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
