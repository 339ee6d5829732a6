"""How a project's conversions are run: the settings over HTTP, and copies that wait for a stream without holding a slot."""

from __future__ import annotations

from typing import Any

import pytest

from migration.conversion.core.states import State
from migration.conversion.models import Conversion, Stream
from migration.conversion.services import lifecycle, running
from migration.conversion.work import legs, pacing, proving
from project.backbone.jobs.runner import run_job
from project.backbone.models import AuditEntry, Job
from project.backbone.problems import PreconditionFailed
from tests.builders.conversions import SYSTEM, a_spec
from tests.builders.jobs import HERE
from tests.builders.people import People

pytestmark = pytest.mark.django_db


def url(people: People) -> str:
    return f"/api/v1/projects/{people.project.id}/running"


DEFAULTS = {
    "verify": "full", "per_source_host": 4, "per_datastore": 4, "per_pool_host": 8, "per_sr": 4, "disks_at_once": 2,
    "per_worker": 2, "time_zone": "UTC", "bandwidth": [], "version": 1,
}  # fmt: skip


def test_a_project_has_sane_defaults_that_every_member_sees(people: People) -> None:
    assert people.client("owner").get(url(people)).json() == DEFAULTS
    assert people.client("stranger").get(url(people)).status_code == 404


def test_an_admin_changes_what_is_given_and_the_audit_tells(people: People) -> None:
    night = {"bytes_per_s": 1 << 20, "days": ["mon"], "from": "22:00", "to": "06:00"}
    changes = {"verify": "sampled 10%", "per_source_host": 2, "time_zone": "Europe/Berlin", "bandwidth": [night]}
    refused = people.client("owner").patch(url(people), changes)
    assert (refused.status_code, refused.json()["role_needed"]) == (403, "admin")
    changed = people.client("admin").patch(url(people), changes)
    assert changed.json() == {**DEFAULTS, **changes, "verify": "sampled 10 %", "version": 2}
    assert people.client("owner").get(url(people)).json() == changed.json()
    assert AuditEntry.objects.get(action="running.changed").before["verify"] == "full"


BAD = [
    ({"verify": "never"}, "verify"),
    ({"per_source_host": 0}, "per_source_host"),
    ({"per_sr": 65}, "per_sr"),
    ({"time_zone": "Mars/Base"}, "time_zone"),
    ({"time_zone": "../etc/passwd"}, "time_zone"),
    ({"bandwidth": [{"bytes_per_s": 1}]}, "bandwidth"),
    ({"bandwidth": [{"bytes_per_s": 1 << 20, "from": "8"}]}, "bandwidth"),
    ({"bandwidth": [{"bytes_per_s": 1 << 20, "days": ["someday"]}]}, "bandwidth"),
    ({"bandwidth": "fast"}, "bandwidth"),
    ({"bandwidth": [{}]}, "bandwidth.0.bytes_per_s"),
    ({"nonsense": 3}, "nonsense"),
    ({"per_sr": 3, "per_srs": 3}, "per_srs"),
    ({"bandwidth": [{"bytes_per_s": 1 << 20, "until": "06:00"}]}, "bandwidth.0.until"),
]


@pytest.mark.parametrize(("changes", "field"), BAD)
def test_settings_that_cannot_be_meant_are_refused_with_their_field(people: People, changes: dict[str, Any], field: str) -> None:
    answer = people.client("admin").patch(url(people), changes)
    assert answer.status_code == 400, answer.content
    assert any(error["field"].startswith(field) for error in answer.json()["errors"])


def test_nothing_is_changed_when_one_member_is_not_known(people: People) -> None:
    assert people.client("admin").patch(url(people), {"per_sr": 3, "per_srs": 3}).status_code == 400
    assert people.client("admin").get(url(people)).json() == DEFAULTS


WEEKDAYS, NIGHTS = ({"bytes_per_s": number << 20} for number in (1, 2))


def test_a_table_that_somebody_changed_since_it_was_read_is_not_replaced(people: People) -> None:
    admin = people.client("admin")
    seen = admin.get(url(people))["ETag"]
    first = admin.patch(url(people), {"bandwidth": [WEEKDAYS]}, headers={"If-Match": seen})
    second = admin.patch(url(people), {"bandwidth": [NIGHTS]}, headers={"If-Match": seen})
    assert (first.status_code, second.status_code) == (200, 412)
    assert admin.get(url(people)).json()["bandwidth"] == [WEEKDAYS]
    assert admin.patch(url(people), {"bandwidth": []}, headers={"If-Match": first["ETag"]}).status_code == 200


def somebody_is_faster(monkeypatch: pytest.MonkeyPatch, people: People, window: dict[str, Any]) -> None:
    """Right after the next reader has read the table, somebody else adds a row to it."""
    read = running.running_settings

    def reading(project: Any) -> Any:
        seen = read(project)
        monkeypatch.setattr(running, "running_settings", read)
        running.add_window(people.project, window, actor=SYSTEM)
        return seen

    monkeypatch.setattr(running, "running_settings", reading)


