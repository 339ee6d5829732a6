"""Endpoints: sealed passwords, pins that a person confirmed, and nothing secret in the audit log."""

from __future__ import annotations

import pytest
from django.db import connection

from project.backbone.accounts.policy import Role
from project.backbone.endpoints import selectors, services
from project.backbone.endpoints.sealing import CannotOpen, open_sealed, seal
from project.backbone.models import AuditEntry, Endpoint
from project.backbone.problems import Conflict, Invalid, NotVisible, RoleTooLow
from tests.builders.people import People, a_user, actor_of_user

pytestmark = pytest.mark.django_db
PIN = ":".join(["AB"] * 32)
OTHER_PIN = ":".join(["CD"] * 32)
PASSWORD = "a-very-secret-pool-password"


def an_endpoint(people: People, **fields: str) -> Endpoint:
    given = {
        "kind": "pool",
        "name": "pool-a",
        "url": "https://pool-a.example",
        "username": "root",
        "password": PASSWORD,
        **fields,
    }
    return services.create_endpoint(people.project, **given, actor=people.actor("owner"))


def test_the_password_is_sealed_in_the_table_and_opened_for_the_connection(people: People) -> None:
    endpoint = an_endpoint(people)
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM backbone_endpoint")
        assert PASSWORD not in str(cursor.fetchall())
    opened = selectors.connection_of(endpoint)
    assert (opened.password, opened.url, opened.name) == (PASSWORD, "https://pool-a.example", "pool-a")
    assert PASSWORD not in repr(opened)


def test_sealing_twice_gives_two_texts_and_a_changed_one_does_not_open() -> None:
    first, second = seal("secret"), seal("secret")
    assert first != second
    assert open_sealed(first) == open_sealed(second) == "secret"
    with pytest.raises(CannotOpen):
        open_sealed(first[:-6] + "AAAAA=")
    with pytest.raises(CannotOpen):
        open_sealed("v1:")


def test_another_installations_key_does_not_open_it(settings: object) -> None:
    sealed = seal("secret")
    settings.SEALING_KEY = "another key of another installation"  # type: ignore[attr-defined]
    with pytest.raises(CannotOpen, match="password of vcenter north"):
        open_sealed(sealed, of="vcenter north")


def test_only_certificates_that_were_seen_can_be_confirmed(people: People) -> None:
    endpoint, actor = an_endpoint(people), people.actor("owner")
    with pytest.raises(Invalid, match="did not show"):
        services.confirm_pins(endpoint, tls_thumbprints=[PIN], actor=actor)
    services.offer_certificates(
        endpoint, [{"subject": "host1", "sha256": PIN.lower().replace(":", ""), "address": "h1"}], actor=actor
    )
    assert endpoint.pins == []
    services.confirm_pins(endpoint, tls_thumbprints=[PIN.lower()], actor=actor)
    endpoint.refresh_from_db()
    assert (endpoint.pins, endpoint.pins_confirmed_by_id) == ([PIN], people.owner.id)
    assert selectors.connection_of(endpoint).pins == frozenset({PIN})


def test_a_new_certificate_is_offered_but_changes_no_confirmed_pin(people: People) -> None:
    endpoint, actor = an_endpoint(people), people.actor("owner")
    services.offer_certificates(endpoint, [{"subject": "a", "sha256": PIN, "address": "h"}], actor=actor)
    services.confirm_pins(endpoint, tls_thumbprints=[PIN], actor=actor)
    services.offer_certificates(endpoint, [{"subject": "a", "sha256": OTHER_PIN, "address": "h"}], actor=actor)
    endpoint.refresh_from_db()
    assert endpoint.pins == [PIN]


@pytest.mark.parametrize("thumbprints", [[], ["nonsense"], ["AB:CD"], [PIN + ":AB"]])
def test_malformed_thumbprints_are_refused(people: People, thumbprints: list[str]) -> None:
    with pytest.raises(Invalid):
        services.confirm_pins(an_endpoint(people), tls_thumbprints=thumbprints, actor=people.actor("owner"))


def test_another_url_drops_the_confirmed_pins(people: People) -> None:
    endpoint, actor = an_endpoint(people), people.actor("owner")
    services.offer_certificates(endpoint, [{"subject": "a", "sha256": PIN, "address": "h"}], actor=actor)
    services.confirm_pins(endpoint, tls_thumbprints=[PIN], actor=actor)
    services.update_endpoint(endpoint, url="https://elsewhere.example", actor=actor)
    assert endpoint.pins == []
    with pytest.raises(Conflict, match="Nobody has confirmed"):
        selectors.require_confirmed(endpoint)


@pytest.mark.parametrize(
    "url",
    ["", "pool-a", "ftp://pool-a", "https://", "https://root:pw@pool-a", "https://pool-a:99999", "https://[::1"],
)
def test_what_is_no_url_of_an_endpoint_is_refused(people: People, url: str) -> None:
    with pytest.raises(Invalid):
        an_endpoint(people, url=url)


def test_two_endpoints_of_one_kind_cannot_share_a_name(people: People) -> None:
    an_endpoint(people)
    with pytest.raises(Conflict, match="already"):
        an_endpoint(people)


def test_roles_are_asked_for(people: People) -> None:
    viewer = actor_of_user(a_user(Role.VIEWER, project=people.project))
    with pytest.raises(RoleTooLow):
        services.create_endpoint(people.project, kind="pool", name="x", url="https://x", actor=viewer)
    with pytest.raises(NotVisible):
        services.create_endpoint(people.project, kind="pool", name="x", url="https://x", actor=people.actor("stranger"))


def test_the_audit_log_never_holds_the_password(people: People) -> None:
    endpoint = an_endpoint(people)
    services.update_endpoint(endpoint, password="another-secret-password", actor=people.actor("owner"))
    logged = str(list(AuditEntry.objects.values_list("before", "after")))
    assert PASSWORD not in logged
    assert "another-secret-password" not in logged
    assert endpoint.sealed_password not in logged
