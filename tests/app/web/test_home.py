"""A project's home: the gate light in all its states, who may press which button, and what a refusal says."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from migration.conversion.core.states import State
from migration.conversion.models import Conversion
from migration.cutover.core.gate import FRESH_FOR
from migration.cutover.models import Phase
from migration.cutover.selectors import latest_decision
from migration.planning.models import Wave
from project.backbone import clock
from project.backbone.accounts.policy import Role
from project.backbone.models import Job
from tests.builders.pages import DRIFTED, HOSTILE, World, answered, in_state, signed_in
from tests.builders.people import a_user
from tests.builders.pools import NOW

pytestmark = pytest.mark.django_db
ASK, SIGN = "Ask the gate", "Sign the answer"


def home(world: World, user: Any = None, **headers: str) -> str:
    answer = signed_in(user or world.people.owner).get(reverse("project-home", args=[world.people.project.id]), headers=headers)
    assert answer.status_code == 200, answer.content
    return str(answer.content.decode())


def form(world: World, name: str) -> str:
    return reverse(f"wave-{name}-form", args=[world.people.project.id, world.wave.id])


def test_a_gate_that_was_never_asked_is_unknown(world: World) -> None:
    shown = home(world)
    assert "light unknown" in shown and "never asked" in shown


def test_a_closed_gate_shows_every_reason_with_its_remedy(world: World) -> None:
    answered(world, DRIFTED, at=NOW)
    shown = home(world)
    assert "light bad" in shown and "1 reason to work through." in shown
    for words in (DRIFTED.code, DRIFTED.subject, DRIFTED.detail, DRIFTED.remedy, DRIFTED.evidence):
        assert words in shown


def test_an_open_answer_is_green_only_once_a_second_person_signed_it(world: World) -> None:
    answered(world, at=NOW)
    assert "light caution" in home(world) and "open, not signed" in home(world)
    signed_in(world.people.teammate).post(form(world, "sign"))
    shown = home(world)
    assert "light good" in shown and "Signed by <strong>teammate</strong>" in shown


def test_an_open_answer_that_grew_old_is_no_longer_green(world: World) -> None:
    answered(world, at=NOW)
    signed_in(world.people.teammate).post(form(world, "sign"))
    with clock.frozen(NOW + FRESH_FOR + timedelta(minutes=1)):
        shown = home(world)
    assert "light caution" in shown and "too old" in shown


def test_an_answer_given_inside_a_cutover_stays_green_under_the_signature_that_allowed_it(world: World) -> None:
    signed = answered(world, at=NOW)
    signed_in(world.people.teammate).post(form(world, "sign"))
    answered(world, at=NOW + timedelta(minutes=1), phase=Phase.BEFORE_START, signed_as=signed.pk)
    with clock.frozen(NOW + timedelta(minutes=2)):
        shown = home(world, world.people.teammate)
    assert "light good" in shown and "went on" in shown and "Signed by <strong>teammate</strong>" in shown
    assert SIGN not in shown


def test_buttons_are_shown_to_those_who_may_press_them(world: World) -> None:
    answered(world, at=NOW)
    people = world.people
    viewer = a_user(Role.VIEWER, project=people.project)
    assert (ASK in home(world, viewer), SIGN in home(world, viewer)) == (False, False)
    assert (ASK in home(world, people.owner), SIGN in home(world, people.owner)) == (True, False)
    assert (ASK in home(world, people.teammate), SIGN in home(world, people.teammate)) == (True, True)


def test_an_approver_who_asked_is_told_that_somebody_else_has_to_sign(world: World) -> None:
    answered(world, at=NOW, by="teammate")
    shown = home(world, world.people.teammate)
    assert SIGN not in shown and "another approver has to sign" in shown
    refused = signed_in(world.people.teammate).post(form(world, "sign"), follow=True)
    assert "cannot sign its answer" in refused.content.decode()
    assert latest_decision(world.wave.id).signed_at is None


def test_asking_the_gate_queues_the_job_once_and_says_so(world: World) -> None:
    client = signed_in(world.people.owner)
    answer = client.post(form(world, "ask"))
    assert (answer.status_code, answer["Location"]) == (303, f"/projects/{world.people.project.id}")
    client.post(form(world, "ask"))
    assert Job.objects.filter(kind="cutover.gate").count() == 1
    assert "is being asked" in client.get(answer["Location"]).content.decode()


def test_signing_a_closed_gate_is_refused_on_the_page_with_the_next_step(world: World) -> None:
    answered(world, DRIFTED, at=NOW)
    shown = signed_in(world.people.teammate).post(form(world, "sign"), follow=True).content.decode()
    assert "The gate is closed" in shown and "Work through the remedies" in shown


def test_forms_refuse_whom_the_services_refuse(world: World) -> None:
    viewer = a_user(Role.VIEWER, project=world.people.project)
    refused = signed_in(viewer).post(form(world, "ask"))
    assert refused.status_code == 403 and "needs the role operator" in refused.content.decode()
    answered(world, at=NOW)
    assert signed_in(world.people.owner).post(form(world, "sign")).status_code == 403
    assert signed_in(world.people.stranger).post(form(world, "ask")).status_code == 404
    assert signed_in(world.people.owner).get(form(world, "ask")).status_code == 405
    elsewhere = reverse("wave-ask-form", args=[world.people.other_project.id, world.wave.id])
    assert signed_in(world.people.stranger).post(elsewhere).status_code == 404
    assert not Job.objects.filter(kind="cutover.gate").exists()


def test_a_job_at_work_shows_how_far_it_is_and_a_failed_one_what_to_do(world: World) -> None:
    fields = {"project": world.people.project, "created_by": world.people.owner, "requested_by_name": "job:x (owner)"}
    Job.objects.create(kind="conversion.copy", state="running", subject="db-01", progress_done=3, progress_total=4, **fields)
    error = {"code": "sr_full", "message": "SR fast is full", "next_step": "Free 3 GiB on it."}
    Job.objects.create(kind="gone.kind", state="failed", error=error, finished_at=NOW, **fields)
    shown = home(world)
    assert "Copy and prove the disks" in shown and 'value="75"' in shown
    assert "job:x" not in shown, "a person asked for what a person's job asked for"
    assert "gone.kind" in shown and "SR fast is full" in shown and "Free 3 GiB on it." in shown


def test_another_projects_jobs_are_not_shown(world: World) -> None:
    Job.objects.create(kind="inventory.collect", project=world.people.other_project, subject="secret place", state="running")
    assert "secret place" not in home(world)


def test_figures_count_what_is_there(world: World) -> None:
    in_state("app-01", State.DONE, copied=1.0)
    shown = home(world)
    assert "<b>7</b>machines" in shown and "<b>1 of 4</b>conversions done" in shown and "<b>1 of 5</b>disks proven" in shown


def test_hostile_names_are_shown_as_text(world: World) -> None:
    Wave.objects.update(name=HOSTILE)
    Job.objects.create(kind="inventory.collect", project=world.people.project, subject=HOSTILE, message=HOSTILE, state="running")
    shown = home(world)
    assert HOSTILE not in shown and "&lt;script&gt;" in shown


def test_the_part_that_refreshes_itself_is_silent_while_nothing_changes(world: World) -> None:
    part = home(world, **{"HX-Request": "true"})
    assert "<html" not in part
    again = part.split('hx-get="', 1)[1].split('"', 1)[0]
    client = signed_in(world.people.owner)
    assert client.get(again, headers={"HX-Request": "true"}).status_code == 204
    assert client.get(again).status_code == 200, "a browser without htmx gets the page"
    answered(world, DRIFTED, at=NOW)
    changed = client.get(again, headers={"HX-Request": "true"})
    assert changed.status_code == 200 and "light bad" in changed.content.decode()


def test_home_asks_the_database_the_same_however_much_there_is(
    world: World, django_assert_max_num_queries: DjangoAssertNumQueries, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client = signed_in(world.people.owner)
    address = reverse("project-home", args=[world.people.project.id])
    answered(world, DRIFTED, at=NOW)
    with django_assert_max_num_queries(25) as first:
        client.get(address)
    for number in range(2, 6):
        wave = Wave.objects.create(plan=world.plan, number=number, name=f"wave {number}")
        answered(World(world.people, world.pool, world.plan, wave), DRIFTED, at=NOW)
        row = Conversion.objects.first()
        row.pk, row.wave_id = None, wave.id
        row.id = wave.id
        row.save(force_insert=True)
    with django_assert_num_queries(_count(first)):
        client.get(address)


def _count(captured: CaptureQueriesContext) -> int:
    return len(captured.captured_queries)
