"""Workbooks that go out and come back: unchanged changes nothing, every wrong cell is told, clashes are seen."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
import xlsxwriter
from python_calamine import CalamineWorkbook

from estate.facts.unknown import UNKNOWN
from migration.assessment.models import Attestation
from migration.inventory.models import Application, Machine
from migration.inventory.services import applications, machines
from project.backbone.accounts.policy import Role
from project.backbone.clock import now
from tests.builders.estate import a_nic, a_vm
from tests.builders.inventory import a_source, an_inventory
from tests.builders.jobs import run_jobs
from tests.builders.people import People, a_client, a_user

pytestmark = pytest.mark.django_db
Sheets = dict[str, list[list[Any]]]


@pytest.fixture
def estate(people: People) -> People:
    """Two machines, one with a name that wants to be a formula; one application."""
    formula = a_vm("=HYPERLINK(1)", native_id="vm-1", nics=(a_nic(0),))
    an_inventory(a_source(people.project), formula, a_vm("db", native_id="vm-2", nics=(a_nic(1),), vcpus=UNKNOWN))
    shop = {"name": "Shop", "owner": "Ann", "criticality": "high", "rto_s": 7200}
    applications.create_application(people.project, actor=people.actor("owner"), **shop)
    return people


def path(people: People, rest: str) -> str:
    return f"/api/v1/projects/{people.project.id}/{rest}"


def exported(people: People, name: str = "estate.xlsx") -> Sheets:
    answer = people.client("owner").get(path(people, name))
    assert answer.status_code == 200
    book = CalamineWorkbook.from_filelike(io.BytesIO(answer.content))
    return {sheet: book.get_sheet_by_name(sheet).to_python() for sheet in book.sheet_names}


def written(sheets: Sheets) -> bytes:
    """The sheets as another program would save them: inline texts, numbers as floats."""
    target = io.BytesIO()
    book = xlsxwriter.Workbook(target, {"in_memory": True, "constant_memory": True, "default_date_format": "yyyy-mm-dd"})
    for name, rows in sheets.items():
        page = book.add_worksheet(name)
        for number, row in enumerate(rows):
            for column, value in enumerate(row):
                if isinstance(value, str):
                    page.write_string(number, column, value)
                elif value is not None:
                    page.write(number, column, value)
    book.close()
    return target.getvalue()


def send(people: People, content: bytes, rest: str = "estate", who: Any = None) -> Any:
    file = io.BytesIO(content)
    file.name = "estate.xlsx"
    return (who or people.client("owner")).post(path(people, rest), {"file": file}, format="multipart")


def row_of(sheets: Sheets, sheet: str, name: str) -> tuple[list[str], list[Any]]:
    head, *rows = sheets[sheet]
    return head, next(row for row in rows if row[0] == name)


def put(sheets: Sheets, sheet: str, name: str, **cells: Any) -> None:
    head, row = row_of(sheets, sheet, name)
    for header, value in cells.items():
        row[head.index(header.replace("_", " "))] = value


def test_what_goes_out_shows_facts_and_says_what_nobody_read(estate: People) -> None:
    sheets = exported(estate)
    head, row = row_of(sheets, "Machines", "db")
    told = dict(zip(head, row, strict=True))
    assert (told["vCPUs"], told["Disposition"], told["Memory (GiB)"]) == ("unknown", "migrate", 4.0)
    assert sheets["Machines"][1][0] == "=HYPERLINK(1)"
    assert dict(zip(*row_of(sheets, "Applications", "Shop"), strict=True))["RTO (hours)"] == 2.0


def test_no_name_runs_as_a_formula(estate: People) -> None:
    content = estate.client("owner").get(path(estate, "estate.xlsx")).content
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        assert not any(b"<f>" in packed.read(name) for name in packed.namelist() if "worksheets" in name)


def test_unchanged_it_changes_nothing_whoever_saved_it(estate: People) -> None:
    original = estate.client("owner").get(path(estate, "estate.xlsx")).content
    for content in (original, written(exported(estate))):
        taken = send(estate, content).json()
        assert (taken["machines_changed"], taken["applications_added"], taken["applications_changed"]) == (0, 0, 0), taken


def filled(sheets: Sheets) -> Sheets:
    put(sheets, "Machines", "db", Disposition="retire", Application="Billing", Note="after March")
    put(sheets, "Applications", "Shop", Owner="Bob", Depends_on="Billing")
    sheets["Applications"].append(["Billing", "Eve", "critical", 0.5, "", "new", ""])
    return sheets


def test_what_people_filled_in_is_taken_with_new_applications_and_what_they_need(estate: People) -> None:
    taken = send(estate, written(filled(exported(estate)))).json()
    assert (taken["machines_changed"], taken["applications_added"], taken["applications_changed"]) == (1, 1, 1)
    db = Machine.objects.get(name="db")
    assert (db.disposition, db.application.name, db.note) == ("retire", "Billing", "after March")
    assert Application.objects.get(name="Billing").rto_s == 1800
    shop = Application.objects.get(name="Shop")
    assert (shop.owner, [each.name for each in shop.depends_on.all()]) == ("Bob", ["Billing"])
    again = send(estate, written(exported(estate))).json()
    assert again["machines_changed"] == 0


def test_a_dry_run_tells_the_same_and_writes_nothing(estate: People) -> None:
    taken = send(estate, written(filled(exported(estate))), "estate?dry_run=true").json()
    assert (taken["dry_run"], taken["machines_changed"], taken["applications_added"]) == (True, 1, 1)
    assert {"sheet": "Machines", "name": "db", "what": "retire, Billing"} in taken["changes"]
    assert not Application.objects.filter(name="Billing").exists()
    assert Machine.objects.get(name="db").disposition == "migrate"


def test_an_empty_disposition_stays_and_an_empty_application_serves_none(estate: People) -> None:
    shop = Application.objects.get()
    machines.change_machine(Machine.objects.get(name="db"), application_id=shop.id, actor=estate.actor("owner"))
    sheets = exported(estate)
    put(sheets, "Machines", "db", Disposition="", Application="")
    assert send(estate, written(sheets)).status_code == 200
    db = Machine.objects.get(name="db")
    assert (db.disposition, db.application) == ("migrate", None)


WRONG: list[tuple[Callable[[Sheets], Any], str, str]] = [
    (lambda s: put(s, "Machines", "db", Disposition="keep"), "Machines!I3", "invalid_choice"),
    (lambda s: put(s, "Machines", "db", Application="Nowhere"), "Machines!J3", "does_not_exist"),
    (lambda s: put(s, "Machines", "db", Note=date(2027, 1, 1)), "Machines!K3", "cell_wrong_type"),
    (lambda s: put(s, "Machines", "db", Note="x" * 2001), "Machines!K3", "max_length"),
    (lambda s: put(s, "Machines", "db", Machine_id="vm-2"), "Machines!L3", "does_not_exist"),
    (lambda s: s["Machines"].append(list(s["Machines"][2])), "Machines!L4", "named_twice"),
    (lambda s: put(s, "Machines", "db", As_exported=""), "Machines!M3", "not_as_exported"),
    (lambda s: put(s, "Machines", "db", As_exported="[1]"), "Machines!M3", "not_as_exported"),
    (lambda s: put(s, "Machines", "db", As_exported="[" * 5000), "Machines!M3", "not_as_exported"),
    (lambda s: s["Machines"][0].__setitem__(8, "What then"), "Machines!1", "column_missing"),
    (lambda s: s.pop("Machines"), "Machines", "sheet_missing"),
    (lambda s: put(s, "Applications", "Shop", Criticality="huge"), "Applications!C2", "invalid_choice"),
    (lambda s: s["Applications"][1].__setitem__(3, "soon"), "Applications!D2", "cell_wrong_type"),
    (lambda s: s["Applications"][1].__setitem__(3, -1), "Applications!D2", "out_of_range"),
    (lambda s: s["Applications"][1].__setitem__(3, 1e300), "Applications!D2", "out_of_range"),
    (lambda s: put(s, "Applications", "Shop", Depends_on="Nobody"), "Applications!E2", "does_not_exist"),
    (lambda s: put(s, "Applications", "Shop", Depends_on="Shop"), "Applications!E2", "does_not_exist"),
    (lambda s: s["Applications"].append(["shop", "", "", "", "", "", ""]), "Applications!A3", "named_twice"),
    (lambda s: s["Applications"].append(["", "Ann", "", "", "", "", ""]), "Applications!A3", "required"),
    (lambda s: s["Applications"].append(["a;b", "", "", "", "", "", ""]), "Applications!A3", "invalid"),
]


@pytest.mark.parametrize(("spoil", "place", "code"), WRONG)
def test_a_wrong_cell_is_told_with_its_place_and_nothing_is_taken(
    spoil: Callable[[Sheets], Any], place: str, code: str, estate: People
) -> None:
    sheets = exported(estate)
    sheets["Machines"].sort(key=lambda row: (row[0] != "Machine", row[0]))
    put(sheets, "Machines", "=HYPERLINK(1)", Disposition="retire")
    spoil(sheets)
    refused = send(estate, written(sheets))
    assert refused.status_code == 400, refused.json()
    told = [(each["field"], each["code"]) for each in refused.json()["errors"]]
    assert (place, code) in told, told
    assert set(Machine.objects.values_list("disposition", flat=True)) == {"migrate"}
    assert Application.objects.count() == 1


def test_all_wrong_cells_are_told_at_once(estate: People) -> None:
    sheets = exported(estate)
    put(sheets, "Machines", "db", Disposition="keep")
    put(sheets, "Machines", "=HYPERLINK(1)", Application="Nowhere")
    put(sheets, "Applications", "Shop", Criticality="huge")
    assert len(send(estate, written(sheets)).json()["errors"]) == 3


def test_what_was_changed_meanwhile_is_a_clash_and_untouched_rows_are_none(estate: People) -> None:
    sheets = exported(estate)
    machines.change_machine(Machine.objects.get(name="db"), disposition="retain", actor=estate.actor("owner"))
    assert send(estate, written(sheets)).status_code == 200, "nobody touched the row"
    put(sheets, "Machines", "db", Disposition="retire")
    refused = send(estate, written(sheets))
    assert [each["code"] for each in refused.json()["errors"]] == ["changed_meanwhile"]
    assert Machine.objects.get(name="db").disposition == "retain"


def test_an_application_changed_meanwhile_is_a_clash(estate: People) -> None:
    sheets = exported(estate)
    applications.change_application(Application.objects.get(), owner="Zoe", actor=estate.actor("owner"))
    put(sheets, "Applications", "Shop", Owner="Bob")
    assert [each["code"] for each in send(estate, written(sheets)).json()["errors"]] == ["changed_meanwhile"]


def test_a_formula_is_refused_with_its_cell(estate: People) -> None:
    sheets, target = exported(estate), io.BytesIO()
    book = xlsxwriter.Workbook(target, {"in_memory": True})
    for name, rows in sheets.items():
        page = book.add_worksheet(name)
        for number, row in enumerate(rows):
            for column, value in enumerate(row):
                page.write_string(number, column, str(value))
    book.get_worksheet_by_name("Machines").write_formula(2, 8, '="re"&"tire"', None, "retire")
    book.close()
    refused = send(estate, target.getvalue())
    assert refused.status_code == 400
    assert "formula" in json.dumps(refused.json()).lower()
    assert "I3" in json.dumps(refused.json()) or "row 3" in json.dumps(refused.json())


@pytest.mark.parametrize("content", [b"", b"junk", b"PK\x03\x04junk" * 9])
def test_a_file_that_is_no_workbook_is_a_problem_and_no_error(content: bytes, estate: People) -> None:
    refused = send(estate, content)
    assert (refused.status_code, refused["Content-Type"]) == (400, "application/problem+json")


def test_a_foreign_project_and_a_viewer_take_nothing_back(estate: People) -> None:
    content = written(filled(exported(estate)))
    assert send(estate, content, who=a_client(a_user(Role.VIEWER, project=estate.project))).status_code == 403
    assert send(estate, content, who=estate.client("stranger")).status_code == 404
    assert not Application.objects.filter(name="Billing").exists()


@pytest.fixture
def asked(people: People) -> People:
    """Three machines whose snapshots nobody read."""
    an_inventory(a_source(people.project), *(a_vm(f"vm-{n}", snapshots=UNKNOWN, nics=(a_nic(n),)) for n in range(3)))
    run_jobs(kind="assessment.assess")
    return people


def answered(people: People, *, rule: str = "SNP-001", **cells: Any) -> Sheets:
    sheets = exported(people, "attestations.xlsx")
    head, *rows = sheets["Questions"]
    for row in rows:
        if row[0] == rule:
            for header, value in {"Answer": "no", "Who_says_so": "Eve", **cells}.items():
                row[head.index(header.replace("_", " "))] = value
    return sheets


def test_equal_answers_of_many_machines_are_one_statement(asked: People) -> None:
    taken = send(asked, written(answered(asked, Note="looked")), "attestations/workbook")
    assert taken.json() == {"dry_run": False, "statements": 1, "subjects": 3}
    row = Attestation.objects.get()
    assert (row.rule_id, row.answer, row.who, row.note, len(row.subjects)) == ("SNP-001", False, "Eve", "looked", 3)
    run_jobs(kind="assessment.assess")
    assert "SNP-001" not in {row[0] for row in exported(asked, "attestations.xlsx")["Questions"]}


def test_a_dry_run_of_answers_records_none(asked: People) -> None:
    assert send(asked, written(answered(asked)), "attestations/workbook?dry_run=1").json()["statements"] == 1
    assert not Attestation.objects.exists()


def test_lines_without_an_answer_stay_open(asked: People) -> None:
    taken = send(asked, written(exported(asked, "attestations.xlsx")), "attestations/workbook").json()
    assert (taken["statements"], Attestation.objects.count()) == (0, 0)


def test_a_question_open_for_a_whole_source_is_one_line_that_answers_for_all(asked: People) -> None:
    sheets = exported(asked, "attestations.xlsx")
    whole = [row for row in sheets["Questions"] if str(row[-1]).startswith("inventory:")]
    assert whole and len({row[0] for row in whole}) == len(whole)
    taken = send(asked, written(answered(asked, rule=whole[0][0])), "attestations/workbook").json()
    assert taken["subjects"] == 3


@pytest.mark.parametrize(
    ("cells", "code"),
    [
        ({"Answer": "maybe"}, "invalid_choice"),
        ({"Who_says_so": ""}, "required"),
        ({"Valid_until": "next year"}, "cell_wrong_type"),
        ({"Valid_until": 12}, "cell_wrong_type"),
        ({"Valid_until": date(2020, 1, 1)}, "in_the_past"),
        ({"Note": "x" * 2001}, "max_length"),
        ({"Subject": "machine-1"}, "not_open"),
    ],
)
def test_a_wrong_answer_is_told_and_none_is_recorded(cells: dict[str, Any], code: str, asked: People) -> None:
    refused = send(asked, written(answered(asked, **cells)), "attestations/workbook")
    assert refused.status_code == 400
    assert code in {each["code"] for each in refused.json()["errors"]}, refused.json()
    assert not Attestation.objects.exists()


@pytest.mark.parametrize("until", [date(2099, 1, 31), "2099-01-31"])
def test_an_answer_may_end_on_a_day(until: Any, asked: People) -> None:
    assert send(asked, written(answered(asked, Valid_until=until)), "attestations/workbook").status_code == 200
    ends = Attestation.objects.get().expires_at
    assert ends.date() == date(2099, 1, 31) and ends - now() > timedelta(days=365)


def test_an_answer_is_for_operators_of_this_project(asked: People) -> None:
    content = written(answered(asked))
    assert send(asked, content, "attestations/workbook", a_client(a_user(Role.PLANNER, project=asked.project))).status_code == 403
    assert send(asked, content, "attestations/workbook", asked.client("stranger")).status_code == 404


def test_findings_are_a_workbook_too(asked: People) -> None:
    sheets = exported(asked, "findings.xlsx?rule_id=SNP-001")
    head, *rows = sheets["Findings"]
    assert (head[0], len(rows), {row[0] for row in rows}) == ("Rule", 3, {"SNP-001"})


def test_the_page_sends_the_workbook_out_and_shows_wrong_cells_once(estate: People, client: Any) -> None:
    client.force_login(estate.owner)
    page = f"/projects/{estate.project.id}/applications"
    sheets = exported(estate)
    put(sheets, "Machines", "db", Disposition="keep")
    file = io.BytesIO(written(sheets))
    file.name = "estate.xlsx"
    client.post(f"{page}/estate", {"file": file})
    shown = client.get(page).content.decode()
    assert "One of migrate" in shown and "estate.xlsx" in shown
    assert "One of migrate" not in client.get(page).content.decode()
    file = io.BytesIO(written(filled(exported(estate))))
    file.name = "estate.xlsx"
    client.post(f"{page}/estate", {"file": file})
    assert "Billing" in client.get(page).content.decode()
    assert client.post(f"{page}/estate", {}).status_code == 303


def test_the_page_adds_and_deletes_an_application(estate: People, client: Any) -> None:
    client.force_login(estate.owner)
    page = f"/projects/{estate.project.id}/applications"
    client.post(f"{page}/add", {"name": "Mail", "rto_hours": "1,5", "criticality": "low"})
    assert Application.objects.get(name="Mail").rto_s == 5400
    for bad in (
        {"name": "X", "rto_hours": "soon"},
        {"name": "X", "rto_hours": "nan"},
        {"name": "X", "rto_hours": "inf"},
        {"name": ""},
    ):
        assert client.post(f"{page}/add", bad).status_code == 303
    assert not Application.objects.filter(name="X").exists()
    client.post(f"{page}/{Application.objects.get(name='Mail').id}/delete")
    assert not Application.objects.filter(name="Mail").exists()


def test_answers_are_sent_back_on_the_page_of_questions(asked: People, client: Any) -> None:
    client.force_login(asked.owner)
    page = f"/projects/{asked.project.id}/questions"
    file = io.BytesIO(written(answered(asked, Answer="maybe")))
    file.name = "questions.xlsx"
    client.post(f"{page}/answers", {"file": file})
    assert "Answer yes or no." in client.get(page).content.decode()
    file = io.BytesIO(written(answered(asked)))
    file.name = "questions.xlsx"
    client.post(f"{page}/answers", {"file": file})
    assert Attestation.objects.count() == 1
