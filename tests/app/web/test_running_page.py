"""The page of how conversions are run: an admin changes it, others read it, and the week is drawn as the table says."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from migration.conversion.core.bandwidth import windows_from
from migration.conversion.models import RunningSettings
from migration.conversion.selectors import running_settings
from migration.conversion.services import running
from migration.conversion.web.week import DAY_WIDTH, week_of
from project.backbone.models import AuditEntry
from tests.builders.conversions import SYSTEM
from tests.builders.pages import signed_in
from tests.builders.people import People

pytestmark = pytest.mark.django_db
NUMBERS = {"per_source_host": "3", "per_datastore": "4", "per_pool_host": "8", "per_sr": "4", "disks_at_once": "5"}
SAID: dict[str, Any] = {**NUMBERS, "version": "1", "verify": "sampled 10 %", "time_zone": "Europe/Berlin"}
WINDOW: dict[str, Any] = {"mib_per_s": "50", "from": "08:00", "to": "18:30", "days": ["mon", "tue"], "pool": ""}


def page(people: People, client: Client) -> str:
    return client.get(reverse("project-running", args=[people.project.id])).content.decode()


def post(people: People, client: Client, form: str, said: dict[str, Any]) -> int:
    return client.post(reverse(form, args=[people.project.id]), said).status_code


def test_an_admin_changes_what_holds_and_it_is_written_down(people: People) -> None:
    chief = signed_in(people.admin)
    assert post(people, chief, "running-form", SAID) == 303
    row = running_settings(people.project)
    assert (row.per_source_host, row.disks_at_once, row.verify, row.time_zone) == (3, 5, "sampled 10 %", "Europe/Berlin")
    assert 'value="sampled 10 %"' in page(people, chief)
    assert AuditEntry.objects.filter(action="running.changed").count() == 1


def version_on(shown: str) -> str:
    found = re.search(r'name="version" value="(\d+)"', shown)
    assert found
    return found[1]


def test_an_old_page_undoes_nobody_elses_change_and_the_next_one_may_change_it(people: People) -> None:
    chief = signed_in(people.admin)
    running.change(people.project, actor=SYSTEM, verify="off")
    old = {**SAID, "verify": "off", "version": version_on(page(people, chief))}
    running.change(people.project, actor=SYSTEM, verify="full")

    assert post(people, chief, "running-form", old) == 303
    drawn_anew = page(people, chief)
    assert "nothing of yours was saved" in drawn_anew and 'role="alert"' in drawn_anew
    row = running_settings(people.project)
    assert (row.verify, row.per_source_host, row.version) == ("full", 4, 3)

    assert post(people, chief, "running-form", {**SAID, "version": version_on(drawn_anew)}) == 303
    assert running_settings(people.project).per_source_host == 3


@pytest.mark.parametrize("version", [None, "", "x", "2", "9" * 5000])
def test_a_form_that_says_no_version_or_a_strange_one_changes_nothing(people: People, version: str | None) -> None:
    chief = signed_in(people.admin)
    said = {name: value for name, value in {**SAID, "version": version}.items() if value is not None}
    assert post(people, chief, "running-form", said) == 303
    assert "nothing of yours was saved" in page(people, chief)
    assert not RunningSettings.objects.exists()


def test_a_limit_is_added_drawn_and_removed(people: People) -> None:
    chief = signed_in(people.admin)
    assert post(people, chief, "running-window-form", WINDOW) == 303
    shown = page(people, chief)
    assert "50 MiB a second" in shown and "mon, tue" in shown and "08:00 to 18:30" in shown
    assert (
        "<title>mon 08:00 to 18:30: 50 MiB a second</title>" in shown and "<title>wed 00:00 to 24:00: no limit</title>" in shown
    )
    [stored] = running_settings(people.project).bandwidth
    assert stored == {"bytes_per_s": 50 << 20, "from": "08:00", "to": "18:30", "days": ["mon", "tue"]}

    assert post(people, chief, "running-window-remove-form", {"row": json.dumps(stored)}) == 303
    assert running_settings(people.project).bandwidth == []
    assert post(people, chief, "running-window-remove-form", {"row": json.dumps(stored)}) == 303
    assert "not there any more" in page(people, chief)


@pytest.mark.parametrize(
    ("form", "changes"),
    [
        ("running-form", {"per_sr": "0"}),
        ("running-form", {"per_sr": "many"}),
        ("running-form", {"disks_at_once": "9"}),
        ("running-form", {"verify": "a bit"}),
        ("running-form", {"time_zone": "Mars/Olympus"}),
        ("running-window-form", {"mib_per_s": "nan"}),
        ("running-window-form", {"mib_per_s": "0.001"}),
        ("running-window-form", {"mib_per_s": "1e99"}),
        ("running-window-form", {"from": "8"}),
        ("running-window-form", {"pool": "11111111-1111-4111-8111-111111111111"}),
        ("running-window-remove-form", {"row": "{"}),
        ("running-window-remove-form", {}),
        ("running-window-remove-form", {"row": "[" * 5000}),
    ],
)
def test_what_cannot_be_meant_is_said_and_changes_nothing(people: People, form: str, changes: dict[str, Any]) -> None:
    chief = signed_in(people.admin)
    said = {"running-form": SAID, "running-window-form": WINDOW}.get(form, {})
    assert post(people, chief, form, {**said, **changes}) == 303
    assert 'role="alert"' in page(people, chief)
    assert not RunningSettings.objects.exists()


def test_others_read_it_and_change_nothing(people: People) -> None:
    owner = signed_in(people.owner)
    shown = page(people, owner)
    assert "into one SR" in shown and "Save" not in shown and "Add a limit" not in shown
    forms = ("running-form", "running-window-form", "running-window-remove-form")
    assert [post(people, owner, form, {**SAID, **WINDOW}) for form in forms] == [403] * 3
    assert [post(people, signed_in(people.stranger), form, SAID) for form in forms] == [404] * 3
    assert signed_in(people.stranger).get(reverse("project-running", args=[people.project.id])).status_code == 404


def test_every_day_is_drawn_whole_also_when_limits_cross_midnight_and_differ_by_pool() -> None:
    rows = [
        {"bytes_per_s": 100, "from": "22:00", "to": "06:00", "days": ["sun"]},
        {"bytes_per_s": 50, "pool": "p"},
        {"bytes_per_s": 70, "from": "12:05", "to": "12:07", "days": ["tue"]},
    ]
    week = week_of(windows_from(rows), "")
    by_day = {day: [each for each in week.stretches if each.words.startswith(day)] for day, _ in week.days}
    assert all(round(sum(each.width for each in own), 6) == DAY_WIDTH for own in by_day.values())
    assert by_day["mon"][0].words.startswith("mon 00:00 to 06:00")
    assert len(by_day["mon"]) == 2 and len(by_day["wed"]) == 1
    assert "tue 12:05 to 12:07: " in by_day["tue"][1].words
    assert {each.strength for each in week_of(windows_from(rows), "p").stretches} == {100}
