"""Tenancy over HTTP: what the three standing people may see and do, and that problems name the role needed."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from project.backbone.models import Customer, Membership, Project, User
from tests.builders.people import People, a_client, a_customer, a_user

pytestmark = pytest.mark.django_db


def test_stranger_gets_404_for_every_collection_of_another_project(people: People) -> None:
    client = people.client("stranger")
    for collection in ("members", "waivers", "audit", "jobs"):
        answer = client.get(f"/api/v1/projects/{people.project.id}/{collection}")
        assert answer.status_code == 404, collection
        assert answer.json()["code"] == "not_found"
    assert client.get(f"/api/v1/projects/{people.project.id}").status_code == 404


def test_lists_show_only_the_callers_projects(people: People) -> None:
    assert [row["name"] for row in people.client("owner").get("/api/v1/projects").json()["results"]] == ["Blue"]
    assert [row["name"] for row in people.client("stranger").get("/api/v1/projects").json()["results"]] == ["Red"]
    customers = people.client("owner").get("/api/v1/customers").json()["results"]
    assert [row["id"] for row in customers] == [str(people.project.customer_id)]


def test_users_see_only_people_of_their_projects(people: People) -> None:
    names = {row["username"] for row in people.client("owner").get("/api/v1/users").json()["results"]}
    assert names == {"owner", "teammate", "chief"}


def test_nobody_is_told_to_sign_in() -> None:
    answer = a_client().get("/api/v1/projects")
    assert answer.status_code == 401
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["WWW-Authenticate"] == "Bearer"
    assert answer.json()["code"] == "not_signed_in"


def test_too_low_a_role_is_403_with_the_role_needed(people: People) -> None:
    answer = people.client("owner").post(
        f"/api/v1/projects/{people.project.id}/members", {"username": "stranger", "role": "viewer"}
    )
    assert answer.status_code == 403
    assert answer.json()["role_needed"] == "admin"


def test_an_admin_adds_changes_and_removes_a_member(people: People) -> None:
    client, base = people.client("admin"), f"/api/v1/projects/{people.project.id}/members"
    added = client.post(base, {"username": "stranger", "role": "viewer"})
    assert added.status_code == 201, added.json()
    changed = client.patch(f"{base}/{added.json()['id']}", {"role": "planner", "approver": True})
    assert (changed.json()["role"], changed.json()["approver"]) == ("planner", True)
    assert client.delete(f"{base}/{added.json()['id']}").status_code == 204
    assert not Membership.objects.filter(user=people.stranger, project=people.project).exists()


def test_adding_somebody_twice_is_a_conflict(people: People) -> None:
    answer = people.client("admin").post(f"/api/v1/projects/{people.project.id}/members", {"username": "owner", "role": "viewer"})
    assert (answer.status_code, answer.json()["code"]) == (409, "name_taken")


def test_the_last_admin_cannot_leave_or_step_down(people: People) -> None:
    chief = Membership.objects.get(user=people.admin, project=people.project)
    client, url = people.client("admin"), f"/api/v1/projects/{people.project.id}/members/{chief.id}"
    assert client.delete(url).json()["code"] == "last_admin"
    assert client.patch(url, {"role": "viewer"}).json()["code"] == "last_admin"


def test_only_superusers_create_users_customers_and_projects(people: People) -> None:
    customer = a_customer("Acme")
    bodies = {
        "users": {"username": "new", "password": "a long enough phrase"},
        "customers": {"name": "New"},
        "projects": {"customer": str(customer.id), "name": "New"},
    }
    root = a_client(a_user(superuser=True))
    for collection, body in bodies.items():
        refused = people.client("admin").post(f"/api/v1/{collection}", body)
        assert (refused.status_code, refused.json()["role_needed"]) == (403, "superuser")
        assert root.post(f"/api/v1/{collection}", body).status_code == 201
    assert User.objects.filter(username="new").exists()
    assert Customer.objects.filter(name="New").exists()
    assert Project.objects.get(name="New").memberships.get().role == "admin"


def test_passwords_are_write_only_and_weak_ones_are_refused() -> None:
    root = a_client(a_user(superuser=True))
    weak = root.post("/api/v1/users", {"username": "new", "password": "12345678"})
    assert weak.status_code == 400
    assert weak.json()["errors"][0]["field"] == "password"
    made = root.post("/api/v1/users", {"username": "new", "password": "a long enough phrase"})
    assert made.status_code == 201
    assert "password" not in made.json()


def test_a_taken_name_is_a_conflict_not_a_server_error() -> None:
    root = a_client(a_user(superuser=True))
    assert root.post("/api/v1/customers", {"name": "Acme"}).status_code == 201
    assert root.post("/api/v1/customers", {"name": "Acme"}).json()["code"] == "name_taken"


def test_people_change_their_own_password_but_not_their_own_rights(people: People) -> None:
    client, url = people.client("owner"), f"/api/v1/users/{people.owner.id}"
    assert client.patch(url, {"password": "another long phrase"}).status_code == 200
    assert client.patch(url, {"is_superuser": True}).status_code == 403


def test_the_last_superuser_stays() -> None:
    root = a_user(superuser=True)
    answer = a_client(root).patch(f"/api/v1/users/{root.id}", {"is_superuser": False})
    assert (answer.status_code, answer.json()["code"]) == (409, "last_superuser")


def test_an_unknown_project_answers_like_a_foreign_one(people: People) -> None:
    client = people.client("owner")
    foreign = client.get(f"/api/v1/projects/{people.other_project.id}/members").json()
    unknown = client.get(f"/api/v1/projects/{uuid4()}/members").json()
    assert foreign == unknown


def test_an_admin_renames_the_project(people: People) -> None:
    url = f"/api/v1/projects/{people.project.id}"
    assert people.client("owner").patch(url, {"name": "Green"}).status_code == 403
    assert people.client("admin").patch(url, {"name": "Green"}).json()["name"] == "Green"


def test_project_lists_cost_the_same_number_of_queries_however_long(people: People, django_assert_num_queries: Any) -> None:
    client = people.client("admin")
    url = f"/api/v1/projects/{people.project.id}/members"
    with django_assert_num_queries(4) as few:
        client.get(url)
    for _ in range(20):
        a_user("viewer", project=people.project)
    with django_assert_num_queries(len(few)):
        assert client.get(url).json()["count"] == 23
