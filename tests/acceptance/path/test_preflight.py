"""Both sides are looked at before the first byte: against the lab, with what is wrong told by name."""

from __future__ import annotations

from typing import Any

import pytest

from estate.xapi import vm
from estate.xapi.pool_vms import CONVERSION_KEY
from lab.testing import Lab
from migration.conversion.models import Conversion
from migration.conversion.selectors import spec_of
from migration.conversion.services import looking, running
from migration.conversion.work import preflight
from project.backbone.endpoints.services import update_endpoint
from project.backbone.models import Endpoint, Job
from tests.builders.operator import Operator
from tests.builders.path import SYSTEM, Site, machines_of, prepared, settle
from tests.builders.path_looks import Looks
from tests.builders.people import People

pytestmark = pytest.mark.django_db


def looked(site: Site) -> dict[str, list[dict[str, Any]]]:
    asked = looking.ask_preflight(site.project, wave_id=site.wave_id, name="wave", actor=SYSTEM)
    settle()
    job = Job.objects.get(pk=asked.pk)
    assert job.state == "succeeded", job.error
    found: dict[str, list[dict[str, Any]]] = {}
    for each in job.result["looks"]:
        found.setdefault(each["result"], []).append(each)
    return found


def test_a_prepared_machine_finds_everything_in_order(site: Site) -> None:
    prepared(site.conversion("git01"))
    found = looked(site)
    assert "fail" not in found, found["fail"]
    assert {each["code"] for looks in found.values() for each in looks} >= {
        "rights", "pool_rights", "source_power", "way", "sr_space", "mac_in_use", "template", "task_lifetime", "worker_memory",
    }  # fmt: skip


def test_a_dry_run_looks_at_both_sides_and_makes_nothing(people: People, lab: Lab) -> None:
    operator = Operator(people, lab)
    operator.added("sources", "vcenter", kind="vcenter")
    pool = operator.pool_without_ha()
    mapping = operator.post("mappings", {"name": "m", "pool": pool})["id"]
    proposal = operator.get(f"mappings/{mapping}/suggest")
    tables = {name: proposal[name] for name in ("networks", "datastores", "templates")}
    operator.people.client("owner").patch(f"{operator.base}/mappings/{mapping}", tables)
    body = {
        "pool": pool,
        "mapping": mapping,
        "conversions": [{"vm": operator.ids("web02")["web02"]}],
        "options": {"dry_run": True},
    }
    good = operator.ran("batches", body)
    assert (good.state, good.result["accepted"], good.result["problems"]) == ("succeeded", True, []), good.error

    store = lab.whole.pool.pool.store  # type: ignore[union-attr]
    [vif, *_] = store.refs("VIF")
    mac = next(nic.mac_address for nic in machines_of(lab.json)["web02"].nics)  # type: ignore[union-attr]
    store.set("VIF", vif, MAC=mac)
    vdis = len(lab.control("GET", "/vdis"))
    taken = operator.ran("batches", body).result
    assert (taken["accepted"], [(each["code"], each["name"]) for each in taken["problems"]]) == (False, [("mac_in_use", "web02")])
    assert len(lab.control("GET", "/vdis")) == vdis and not Conversion.objects.exists()


def test_the_read_back_shares_its_limit_with_the_disks_beside_it(site: Site) -> None:
    row = prepared(site.conversion("db01"))
    sizes = sorted(disk.capacity_bytes for disk in spec_of(row).disks)
    running.change(site.project, actor=SYSTEM, bandwidth=[{"bytes_per_s": 64 << 10}])
    told = [each["detail"] for looks in looked(site).values() for each in looks if each["subject"].endswith(", read-back")]
    hours = min(sizes[-1] * min(len(sizes), 4), sizes[-1] + 2 * sum(sizes[:-1])) / (64 << 10) / 3600
    assert len(sizes) > 1
    assert told == [
        f"reading the largest disk back takes {hours:.1f} h if it begins at the slowest time of the week"
        f" and {len(sizes)} disks share the limit"
    ]


def test_what_is_wrong_on_both_sides_is_told_at_once(site: Site, lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    first = prepared(site.conversion("git01"))
    again = site.conversion("git01")  # the same machine once more, as another conversion: its addresses are taken now
    Endpoint.objects.filter(pk=site.source.pk).update(
        pins=["AA:" * 31 + "AA"],
        offered_pins=[
            {"subject": "esx", "sha256": "AA", "address": "127.0.0.1:9"},
            {"address": "esx.invalid:443", "sha256": "AA"},
        ],
    )
    monkeypatch.setattr(preflight, "MEMINFO", preflight.MEMINFO / "nowhere")
    found = looked(site)
    assert {(each["code"], each["subject"]) for each in found["fail"]} == {
        ("mac_in_use", again.name), ("way", f"vc01 ({site.source.url.removeprefix('https://')})"),
    }  # fmt: skip
    assert {each["subject"] for each in found["unknown"] if each["code"] == "way"} == {
        "vc01 (127.0.0.1:9)", "vc01 (esx.invalid:443)",
    }  # fmt: skip
    assert all(each["next_step"] for looks in (found["fail"], found["unknown"]) for each in looks)
    assert "worker_memory" in {each["code"] for each in found["unknown"]}
    assert first.name == again.name


def test_an_address_that_another_vm_got_since_the_machine_was_prepared_is_told(site: Site, looks: Looks) -> None:
    row = prepared(site.conversion("git01"))
    nic = spec_of(row).nics[0]
    with looks.pool() as session:
        machines = session.call("VM.get_all_records")
        strangers = (ref for ref, each in machines.items() if CONVERSION_KEY not in each["other_config"])
        stranger = next(ref for ref in strangers if not machines[ref]["is_a_template"])
        vm.ensure_vif(session, machines[stranger]["uuid"], vm.VmNic("5", nic.network_uuid, nic.mac_address))
    [told] = [each for each in looked(site)["fail"] if each["code"] == "mac_in_use"]
    assert f"{nic.mac_address} ({machines[stranger]['name_label']})" in told["detail"]


def test_what_the_role_of_the_pools_account_forbids_is_told_before_the_first_byte(site: Site) -> None:
    prepared(site.conversion("web02"))
    update_endpoint(site.pool.endpoint, username="vmadmin", actor=SYSTEM)
    assert "pool_rights" in {each["code"] for each in looked(site)["pass"]}, "it is enough where HA shall restart nothing"
    prepared(site.conversion("git01", ha_restart_priority="restart"))
    [told] = [each for each in looked(site)["fail"] if each["code"] == "pool_rights"]
    assert "VM.set_ha_restart_priority (having VMs restarted by HA)" in told["detail"]
    assert "VDI.create" not in told["detail"]


def test_a_suspended_source_is_told_before_anything_is_done_to_it(site: Site, looks: Looks) -> None:
    prepared(site.conversion("git01"))
    prepared(site.conversion("web02"))
    looks.switch("git01", "suspended")
    found = looked(site)
    assert [each["subject"] for each in found["fail"] if each["code"] == "source_power"] == ["git01"]
    assert [each["subject"] for each in found["pass"] if each["code"] == "source_power"] == ["web02"]


def test_a_source_that_cannot_be_reached_tells_no_power_state(site: Site) -> None:
    prepared(site.conversion("git01"))
    update_endpoint(site.source, password="wrong", actor=SYSTEM)
    unknown = {each["code"]: each["subject"] for each in looked(site)["unknown"]}
    assert (unknown["rights"], unknown["source_power"]) == ("vc01", "git01")
