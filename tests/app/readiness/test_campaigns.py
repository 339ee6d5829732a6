"""Campaigns over the API: who may, what is refused with which code, and that a list stays cheap. Trials are in acceptance."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from msgspec.structs import replace

from estate.facts.unknown import Unknown
from project.backbone.accounts.policy import Role
from project.backbone.clock import now
from project.backbone.models import AuditEntry, Project
from readiness.core.campaign.overlap import EsxiStorage
from readiness.models import Campaign, CampaignTrial, Pool
from readiness.selectors import vmware
from tests.builders.evidence import storage_nodes
from tests.builders.people import People, a_client, a_user
from tests.builders.pools import a_pool
from tests.builders.readiness import a_confirmed_pool, attested, collected

pytestmark = pytest.mark.django_db


@pytest.fixture
def pool(people: People) -> Pool:
    """A quiet pool at 60 s with its storage nodes attested."""
    return quiet(people)


@pytest.fixture(autouse=True)
def no_esxi(monkeypatch: pytest.MonkeyPatch) -> None:
    """An inventory that shows ESXi hosts on other storage."""
    monkeypatch.setattr(vmware, "_sources", [lambda _: [EsxiStorage("esx1", frozenset({"10.1.1.1"}))]])


def quiet(people: People, name: str = "pool01", **changes: Any) -> Pool:
    pool = a_confirmed_pool(people, name=name)
    collected(pool, replace(a_pool(timeout_s=60, vms=()), collected_at=now(), uuid=name, **changes))
    attested(people, pool, [storage_nodes()])
    return pool


def base(people: People, pool: Pool) -> str:
    return f"/api/v1/projects/{people.project.id}/pools/{pool.id}/campaigns"


def begun(people: People, pool: Pool, **body: Any) -> dict[str, Any]:
    answer = people.client("owner").post(base(people, pool), body, format="json")
    assert answer.status_code == 201, answer.content
    return dict(answer.json())


def test_a_campaign_begins_and_says_what_to_do_in_one_sentence(people: People, pool: Pool) -> None:
    campaign = begun(people, pool)
    assert (campaign["state"], campaign["start_s"], campaign["tuned_timeout_s"]) == ("running", 60, None)
    expected = "begin the trial of san-a at 60 s, on xen-h1, xen-h2, xen-h3."
    assert campaign["sentence"].endswith(expected) and campaign["next_step"]["kind"] == "trial"
    assert campaign["created_by"] == people.owner.username
    assert list(AuditEntry.objects.filter(action__startswith="campaign").values_list("action", flat=True)) == [
        "campaign.begun", "campaign.pass_preflight",
    ]  # fmt: skip


def test_a_pool_at_another_timeout_gets_the_exact_commands(people: People) -> None:
    pool = quiet(people, ha_configuration={"timeout": "120"})
    campaign = begun(people, pool)
    assert campaign["next_step"]["kind"] == "set_timeout"
    assert "xe pool-ha-enable heartbeat-sr-uuids=sr-hb ha-config:timeout=60" in [each["line"] for each in campaign["commands"]]


def test_a_pool_without_ha_gets_the_commands_that_enable_it(people: People) -> None:
    campaign = begun(people, quiet(people, ha_enabled=False))
    assert (campaign["state"], campaign["next_step"]["kind"]) == ("preflight_failed", "pass_preflight")
    assert "HA is off" in campaign["sentence"]
    assert [each["line"] for each in campaign["commands"]][-2].startswith("xe pool-ha-enable")


def test_esxi_hosts_on_the_same_storage_refuse_it_until_their_owner_signs_a_window(
    people: People, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vmware, "_sources", [lambda _: [EsxiStorage("esx7", frozenset({"10.9.0.2:3260"}))]])
    campaign = begun(people, pool)
    assert [each["code"] for each in campaign["obstacles"]] == ["vmware_on_storage"]
    assert "esx7: 10.9.0.2:3260" in campaign["sentence"]
    window = {
        "owner": "Vera VMware",
        "starts_at": (now() - timedelta(hours=1)).isoformat(),
        "ends_at": (now() + timedelta(hours=1)).isoformat(),
        "document": {"name": "signed.pdf", "sha256": "ab" * 32},
    }
    address = f"{base(people, pool)}/{campaign['id']}"
    signed = people.client("owner").post(f"{address}/change-window", window, format="json").json()
    assert (signed["state"], signed["obstacles"], signed["window"]["owner"]) == ("running", [], "Vera VMware")
    unsigned = people.client("owner").post(f"{address}/change-window", {**window, "document": None}, format="json")
    assert unsigned.status_code == 400
    long = {**window, "ends_at": (now() + timedelta(days=8)).isoformat()}
    refused = people.client("owner").post(f"{address}/change-window", long, format="json")
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "ends_at")


@pytest.mark.parametrize("sources", [[], [lambda _: Unknown("no vCenter was collected")]])
def test_without_an_inventory_nobody_knows_about_esxi(
    people: People, pool: Pool, monkeypatch: pytest.MonkeyPatch, sources: list[Any]
) -> None:
    monkeypatch.setattr(vmware, "_sources", sources)
    assert [each["code"] for each in begun(people, pool)["obstacles"]] == ["vmware_unknown"]


def test_a_pool_has_one_open_campaign_and_an_abandoned_one_makes_room(people: People, pool: Pool) -> None:
    first = begun(people, pool)
    client = people.client("owner")
    again = client.post(base(people, pool), {})
    assert (again.status_code, again.json()["code"]) == (409, "campaign_open")
    address = f"{base(people, pool)}/{first['id']}"
    assert client.post(f"{address}/abandon", {}).status_code == 400, "a reason is needed"
    ended = client.post(f"{address}/abandon", {"reason": "the SAN is being replaced"}).json()
    assert (ended["state"], ended["abandoned_because"], ended["next_step"]) == ("abandoned", "the SAN is being replaced", None)
    assert client.post(f"{address}/abandon", {"reason": "x"}).json()["code"] == "campaign_moved"
    assert client.post(f"{address}/preflight").json()["code"] == "campaign_moved"
    begun(people, pool)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"start_s": 120}, "start_reason"),
        ({"start_s": 120, "start_reason": "  "}, "start_reason"),
        ({"start_s": 9}, "start_s"),
        ({"start_s": 601}, "start_s"),
        ({"start_s": "soon"}, "start_s"),
        ({"expendable_vms": "all"}, "expendable_vms"),
    ],
)
def test_a_bad_value_is_named(people: People, pool: Pool, body: dict[str, Any], field: str) -> None:
    answer = people.client("owner").post(base(people, pool), body, format="json")
    assert answer.status_code == 400 and answer.json()["errors"][0]["field"].startswith(field)
    assert not Campaign.objects.exists()


def test_a_ladder_may_begin_higher_with_a_reason(people: People, pool: Pool) -> None:
    campaign = begun(people, pool, start_s=120, start_reason="the vendor says 100 s")
    assert (campaign["next_step"]["timeout_s"], campaign["start_reason"]) == (120, "the vendor says 100 s")


def test_a_pool_that_was_never_read_or_is_meant_to_run_without_ha_has_nothing_to_tune(people: People, pool: Pool) -> None:
    unread = a_confirmed_pool(people, name="pool02")
    assert people.client("owner").post(base(people, unread), {}).json()["code"] == "pool_not_collected"
    assert not Campaign.objects.exists(), "nothing is left of the refused one"
    people.client("owner").patch(f"/api/v1/projects/{people.project.id}/pools/{pool.id}", {"ha_intent": "off"})
    assert people.client("owner").post(base(people, pool), {}).json()["code"] == "ha_not_intended"


def test_viewers_read_and_operators_act(people: People, pool: Pool) -> None:
    campaign = begun(people, pool)
    viewer = a_client(a_user(Role.PLANNER, project=people.project))
    address = f"{base(people, pool)}/{campaign['id']}"
    assert viewer.get(address).status_code == 200 and viewer.get(f"{address}/commands").status_code == 200
    trial = {"storage_node": "san-a", "storage_healthy": True, "mirror_in_sync": True}
    for part, body in (("", {}), ("/preflight", {}), ("/abandon", {"reason": "x"}), ("/trials", trial)):
        answer = viewer.post(address + part if part else base(people, pool), body, format="json")
        assert (answer.status_code, answer.json()["code"]) == (403, "role_too_low"), part
    assert not CampaignTrial.objects.exists()


def test_another_pools_or_projects_campaign_is_not_found(people: People, pool: Pool) -> None:
    campaign = begun(people, pool)
    other = quiet(people, "pool02")
    assert people.client("owner").get(f"{base(people, other)}/{campaign['id']}").status_code == 404
    assert people.client("owner").get(f"{base(people, other)}/{campaign['id']}/trials").status_code == 404
    assert people.client("stranger").get(f"{base(people, pool)}/{campaign['id']}").status_code == 404
    trial = CampaignTrial.objects.create(
        campaign_id=campaign["id"], storage_node="san-a", method="graceful", timeout_s=60, sr_uuid="sr-hb", state="watched"
    )
    second = begun(people, other)
    foreign = f"{base(people, other)}/{second['id']}/trials/{trial.id}"
    assert people.client("owner").get(foreign).status_code == 404
    assert people.client("owner").post(f"{foreign}/discard", {"reason": "x"}).status_code == 404


def test_the_lookup_proves_the_heartbeat_sr_or_says_why_not(people: People, pool: Pool) -> None:
    address = f"{base(people, pool)}/{begun(people, pool)['id']}/lookup"
    blocks = [f"host-uuid ( RO): h{n}\n sr-uuid ( RO): sr-hb\n currently-attached ( RO): true\n\n" for n in (1, 2, 3)]
    assert people.client("owner").post(address, {"listing": "".join(blocks)}).json() == {"sr_uuid": "sr-hb"}
    refused = people.client("owner").post(address, {"listing": blocks[0]})
    assert (refused.status_code, refused.json()["code"]) == (409, "pbd_listing_refused")
    assert "h2, h3" in refused.json()["detail"]


def test_the_runbook_has_the_emergency_command_of_each_host(people: People, pool: Pool) -> None:
    commands = people.client("owner").get(f"{base(people, pool)}/{begun(people, pool)['id']}/commands").json()
    assert [each["line"] for each in commands["emergency"]] == ["xe host-emergency-ha-disable --force"] * 3
    assert commands["emergency"][0]["where"] == "console of xen-h1 (10.0.0.1, uuid h1)"
    assert commands["lookup"] and commands["set_timeout"] and len(commands["record_latency"]) == 3


def queries(client: Any, address: str, rows: int) -> int:
    """How many queries a list of so many rows takes."""
    with CaptureQueriesContext(connection) as asked:
        assert client.get(address).json()["count"] == rows
    return len(asked)


def test_lists_ask_the_database_as_often_for_many_as_for_one(people: People, pool: Pool) -> None:
    campaign = begun(people, pool)
    client, address = people.client("owner"), base(people, pool)
    trials = f"{address}/{campaign['id']}/trials"
    trial = {"campaign_id": campaign["id"], "storage_node": "a", "method": "graceful", "timeout_s": 60, "sr_uuid": "x"}
    CampaignTrial.objects.create(**trial, state="discarded")
    few = queries(client, address, 1), queries(client, trials, 1)
    Campaign.objects.bulk_create([Campaign(pool=pool, state="abandoned", start_s=60, created_by=people.owner) for _ in range(9)])
    CampaignTrial.objects.bulk_create([CampaignTrial(**trial, state="discarded", created_by=people.owner) for _ in range(9)])
    assert (queries(client, address, 10), queries(client, trials, 10)) == few


def test_the_same_key_starts_one_trial(people: People, pool: Pool) -> None:
    address = f"{base(people, pool)}/{begun(people, pool)['id']}/trials"
    body = {"storage_node": "san-a", "storage_healthy": True, "mirror_in_sync": True}
    answers = [people.client("owner").post(address, body, headers={"Idempotency-Key": "k1"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].json()["id"] == answers[1].json()["id"] and CampaignTrial.objects.count() == 1


def test_a_source_registered_by_an_app_is_asked_for_its_own_project(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Project] = []
    monkeypatch.setattr(vmware, "_sources", [])
    vmware.register(lambda project: asked.append(project) or [])  # type: ignore[func-returns-value]
    assert vmware.esxi_storage(people.project) == [] and asked == [people.project]
