"""The page of a pool's HA timeout: one sentence on what to do next, its commands, the trials, and forms without JavaScript."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from msgspec.structs import replace

from estate.facts.codec import to_json
from estate.facts.pool_look import HostLook, PoolLook
from project.backbone.accounts.policy import Role
from project.backbone.clock import now
from readiness.core.campaign.overlap import EsxiStorage
from readiness.core.campaign.watching import first, folded
from readiness.models import Campaign, CampaignTrial, Evidence, HaChange, HaGrant, Pool
from readiness.selectors import vmware
from readiness.services.campaigns import begin_campaign
from tests.builders.evidence import storage_nodes
from tests.builders.pages import HOSTILE, signed_in
from tests.builders.people import People, a_user
from tests.builders.pools import a_host, a_pool
from tests.builders.readiness import a_confirmed_pool, attested, collected

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_esxi(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(vmware, "_sources", [lambda _: []])
    yield


@pytest.fixture
def pool(people: People) -> Pool:
    pool = a_confirmed_pool(people)
    collected(pool, replace(a_pool(timeout_s=60, vms=()), collected_at=now()))
    attested(people, pool, [storage_nodes()])
    return pool


def address(people: People, pool: Pool, name: str = "pool-timeout", *more: Any) -> str:
    return reverse(name, args=[people.project.id, pool.id, *more])


def text(people: People, pool: Pool, **client: Any) -> str:
    answer = signed_in(client.get("who", people.owner)).get(address(people, pool))
    assert answer.status_code == 200, answer.content
    return str(answer.content.decode())


def begun(people: People, pool: Pool) -> Campaign:
    return begin_campaign(pool, actor=people.actor("owner"))


def a_trial(campaign: Campaign, state: str, *fenced: str, **fields: Any) -> CampaignTrial:
    """A trial as the service saw it: these hosts booted anew."""
    began = now() - timedelta(minutes=20)
    hosts = [HostLook(uuid, True, began - timedelta(days=1), 2) for uuid in ("h1", "h2", "h3")]
    look = PoolLook(began, True, {"timeout": "60"}, {}, tuple(hosts))
    later = [replace(host, boot_time=began, paths_active=1) if host.uuid in fenced else host for host in hosts]
    seen = folded(first(look, 60), replace(look, at=began + timedelta(minutes=9), hosts=tuple(later)), 60)
    return CampaignTrial.objects.create(
        campaign=campaign, storage_node="san-a", method="hard_power_cycle", timeout_s=60, sr_uuid="sr-hb", state=state,
        word={"healthy": True, "mirror_in_sync": True}, observation=to_json(seen), began_at=began,
        ended_at=seen.looked_at if state == "watched" else None, **fields,
    )  # fmt: skip


def test_a_pool_that_was_never_tuned_says_so_and_offers_to_begin(people: People, pool: Pool) -> None:
    page = text(people, pool)
    assert "Nobody has tuned the HA timeout" in page and "Begin a campaign" in page
    assert page.count("xe host-emergency-ha-disable --force") == 3
    answer = signed_in(people.owner).post(address(people, pool, "campaign-begin-form"), {"expendable": "test1, test2"})
    assert answer["Location"] == address(people, pool)
    assert Campaign.objects.get().expendable_vms == ["test1", "test2"]


def test_the_next_step_stands_on_top_in_one_sentence_with_the_form_for_it(people: People, pool: Pool) -> None:
    begun(people, pool)
    page = text(people, pool)
    assert "begin the trial of san-a at 60 s, on xen-h1, xen-h2, xen-h3." in page
    assert page.index("What to do next") < page.index("Begin the trial of san-a")
    ticked = {"storage_node": "san-a", "storage_healthy": "yes"}
    refused = signed_in(people.owner).post(address(people, pool, "campaign-trial-form"), ticked, follow=True).content.decode()
    assert "The mirror is not in sync" in refused and not CampaignTrial.objects.exists()
    signed_in(people.owner).post(address(people, pool, "campaign-trial-form"), {**ticked, "mirror_in_sync": "yes"})
    assert CampaignTrial.objects.get().state == "requested"


def test_a_pool_at_another_timeout_is_given_its_commands(people: People, pool: Pool) -> None:
    collected(pool, replace(a_pool(timeout_s=120, vms=()), collected_at=now() + timedelta(seconds=1)))
    begun(people, pool)
    page = text(people, pool)
    assert "Set the HA timeout to 60 s" in page and "xe pool-ha-enable heartbeat-sr-uuids=sr-hb ha-config:timeout=60" in page


def test_what_stands_against_a_trial_is_listed_with_its_remedy(
    people: People, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vmware, "_sources", [lambda _: [EsxiStorage("esx7", frozenset({"10.9.0.1"}))]])
    begun(people, pool)
    page = text(people, pool)
    assert "vmware on storage" in page and "esx7: 10.9.0.1" in page and "Watch this trial" not in page


def test_a_trial_that_is_watched_shows_each_host_and_what_nobody_knows_yet(people: People, pool: Pool) -> None:
    a_trial(begun(people, pool), "watching", "h3")
    page = text(people, pool)
    assert "Power-cycle san-a hard" in page and "xen-h3 fenced" in page and "xen-h1 stayed up" in page
    assert 'Latency">unknown' in page and "End the trial" in page


def test_confirming_by_the_form_makes_evidence_and_an_empty_latency_stays_unknown(people: People, pool: Pool) -> None:
    row = a_trial(begun(people, pool), "watched")
    client, form = signed_in(people.owner), address(people, pool, "trial-confirm-form", row.id)
    odd = client.post(form, {"who": "Ada", "max_latency_s": "soon"}, follow=True).content.decode()
    assert "no number of seconds" in odd
    client.post(form, {"who": "Ada", "max_latency_s": "", "failover_s": "12,5"})
    value = Evidence.objects.get(kind="failover_test").value
    assert (value["max_latency_s"], value["failover_s"]) == (None, 12.5)
    assert "begin the trial of san-a" in text(people, pool), "an unknown latency is no pass"


def test_a_trial_is_discarded_and_a_campaign_abandoned_only_with_a_reason(people: People, pool: Pool) -> None:
    row = a_trial(begun(people, pool), "watched", "h1")
    client = signed_in(people.owner)
    for name, more in (("trial-discard-form", [row.id]), ("campaign-abandon-form", [])):
        form = address(people, pool, name, *more)
        assert "A reason is needed" in client.post(form, {"reason": " "}, follow=True).content.decode()
        client.post(form, {"reason": "the wrong node"})
    assert (CampaignTrial.objects.get().state, Campaign.objects.get().state) == ("discarded", "abandoned")
    assert "the wrong node" in text(people, pool) and "was abandoned" in text(people, pool)


def test_a_result_that_is_not_in_force_shows_no_green_light(people: People, pool: Pool) -> None:
    begun(people, pool)
    Campaign.objects.update(state="complete", tuned_timeout_s=120)
    page = text(people, pool)
    assert "Enable HA with the tuned timeout of 120 s" in page
    assert 'class="light caution"' in page and 'class="light good"' not in page


def test_a_change_by_the_service_that_failed_is_said_in_red(people: People, pool: Pool) -> None:
    campaign = begun(people, pool)
    grant = HaGrant.objects.create(pool=pool, reason="tonight", expires_at=now() + timedelta(hours=1))
    HaChange.objects.create(
        campaign=campaign, grant=grant, timeout_s=90, sr_uuid="sr-hb", state="failed", failed_because="No. HA may be off."
    )
    page = text(people, pool)
    assert 'class="mark bad">failed' in page and "No. HA may be off." in page


def test_viewers_see_it_and_cannot_act(people: People, pool: Pool) -> None:
    begun(people, pool)
    viewer = a_user(Role.VIEWER, project=people.project)
    page = text(people, pool, who=viewer)
    assert "What to do next" in page and '<form method="post" action="/projects' not in page.replace("\n", "")
    assert signed_in(viewer).post(address(people, pool, "campaign-abandon-form"), {"reason": "x"}).status_code == 403


def test_another_projects_pool_is_not_found(people: People, pool: Pool) -> None:
    strange = reverse("pool-timeout", args=[people.other_project.id, pool.id])
    assert signed_in(people.stranger).get(strange).status_code == 404
    assert signed_in(people.stranger).get(address(people, pool)).status_code == 404


def test_hostile_names_are_shown_as_text(people: People, pool: Pool) -> None:
    hosts = tuple(a_host(f"h{n}", name=f"{HOSTILE}{n}") for n in (1, 2, 3))
    collected(pool, replace(a_pool(timeout_s=60, vms=()), hosts=hosts, collected_at=now() + timedelta(seconds=1), name=HOSTILE))
    a_trial(begun(people, pool), "discarded", "h2", closed_because=HOSTILE)
    page = text(people, pool)
    assert "&lt;script&gt;" in page and "<script>alert" not in page


def test_an_unchanged_campaign_is_not_sent_again(people: People, pool: Pool) -> None:
    begun(people, pool)
    client = signed_in(people.owner)
    mark = text(people, pool).partition("seen=")[2].partition('"')[0]
    unchanged = client.get(f"{address(people, pool)}?seen={mark}", headers={"HX-Request": "true"})
    assert unchanged.status_code == 204
    Campaign.objects.update(state="abandoned")
    assert "was abandoned" in client.get(f"{address(people, pool)}?seen={mark}", headers={"HX-Request": "true"}).content.decode()


def test_the_readiness_page_leads_here(people: People, pool: Pool) -> None:
    page = signed_in(people.owner).get(reverse("pool-readiness", args=[people.project.id, pool.id])).content.decode()
    assert f'href="{address(people, pool)}"' in page
