"""The applications drawn: who needs whom, cycles, applications without machines; no picture where there is nothing to see."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse
from lxml import html

from migration.assessment.web import applications as applications_page
from migration.inventory.models import Application, Machine
from tests.builders.pages import HOSTILE, World, signed_in

pytestmark = pytest.mark.django_db


def page(world: World) -> Any:
    answer = signed_in(world.people.owner).get(reverse("project-applications", args=[world.people.project.id]))
    assert answer.status_code == 200
    return html.fromstring(answer.content.decode())


def an_application(world: World, name: str, *needs: Application) -> Application:
    row = Application.objects.create(project=world.people.project, name=name)
    row.depends_on.set(needs)
    return row


def test_what_needs_what_is_drawn_and_told_with_cycles_and_missing_machines(world: World) -> None:
    mail = an_application(world, "Mail")
    crm = an_application(world, f"CRM {HOSTILE}", mail)
    shop = an_application(world, "Shop", crm)
    crm.depends_on.add(shop)
    Machine.objects.filter(name="app-01").update(application=mail)
    (picture,) = page(world).xpath("//figure//*[local-name()='svg']")
    assert picture.get("aria-label") == (
        f"CRM {HOSTILE} (no machine) needs Mail, Shop, and is needed by them in turn. Mail (1 machine) needs nothing. "
        f"Shop (no machine) needs CRM {HOSTILE}, and is needed by them in turn."
    )
    assert not picture.xpath(".//*[local-name()='script']")


def test_without_needs_or_with_too_many_there_is_no_picture(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    mail = an_application(world, "Mail")
    assert not page(world).xpath("//figure")
    an_application(world, "Shop", mail)
    assert page(world).xpath("//figure")
    monkeypatch.setattr(applications_page, "DRAWN_MOST", 1)
    shown = page(world)
    assert not shown.xpath("//figure") and "More than 1 applications are not drawn" in shown.text_content()