def test_two_rows_that_are_added_at_the_same_moment_both_stay(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    somebody_is_faster(monkeypatch, people, NIGHTS)
    assert running.add_window(people.project, WEEKDAYS, actor=SYSTEM).bandwidth == [NIGHTS, WEEKDAYS]


def test_a_row_is_removed_while_another_is_added(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    running.add_window(people.project, WEEKDAYS, actor=SYSTEM)
    somebody_is_faster(monkeypatch, people, NIGHTS)
    assert running.remove_window(people.project, WEEKDAYS, actor=SYSTEM).bandwidth == [NIGHTS]


def test_settings_changed_on_what_is_no_longer_there_are_refused(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    somebody_is_faster(monkeypatch, people, NIGHTS)
    with pytest.raises(PreconditionFailed, match="meanwhile"):
        running.change(people.project, actor=SYSTEM, bandwidth=[WEEKDAYS])


def ready(people: People, count: int, *, project: Any = None, **changes: Any) -> list[Conversion]:
    """Machines of one host that were prepared and want to copy, in this order."""
    specs = [a_spec(f"vm{number}", endpoint_id="", source_host="host-1") for number in range(count)]
    for spec in specs:
        object.__setattr__(spec, "source_endpoint_id", "11111111-1111-4111-8111-111111111111")
    given = {"wave_id": people.project.id, "pool_id": people.project.id, "specs": specs, "actor": SYSTEM, **changes}
    rows = lifecycle.create(project or people.project, **given)
    Conversion.objects.filter(pk__in=[row.pk for row in rows]).update(state=State.READY)
    for row in rows:
        lifecycle.start_copying(row, actor=SYSTEM)
    return [Conversion.objects.get(pk=row.pk) for row in rows]


@pytest.fixture
def at_work(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of machines that got their turn; each stays at work: its job is left running as by another worker."""
    names: list[str] = []

    class Held(BaseException):
        pass

    def hold(_spec: Any, _job: Any) -> Any:
        names.append(_spec.name)
        raise Held

    monkeypatch.setattr(legs, "source_of", hold)
    return names


def turn(row: Conversion) -> Job:
    try:
        run_job(row.job_id, worker=HERE)
    except BaseException as held:
        if type(held).__name__ != "Held":
            raise
    return Job.objects.get(pk=row.job_id)


def test_copies_beyond_the_budget_wait_and_hold_no_slot(people: People, at_work: list[str]) -> None:
    rows = ready(people, 6)
    jobs = [turn(row) for row in rows]
    assert at_work == ["vm0", "vm1", "vm2", "vm3"]
    assert [job.state for job in jobs[4:]] == ["waiting", "waiting"]
    assert jobs[4].message.startswith("all streams of datastore") and jobs[4].message.endswith("are in use")


def test_a_copy_that_ended_or_died_makes_room_for_the_next(people: People, at_work: list[str]) -> None:
    running.change(people.project, actor=people.actor("admin"), per_source_host=1)
    first, second = ready(people, 2)
    turn(first)
    assert turn(second).state == "waiting"
    Job.objects.filter(pk=first.job_id).update(state="failed")
    Job.objects.filter(pk=second.job_id).update(state="queued", run_at=first.updated_at)
    turn(second)
    assert at_work == ["vm0", "vm1"]


def test_a_copy_whose_worker_died_asks_for_its_turn_anew(people: People, at_work: list[str]) -> None:
    running.change(people.project, actor=people.actor("admin"), per_source_host=1)
    (row,) = ready(people, 1)
    turn(row)
    Job.objects.filter(pk=row.job_id).update(state="queued")  # as the sweep revives it
    turn(row)
    assert at_work == ["vm0", "vm0"]
    assert Stream.objects.get().fence == Job.objects.get(pk=row.job_id).fence


def test_the_machines_of_another_project_get_their_turn_among_a_thousand(people: People, at_work: list[str]) -> None:
    blue = ready(people, 4)
    red = ready(people, 1, project=people.other_project)
    turn(blue[0])
    assert turn(blue[1]).message == "others go first" or at_work == ["vm0", "vm1"]
    assert turn(red[0]).state == "running"


def test_an_urgent_batch_goes_first(people: People, at_work: list[str]) -> None:
    running.change(people.project, actor=people.actor("admin"), per_source_host=1)
    (usual,) = ready(people, 1)
    (urgent,) = ready(people, 1, wave_id=people.other_project.id, priority=9)
    assert turn(usual).state == "waiting"
    assert turn(urgent).state == "running"


def test_conversions_are_made_under_the_projects_policy_unless_a_batch_says_otherwise(people: People) -> None:
    running.change(people.project, actor=people.actor("admin"), verify="sampled 10 %")
    usual, own = ready(people, 1)[0], ready(people, 1, wave_id=people.other_project.id, verify="off")[0]
    assert (usual.verify, own.verify) == ("sampled 10 %", "off")


def test_nothing_is_read_back_and_nothing_called_verified_where_the_policy_is_off(people: People) -> None:
    (row,) = ready(people, 1, verify="off")
    proving.verify_disks(None, None, row)  # type: ignore[arg-type]  # touching any of them would raise
    assert not row.disks.filter(verified=True).exists()


class Sink:
    zero_fill = False

    def __init__(self) -> None:
        self.written = 0

    def write(self, _offset_bytes: int, data: memoryview | bytes) -> None:
        self.written += len(data)

    def finish(self) -> None: ...

    def abort(self) -> None: ...


def test_a_cancelled_job_leaves_the_pause_of_a_slow_link_at_once() -> None:
    class Cancelled(Exception):
        pass

    def alive() -> None:
        raise Cancelled

    sink = Sink()
    with pytest.raises(Cancelled):
        pacing.PacedSink(sink, lambda: 1.0, alive).write(0, b"x" * 1000)
    assert sink.written == 1000


def test_a_link_without_a_limit_is_not_slowed() -> None:
    sink = Sink()
    pacing.PacedSink(sink, lambda: None, lambda: pytest.fail("nobody pauses")).write(0, b"x")
    assert sink.written == 1


def test_the_limit_of_a_link_is_shared_by_those_who_copy(people: People, at_work: list[str]) -> None:
    running.change(people.project, actor=people.actor("admin"), bandwidth=[{"bytes_per_s": 1 << 20}])
    rows = ready(people, 2)
    assert pacing.limit_for(rows[0])() == 1 << 20
    for row in rows:
        turn(row)
    assert pacing.limit_for(rows[0])() == (1 << 20) / 2
