"""The pages as a person meets them, in a real browser: sign in, walk all of them, watch a part refresh itself, sign the gate.

Nothing is stubbed between browser and database; the clock of the product stands still so that the evidence stays fresh.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from migration.conversion.core.states import State
from migration.conversion.services import running
from migration.inventory.models import Application, Source
from project.backbone import clock
from tests.builders.estate import a_disk, a_vm
from tests.builders.inventory import an_inventory
from tests.builders.pages import DRIFTED, HOSTILE, World, a_world, answered, in_state
from tests.builders.people import PASSWORD, People, with_password
from tests.builders.pools import NOW

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
playwright = pytest.importorskip("playwright.sync_api", reason="the Python package playwright is not installed")
pytestmark = [
    pytest.mark.chromium,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed (Debian package chromium)"),
]
ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture
def world(people: People, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Playwright keeps an event loop in this thread, in which Django would refuse its database without the variable."""
    monkeypatch.setitem(os.environ, "DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    with clock.frozen(NOW):
        for person in (people.owner, people.teammate):
            with_password(person)
        yield a_world(people, at=NOW)


@pytest.fixture
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        launched = driver.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield launched
        launched.close()


class Visit:
    """One person's window. Everything the console complains about is kept in `complaints`."""

    def __init__(self, browser: Any, base_url: str, **context: Any) -> None:
        self.window = browser.new_context(base_url=base_url, **context).new_page()
        self.complaints: list[str] = []
        self.window.on("console", lambda said: said.type in {"error", "warning"} and self.complaints.append(said.text))
        self.window.on("pageerror", lambda error: self.complaints.append(str(error)))

    def sign_in(self, name: str) -> None:
        self.window.goto("/login")
        self.window.get_by_label("User name").fill(name)
        self.window.get_by_label("Password").fill(PASSWORD)
        self.window.get_by_role("button", name="Sign in").click()

    def open(self, tab: str) -> None:
        self.window.get_by_role("navigation").get_by_role("link", name=tab, exact=True).click()

    def sees(self, words: str) -> None:
        playwright.expect(self.window.get_by_text(words).first).to_be_visible()

    def fits(self) -> bool:
        """Whether the page is no wider than the window."""
        return bool(self.window.evaluate("document.documentElement.scrollWidth <= innerWidth"))


def test_a_person_signs_in_walks_the_five_pages_and_the_console_stays_silent(
    world: World, browser: Any, live_server: Any
) -> None:
    in_state("app-01", State.DONE, copied=1.0)
    answered(world, DRIFTED, at=NOW)
    visit = Visit(browser, live_server.url)
    visit.sign_in("owner")
    visit.window.get_by_role("link", name=world.people.project.name).click()
    playwright.expect(visit.window.get_by_role("heading", name=re.compile("wave 1: closed"))).to_be_visible()
    visit.sees(DRIFTED.remedy)
    visit.open("Inventory")
    visit.window.get_by_label("Verdict").select_option("blocked")
    visit.window.get_by_role("button", name="Filter").click()
    playwright.expect(visit.window.locator("tbody tr")).to_have_count(3)
    visit.sees("ora-01")
    visit.open("Conversions")
    visit.sees("runs in the pool")
    visit.open("Readiness")
    visit.sees("Verdict: ready")
    playwright.expect(visit.window.get_by_role("img", name=re.compile("^Pool "))).to_be_visible()
    visit.open("Reports")
    visit.window.get_by_role("button", name="Make a report").click()
    visit.sees("being made")
    visit.window.get_by_role("button", name="Sign out").click()
    visit.sees("User name")
    assert visit.complaints == []


def test_what_changed_since_the_last_collection_can_be_read_and_narrowed(world: World, browser: Any, live_server: Any) -> None:
    second = replace(a_disk(), device_key=2001, label="Hard disk 2", capacity_bytes=40 << 30)
    grown = a_vm("app-01", vcpus=16, disks=(a_disk(), second), annotation="long words without end " * 40)
    with clock.frozen(NOW + timedelta(hours=1)):
        an_inventory(Source.objects.get(), grown, a_vm(HOSTILE))
    visit = Visit(browser, live_server.url, viewport={"width": 390, "height": 800})
    visit.sign_in("owner")
    visit.window.goto(f"/projects/{world.people.project.id}/inventory")
    visit.window.get_by_role("link", name="what changed").click()
    visit.sees("machines gone")
    visit.window.get_by_label("About").select_option("disk")
    visit.window.get_by_role("button", name="Compare").click()
    playwright.expect(visit.window.locator("tbody tr")).to_have_count(1)
    visit.sees("app-01")
    assert visit.fits()
    assert visit.complaints == []


def test_a_copy_moves_on_before_the_persons_eyes(world: World, browser: Any, live_server: Any) -> None:
    in_state("db-01", State.COPYING, copied=0.25, step="copy_disks")
    visit = Visit(browser, live_server.url)
    visit.sign_in("owner")
    visit.window.goto(f"/projects/{world.people.project.id}/conversions")
    visit.sees("25 %")
    visit.window.get_by_role("row", name=re.compile("db-01")).get_by_text("disks", exact=True).click()
    in_state("db-01", State.COPYING, copied=0.75, step="copy_disks")
    visit.sees("75 %")
    visit.sees("75 % copied, not read back yet")  # what was opened stays open
    in_state("db-01", State.DONE, copied=1.0)
    visit.sees("runs in the pool")
    visit.sees("read back equal")
    assert visit.complaints == []


def test_an_approver_signs_an_open_gate_and_the_other_person_sees_it_turn_green(
    world: World, browser: Any, live_server: Any
) -> None:
    answered(world, at=NOW)
    address = f"/projects/{world.people.project.id}"
    owner, teammate = (Visit(browser, live_server.url) for _ in range(2))
    for visit, name in ((owner, "owner"), (teammate, "teammate")):
        visit.sign_in(name)
        visit.window.goto(address)
        visit.sees("open, not signed")
    teammate.window.get_by_role("button", name="Sign the answer").click()
    teammate.sees("Signed by teammate")
    playwright.expect(owner.window.locator(".light.good")).to_be_visible(timeout=20_000)
    assert (owner.complaints, teammate.complaints) == ([], [])


def test_the_pages_work_without_javascript_in_the_dark_and_on_a_telephone(world: World, browser: Any, live_server: Any) -> None:
    visit = Visit(
        browser, live_server.url, java_script_enabled=False, color_scheme="dark", viewport={"width": 375, "height": 700}
    )
    visit.sign_in("owner")
    for page, words in (("", "never asked"), ("/inventory", "legacy-07"), ("/conversions", "planned"), ("/readiness", "HA-020")):
        visit.window.goto(f"/projects/{world.people.project.id}{page}")
        visit.sees(words)
    visit.window.goto(f"/projects/{world.people.project.id}")
    visit.window.get_by_role("button", name="Ask the gate").click()
    visit.sees("is being asked")


@pytest.mark.parametrize("width", [375, 1280])
def test_no_page_is_wider_than_its_window(world: World, browser: Any, live_server: Any, width: int) -> None:
    answered(world, DRIFTED, at=NOW)
    visit = Visit(browser, live_server.url, viewport={"width": width, "height": 700})
    visit.sign_in("owner")
    running.change(world.people.project, actor=world.people.actor("admin"), bandwidth=[{"bytes_per_s": 1 << 20, "to": "06:00"}])
    pages = ("", "/inventory", "/conversions", "/conversions/running", "/readiness", f"/readiness/{world.pool.pk}/timeout")
    for page in (*pages, "/reports"):
        visit.window.goto(f"/projects/{world.people.project.id}{page}")
        assert visit.fits(), page


def test_an_admin_limits_the_office_hours_and_sees_them_drawn(world: World, browser: Any, live_server: Any) -> None:
    with_password(world.people.admin)
    visit = Visit(browser, live_server.url)
    visit.sign_in("chief")
    visit.window.goto(f"/projects/{world.people.project.id}/conversions")
    visit.window.get_by_role("link", name="How they are run").click()
    visit.window.get_by_label("MiB a second").fill("50")
    visit.window.get_by_label("From", exact=True).fill("08:00")
    visit.window.get_by_label("To; earlier is over midnight").fill("18:00")
    for day in ("mon", "fri"):
        visit.window.get_by_label(day, exact=True).check()
    visit.window.get_by_role("button", name="Add").click()
    visit.sees("This limit holds at once")
    visit.window.get_by_role("img", name="Bandwidth to every pool over the week").wait_for()
    assert visit.window.locator("svg title", has_text="fri 08:00 to 18:00: 50 MiB a second").count() == 1
    visit.window.get_by_role("button", name="Remove").click()
    visit.sees("Nothing limits how fast disks are copied and read back.")
    assert visit.fits() and visit.complaints == []


def test_a_person_decides_on_two_machines_and_sees_what_their_application_needs(
    world: World, browser: Any, live_server: Any, tmp_path: Path
) -> None:
    mail = Application.objects.create(project=world.people.project, name="Mail")
    shop = Application.objects.create(project=world.people.project, name="Web shop")
    shop.depends_on.add(mail)
    visit = Visit(browser, live_server.url)
    visit.sign_in("owner")
    visit.window.goto(f"/projects/{world.people.project.id}/inventory")
    for name in ("web-01", "web-02"):
        visit.window.get_by_label(f"Choose {name}").check()
    visit.window.get_by_label("They serve").select_option("Web shop")
    visit.window.get_by_role("button", name="Decide for all chosen").click()
    visit.sees("2 of 2 chosen machines changed.")
    visit.window.screenshot(path=tmp_path / "machines.png", full_page=True)
    visit.window.get_by_role("link", name="Applications", exact=True).click()
    visit.window.get_by_role("img", name="Web shop (2 machines) needs Mail.").wait_for()
    visit.window.screenshot(path=tmp_path / "applications.png", full_page=True)
    assert visit.fits() and visit.complaints == []


def test_a_hostile_name_runs_nothing(world: World, browser: Any, live_server: Any) -> None:
    world.pool.name = HOSTILE
    world.pool.save()
    world.people.project.name = f"{HOSTILE}<img src=x onerror=alert(1)>"
    world.people.project.save()
    visit = Visit(browser, live_server.url)
    opened: list[str] = []
    visit.window.on("dialog", lambda dialog: (opened.append(dialog.message), dialog.dismiss()))
    visit.sign_in("owner")
    for page in ("", "/inventory", "/readiness", "/reports"):
        visit.window.goto(f"/projects/{world.people.project.id}{page}")
        visit.sees(HOSTILE)
    assert (opened, visit.complaints) == ([], [])
