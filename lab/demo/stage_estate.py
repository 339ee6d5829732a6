"""First act: what is there. The vCenter and the pool are read, a plan is made, the machines are prepared in the pool."""

from __future__ import annotations

from typing import Any

from lab.demo.stage_setup import Cast


def add_source(cast: Cast) -> dict[str, int]:
    """Add the vCenter, confirm its certificates, collect it. Returns the inventory's figures."""
    operator, vcenter = cast.operator, cast.described["vcenter"]
    with cast.story.stage("A week later: the vCenter itself") as stage:
        source = operator.post(
            "./sources",
            {
                "kind": "vcenter",
                "name": "vcenter",
                "url": vcenter["url"],
                "username": vcenter["user"],
                "password": vcenter["password"],
            },
        )
        confirmed = confirm_certificates(cast, f"./sources/{source['id']}")
        operator.run(f"./sources/{source['id']}/collect")
        figures = figures_of(cast, operator.get(f"./sources/{source['id']}")["latest_inventory"])
        stage.figure = (
            f"{figures['hosts']} hosts, {figures['vms']} VMs, {figures['disks']} disks; {confirmed} certificates confirmed"
        )
    return figures


def confirm_certificates(cast: Cast, path: str) -> int:
    """Probe twice: the first shows the endpoint's own certificate, the second those of the hosts behind it."""
    pins: list[str] = []
    for _ in range(2):
        cast.operator.run(f"{path}/probe")
        offered = cast.operator.get(path)["certificates"]
        pins = sorted({certificate["sha256"] for certificate in offered} | set(pins))
        cast.operator.post(f"{path}/confirm", {"tls_thumbprints": pins})
    return len(pins)


def figures_of(cast: Cast, inventory_id: str) -> dict[str, int]:
    """How many hosts, VMs and disks an inventory lists, counted from its lists."""
    hosts = cast.operator.everything(f"./inventories/{inventory_id}/hosts")
    vms = cast.operator.everything(f"./inventories/{inventory_id}/vms")
    return {"hosts": len(hosts), "vms": len(vms), "disks": sum(len(vm["facts"]["disks"]) for vm in vms)}


def add_pool(cast: Cast) -> dict[str, Any]:
    """Add the pool, confirm every host's certificate, collect it."""
    described = cast.described["pool"]
    with cast.story.stage("The target pool") as stage:
        pool = cast.operator.post(
            "./pools",
            {
                "name": "pool01",
                "url": described["url"],
                "username": described["user"],
                "password": described["password"],
                "ha_intent": "required",
            },
        )
        confirmed = confirm_certificates(cast, f"./pools/{pool['id']}")
        cast.operator.run(f"./pools/{pool['id']}/collect")
        facts = cast.operator.get(f"./pools/{pool['id']}/facts")
        stage.figure = f"{len(facts['facts']['hosts'])} hosts, HA timeout read; {confirmed} certificates confirmed"
    return dict(pool)


def plan_wave(cast: Cast, pool: dict[str, Any], mapping: dict[str, Any]) -> dict[str, Any]:
    """Plan every machine with this mapping; a second person approves. Returns plan and wave."""
    operator = cast.operator
    with cast.story.stage("Plan") as stage:
        plan = make_plan(cast, pool, mapping, "First wave", [machine["id"] for machine in operator.everything("./machines")])
        cast.approver.post(f"./plans/{plan['id']}/approve")
        wave = plan["waves"][0]
        stage.figure = (
            f"{len(wave['machines'])} machines in one wave, {len(plan['left_out'])} left out; approved by a second person"
        )
    for left in plan["left_out"]:
        cast.story.tell(f"{left['name']} is left out: {left['reasons'][0]['sentence']}")
    return {"plan": plan, "wave": wave}


def make_plan(cast: Cast, pool: dict[str, Any], mapping: dict[str, Any], name: str, machines: list[str]) -> dict[str, Any]:
    """A migration plan of these machines."""
    body = {"kind": "migration", "name": name, "pool": pool["id"], "mapping": mapping["id"], "machines": machines}
    job = cast.operator.run("./plans", body)
    return dict(cast.operator.get(f"./plans/{job['result']['plan_id']}"))


def prepare(cast: Cast, wave: dict[str, Any]) -> None:
    """Start the wave: halted, blocked VMs in the pool."""
    with cast.story.stage("Prepare the machines in the pool") as stage:
        done = cast.operator.run(f"./waves/{wave['id']}/start")
        stage.figure = f"{done['result']['conversions'].get('ready', 0)} VMs made, halted, their start blocked"
