"""What reaches the consultant by mail: an RVTools workbook before there is any access, and appliances as OVA files.

The workbook's machines are those of the vCenter that is read a week later: what people decided on them stays.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from lab.demo.client import NotAsTold
from lab.demo.stage_estate import figures_of, make_plan
from lab.demo.stage_setup import Cast

MADE_BY_VSPHERE = "vCLS-"
TABLES = ("networks", "datastores", "templates")
ONLY_A_WORKBOOK = "source_cannot_export"


def read_workbook(cast: Cast) -> dict[str, Any]:
    """Upload the workbook and assess what it tells. Returns its figures, and the machines by name."""
    operator = cast.operator
    with cast.story.stage("An RVTools workbook, before there is any access") as stage:
        source = operator.post("./sources", {"kind": "rvtools", "name": "RVTools export"})
        operator.upload(f"./sources/{source['id']}/workbook", Path(cast.described["rvtools"]["workbook"]))
        operator.run(f"./sources/{source['id']}/collect")
        inventory = operator.get(f"./sources/{source['id']}")["latest_inventory"]
        figures = figures_of(cast, inventory)
        machines = operator.everything("./machines")
        verdicts = Counter(machine["verdict"] for machine in machines)
        told = ", ".join(f"{count} {verdict}" for verdict, count in sorted(verdicts.items()))
        stage.figure = f"{figures['hosts']} hosts, {figures['vms']} VMs, {figures['disks']} disks; assessed: {told}"
    return {"figures": figures, "verdicts": dict(verdicts), "machines": {machine["name"]: machine for machine in machines}}


def plan_on_workbook(cast: Cast, pool: dict[str, Any], book: dict[str, Any]) -> dict[str, Any]:
    """Decide on the workbook's machines: a mapping, a disposition, a plan. Returns mapping and plan."""
    operator = cast.operator
    with cast.story.stage("A plan on the workbook") as stage:
        for name, machine in book["machines"].items():
            if name.startswith(MADE_BY_VSPHERE):
                decided = {"disposition": "retire", "note": "vSphere made it for itself"}
                operator.patch(f"./machines/{machine['id']}", decided)
        mapping = operator.post("./mappings", {"name": "as suggested", "pool": pool["id"]})
        mapping = operator.patch(f"./mappings/{mapping['id']}", operator.get(f"./mappings/{mapping['id']}/suggest"))
        ids = [machine["id"] for machine in book["machines"].values()]
        plan = make_plan(cast, pool, mapping, "On the workbook", ids)
        waiting = [left for left in plan["left_out"] if codes_of(left) == {ONLY_A_WORKBOOK}]
        whole = len(plan["left_out"])
        stage.figure = (
            f"{len(waiting)} of {whole} machines wait only for somebody who hands their disks over, "
            f"{whole - len(waiting)} for something of their own"
        )
    return {"mapping": mapping, "plan": plan}


def codes_of(left: dict[str, Any]) -> set[str]:
    """Why a machine was left out of a plan."""
    return {reason["code"] for reason in left["reasons"]}


def recognise(cast: Cast, book: dict[str, Any]) -> int:
    """Every machine of the workbook is the vCenter's: same id, decisions kept. Returns how many. Raises NotAsTold."""
    with cast.story.stage("The workbook's machines in the vCenter") as stage:
        now = {machine["name"]: machine for machine in cast.operator.everything("./machines")}
        before = {name: machine["id"] for name, machine in book["machines"].items()}
        if {name: machine["id"] for name, machine in now.items()} != before:
            raise NotAsTold("the machines of the vCenter are not those of the workbook")
        retired = [name for name, machine in now.items() if machine["disposition"] == "retire"]
        if retired != [name for name in now if name.startswith(MADE_BY_VSPHERE)]:
            raise NotAsTold(f"the dispositions decided on the workbook are not those of now: {retired}")
        stage.figure = f"all {len(before)} are known again, none twice; what was decided on them stays"
    return len(before)


def receive_appliances(cast: Cast, mapping: dict[str, Any]) -> list[dict[str, Any]]:
    """Add every package as a source and read it; the mapping gets what it lacks. Returns what the lab says of the packages."""
    operator = cast.operator
    packages: list[dict[str, Any]] = cast.described["appliances"]["packages"]
    with cast.story.stage("Appliances arrive as OVA files") as stage:
        for package in packages:
            source = operator.post("./sources", {"kind": "ova", "name": package["name"], "path": package["file"]})
            operator.run(f"./sources/{source['id']}/collect")
        suggested = operator.get(f"./mappings/{mapping['id']}/suggest")
        tables = {name: suggested[name] | mapping[name] for name in TABLES}
        operator.patch(f"./mappings/{mapping['id']}", tables | {"overrides": said_of_packages(cast, packages)})
        told = ", ".join(f"{package['file']} ({package['size_bytes'] / 1e6:.1f} MB)" for package in packages)
        stage.figure = f"{told}; the estate has {len(operator.everything('./machines'))} machines now"
    return packages


def said_of_packages(cast: Cast, packages: list[dict[str, Any]]) -> dict[str, dict[str, str]]:
    """Overrides by machine id: no descriptor tells whether an EFI machine boots securely, so who built it is asked."""
    built_with_efi = {package["name"] for package in packages if package["firmware"] == "efi"}
    return {m["id"]: {"secure_boot": "off"} for m in cast.operator.everything("./machines") if m["name"] in built_with_efi}


def compare_plans(cast: Cast, drafted: dict[str, Any], planned: dict[str, Any], packages: list[dict[str, Any]]) -> int:
    """Who waited only for a server comes along now, and the appliances; nobody else. Returns their number. Raises NotAsTold."""
    waited = {left["name"] for left in drafted["plan"]["left_out"] if codes_of(left) == {ONLY_A_WORKBOOK}}
    included = {machine["name"] for machine in planned["wave"]["machines"]}
    if included != waited | {package["name"] for package in packages}:
        raise NotAsTold(f"planned on the workbook: {sorted(waited)}; planned now: {sorted(included)}")
    cast.story.tell(
        f"the plan on the workbook holds: the {len(waited)} machines that waited for a server come along as mapped then"
    )
    return len(waited)
