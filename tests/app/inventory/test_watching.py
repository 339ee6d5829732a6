"""A source that is kept fresh: short looks, changes gathered, a new inventory only of what lasts, nothing left behind."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from lab.disks import DiskStore
from migration.inventory import selectors
from migration.inventory.models import Inventory, Machine, Sighting, Source, SourceWatch
from migration.inventory.services import collecting, refreshing
from migration.inventory.services.collecting import InventoryReplaced
from project.backbone import clock
from project.backbone.accounts.policy import Role
from project.backbone.models import AuditEntry, Job
from tests.app.inventory.test_collect_from_vcsim import SourceAtHand
from tests.builders.inventory import SYSTEM
from tests.builders.jobs import run_jobs
from tests.builders.people import People, a_client, a_user
from tests.contract.vsphere.lab_vcenter import PASSWORD, LabVcenter, running_lab_vcenter

pytestmark = pytest.mark.django_db


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[LabVcenter]:
    with running_lab_vcenter(tmp_path / "vc", DiskStore(tmp_path / "disks"), world="small") as running:
        yield running


class Watched(SourceAtHand):
    """A confirmed source of the lab whose watch is on, looked at when tests say so."""

    def __init__(self, people: People, lab: LabVcenter) -> None:
        user = lab.connection().username
        super().__init__(people, lab.sim.url, PASSWORD, username=user)
        self.lab = lab
        for _ in range(2):
            self.run("probe")
            self.confirm_all()

    def later(self) -> list[Job]:
        """The next look is due, and made."""
        Job.objects.filter(kind="inventory.watch", state="waiting").update(run_at=clock.now() - timedelta(seconds=1))
        return run_jobs(kind="inventory.watch")

    def switch(self, enabled: bool) -> Any:
        return self.client.post(f"{self.path}/watch", {"enabled": enabled}, format="json")

    @property
    def row(self) -> SourceWatch:
        return SourceWatch.objects.get()

    def wait_out(self) -> None:
        """The first change that is not read yet is old enough now."""
        SourceWatch.objects.update(pending_since=clock.now() - timedelta(hours=1))
        self.later()


@pytest.fixture
def watched(people: People, lab: LabVcenter) -> Watched:
    source = Watched(people, lab)
    assert source.switch(True).status_code == 200
    run_jobs(kind="inventory.watch")
    return source


def inventories() -> list[Inventory]:
    return list(Inventory.objects.filter(state="complete").order_by("created_at"))


def test_a_watch_begins_with_everything_and_says_so(watched: Watched) -> None:
    (first,) = inventories()
    assert (first.made_by, first.note) == ("watch", "Everything was read: the watch begins.")
    assert Machine.objects.count() == first.counts["vms"] > 3
    shown = watched.get()["watch"]
    assert (shown["enabled"], bool(shown["last_look_at"])) == (True, True)
    assert Job.objects.get(kind="inventory.watch").state == "waiting"


def test_looks_without_a_change_log_in_once_and_make_nothing(watched: Watched) -> None:
    logins = watched.lab.logins()
    for _ in range(3):
        watched.later()
    assert watched.lab.logins() == logins
    assert len(inventories()) == 1


def test_a_change_is_gathered_first_and_then_made_an_inventory_of(watched: Watched) -> None:
    moref = watched.lab.switch("web02", on=False)
    watched.later()
    assert (len(inventories()), [each[1] for each in watched.row.pending]) == (1, [moref])
    watched.later()
    assert len(inventories()) == 1
    watched.wait_out()
    first, second = inventories()
    assert (second.made_by, second.counts, second.note) == ("watch", first.counts, "")
    assert second.object_count >= 0
    (changed,) = watched.client.get(f"{watched.base}/inventories/{second.id}/diff?against={first.id}").json()["changed"]
    assert [(each["path"], each["new"]) for each in changed["changes"] if each["path"] == "power_state"] == [
        ("power_state", "poweredOff")
    ]
    assert watched.row.pending == []
    assert Job.objects.filter(kind="assessment.assess", params__inventory_id=str(second.id)).exists()
    assert Sighting.objects.filter(last_seen_at__lt=second.collected_at).count() == 0


def test_what_was_not_read_again_keeps_its_time_and_what_was_read_has_none(watched: Watched) -> None:
    moref = watched.lab.switch("web02", on=False)
    watched.later()
    watched.wait_out()
    first, second = inventories()
    read = dict(second.entries.filter(kind="vm").values_list("native_id", "read_at"))
    assert read.pop(moref) is None
    assert set(read.values()) == {first.collected_at}
    assert set(second.entries.exclude(kind="vm").values_list("read_at", flat=True)) == {None}
    views = selectors.machine_views(selectors.machines(second.project))
    seen_at = {view.native_id: view.seen_by[0].at for view in views}
    assert seen_at.pop(moref) == second.collected_at
    assert set(seen_at.values()) == {first.collected_at}


def test_what_is_no_machine_is_read_again_every_quarter_of_an_hour(watched: Watched) -> None:
    SourceWatch.objects.update(read_around_at=clock.now() - timedelta(minutes=16))
    watched.later()
    assert watched.row.read_around_at > clock.now() - timedelta(minutes=1)
    assert len(inventories()) == 1, "nothing had changed"
    moref = watched.lab.switch("web02", on=False)
    SourceWatch.objects.update(read_around_at=clock.now() - timedelta(minutes=16))
    watched.later()
    read = inventories()[-1].entries.filter(read_at=None)
    assert set(read.filter(kind="vm").values_list("native_id", flat=True)) == {moref}
    assert read.exclude(kind="vm").count() == inventories()[-1].entries.exclude(kind="vm").count()


def test_everything_is_read_again_after_a_while_for_what_no_path_tells(watched: Watched) -> None:
    watched.later()
    assert len(inventories()) == 1
    SourceWatch.objects.update(read_all_at=clock.now() - timedelta(hours=7))
    watched.later()
    assert "it was read as a whole last at" in inventories()[-1].note
    watched.later()
    assert len(inventories()) == 2


def test_what_does_not_last_makes_no_inventory(watched: Watched) -> None:
    for on in (False, True):
        watched.lab.switch("web02", on=on)
    watched.later()
    watched.wait_out()
    assert len(inventories()) == 1
    assert watched.row.message == "nothing that lasts has changed"


def test_a_session_that_ended_leads_to_a_full_reading_that_says_why(watched: Watched) -> None:
    for login in watched.lab.sim.center.sessions.all():
        watched.lab.sim.center.sessions.end(login)
    watched.later()
    assert inventories()[-1].note == "Everything was read: the session had ended."
    watched.lab.switch("web02", on=False)
    watched.later()
    watched.wait_out()
    assert len(inventories()) == 3


def test_the_cookie_is_sealed_in_the_database_and_shown_nowhere(watched: Watched) -> None:
    keys = [session.key for session in watched.lab.sim.center.sessions.all()]
    stored = list(SourceWatch.objects.values_list("session", "pending", "message"))
    assert keys and not any(key in text for key in keys for row in stored for text in map(str, row))
    assert not any(key in str(watched.get()) for key in keys)
    assert not any(
        key in str(row) for key in keys for row in Job.objects.values_list("checkpoint", "params", "result", "message")
    )


def test_a_watch_that_is_switched_off_logs_out(watched: Watched) -> None:
    assert len(watched.lab.sim.center.sessions.all()) == 1
    assert watched.switch(False).json()["watch"]["enabled"] is False
    run_jobs(kind="inventory.end_watch")
    assert watched.lab.sim.center.sessions.all() == []
    watched.later()
    assert Job.objects.get(kind="inventory.watch").state == "succeeded"
    assert watched.row.session == ""
    assert AuditEntry.objects.filter(action="source.watch_set").count() == 2


def test_a_cancelled_watch_is_off_and_logs_out(watched: Watched) -> None:
    job = Job.objects.get(kind="inventory.watch")
    assert watched.client.post(f"/api/v1/jobs/{job.id}/cancel").status_code in (200, 202)
    run_jobs(kind="inventory.end_watch")
    assert watched.row.enabled is False
    assert watched.lab.sim.center.sessions.all() == []


def test_a_source_that_cannot_be_reached_is_told_and_tried_again(watched: Watched) -> None:
    watched.lab.sim.stop()
    watched.later()
    assert "tried again" in watched.row.message
    assert (watched.row.enabled, watched.row.faults) == (True, 1)
    assert Job.objects.get(kind="inventory.watch").state == "waiting"


def test_a_collection_in_between_is_what_changes_are_put_on(watched: Watched) -> None:
    watched.run("collect")
    assert len(inventories()) == 2
    watched.lab.switch("web02", on=False)
    watched.later()
    watched.wait_out()
    assert [each.made_by for each in inventories()] == ["watch", "collection", "watch"]


def test_a_look_leaves_a_collection_alone_that_is_being_made(watched: Watched) -> None:
    source = Source.objects.get()
    job = Job.objects.create(
        kind="inventory.collect", queue="default", project=source.project, state="running", run_at=clock.now()
    )
    making = collecting.begin(source, job_id=job.id, actor=SYSTEM)
    watched.lab.switch("web02", on=False)
    watched.later()
    making.refresh_from_db()
    assert (making.state, watched.row.pending) == ("collecting", [])
    assert "just being collected" in Job.objects.get(kind="inventory.watch").message
    Job.objects.filter(pk=job.pk).update(state="failed")  # what a dead collection left behind holds nobody up
    watched.later()
    assert len(watched.row.pending) == 1


def test_a_collection_that_takes_over_does_not_end_the_watch(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    def taken_over(*given: Any, **more: Any) -> None:
        raise InventoryReplaced("Inventory 1 was replaced.", next_step="Look at the newer one.")

    watched.lab.switch("web02", on=False)
    watched.later()
    with monkeypatch.context() as during:
        during.setattr(refreshing, "refresh", taken_over)
        watched.wait_out()
    assert (watched.row.enabled, Job.objects.get(kind="inventory.watch").state) == (True, "waiting")
    watched.later()
    assert watched.switch(True).status_code == 200
    newest = inventories()[-1]
    vm = newest.entries.get(kind="vm", name="web02")
    assert vm.facets["power_state"] == "poweredOff", "what moved is not lost"


def test_only_operators_switch_it_and_only_on_a_confirmed_server(people: People, lab: LabVcenter) -> None:
    source = SourceAtHand(people, lab.sim.url, PASSWORD)
    refused = source.client.post(f"{source.path}/watch", {"enabled": True}, format="json")
    assert (refused.status_code, refused.json()["code"]) == (409, "pins_not_confirmed")
    book = Source.objects.create(project=people.project, kind="rvtools", name="book")
    refused = source.client.post(f"{source.base}/sources/{book.id}/watch", {"enabled": True}, format="json")
    assert (refused.status_code, refused.json()["code"]) == (409, "source_is_a_file")
    planner = a_client(a_user(Role.PLANNER, project=people.project))
    assert planner.post(f"{source.path}/watch", {"enabled": True}, format="json").status_code == 403
    assert people.client("stranger").post(f"{source.path}/watch", {"enabled": True}, format="json").status_code == 404
