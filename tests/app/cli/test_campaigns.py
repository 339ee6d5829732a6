"""The campaign command against the real API: what to do next in one sentence, the commands, and exit codes a script can go by."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from project.backbone.clock import now
from readiness.core.campaign.overlap import EsxiStorage
from readiness.selectors import vmware
from tests.app.cli.conftest import DeskOf
from tests.builders.cli import Desk
from tests.builders.evidence import storage_nodes
from tests.builders.people import People
from tests.builders.pools import a_pool
from tests.builders.readiness import a_confirmed_pool, attested, collected

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def desk(people: People, desk_of: DeskOf, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """An operator, a quiet pool at 60 s, and an ESXi host on its storage."""
    monkeypatch.setattr(vmware, "_sources", [lambda _: [EsxiStorage("esx7", frozenset({"10.9.0.2"}))]])
    pool = a_confirmed_pool(people)
    collected(pool, replace(a_pool(timeout_s=60, vms=()), collected_at=now()))
    attested(people, pool, [storage_nodes()])
    return desk_of("owner")


def test_a_campaign_from_its_beginning_to_an_open_trial(desk: Desk, tmp_path: Path) -> None:
    assert "has no campaign" in desk.run("campaign", "show", "pool01").err
    begun = desk.run("campaign", "begin", "pool01")
    assert begun.code == 3 and "esx7: 10.9.0.2" in begun.out, "something stands against a trial"
    signed = tmp_path / "signed.pdf"
    signed.write_bytes(b"signed by Vera")
    times = ("--from", "2026-01-01T00:00:00Z", "--until", "2026-01-02T00:00:00Z")
    past = desk.run("campaign", "window", "pool01", "--owner", "Vera", *times, "--document", str(signed))
    assert past.code == 3, "the window is over"
    vmware._sources[:] = [lambda _: []]
    cleared = desk.run("campaign", "preflight", "pool01")
    assert cleared.code == 0 and "begin the trial of san-a at 60 s" in cleared.out

    unsure = desk.run("campaign", "trial", "pool01", "san-a", "--storage-healthy")
    assert unsure.code == 1 and "trial_obstructed" in unsure.err
    asked = desk.run("campaign", "trial", "pool01", "san-a", "--storage-healthy", "--mirror-in-sync")
    assert asked.code == 0 and "Do not touch san-a before" in asked.out
    shown = desk.run("campaign", "show", "pool01").out
    assert "Wait some seconds" in shown and "hard_power_cycle  requested" in shown
    assert "trial_moved" in desk.run("campaign", "confirm", "pool01", "--who", "Ada").err
    assert "discarded" in desk.run("campaign", "discard", "pool01", "--reason", "not today").out
    assert "No trial of this campaign is open" in desk.run("campaign", "end", "pool01").err
    assert "abandoned" in desk.run("campaign", "abandon", "pool01", "--reason", "not this week").out
    assert "abandoned" in desk.run("campaign", "list", "pool01").out
    assert desk.run("campaign", "show", "pool01", "--json").document["state"] == "abandoned"


def test_the_commands_and_the_lookup(desk: Desk) -> None:
    desk.run("campaign", "begin", "pool01", "--start-s", "90", "--start-reason", "60 fenced last year")
    told = desk.run("campaign", "commands", "pool01").out
    assert "xe pool-ha-enable heartbeat-sr-uuids=sr-hb ha-config:timeout=90" in told
    assert told.count("xe host-emergency-ha-disable --force") == 3 and "the service never runs it" in told
    listing = "".join(f"host-uuid ( RO): h{n}\nsr-uuid ( RO): sr-hb\ncurrently-attached ( RO): true\n\n" for n in (1, 2, 3))
    assert desk.run("campaign", "lookup", "pool01", "-", stdin=listing).out.strip() == "sr-hb"
    refused = desk.run("campaign", "lookup", "pool01", "-", stdin="nothing")
    assert refused.code == 1 and "pbd_listing_refused" in refused.err
