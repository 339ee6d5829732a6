"""Notices: who may set receivers up, what is refused, what is signed, tried again, and never shown."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core import mail

from lab.tls import make_certificate, server_context
from project.backbone.models import AuditEntry, NoticeDelivery, NoticeTarget
from project.backbone.notices import catalogue
from project.backbone.notices.services import tell
from project.backbone.notices.signing import signature
from tests.builders.jobs import run_jobs
from tests.builders.people import People
from tests.builders.receiver import Receiver, a_receiver

pytestmark = pytest.mark.django_db
EVENT = "alarm.opened"


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    settings.NOTICE_LOOPBACK, settings.NOTICE_RETRY_S = True, 0.05
    with a_receiver() as running:
        yield running


def base(people: People) -> str:
    return f"/api/v1/projects/{people.project.id}/notice-targets"


def add(people: People, who: str = "admin", **changes: Any) -> Any:
    body = {"kind": "webhook", "name": "hall", "url": "https://hooks.example/x", "events": [EVENT], **changes}
    return people.client(who).post(base(people), {key: value for key, value in body.items() if value is not None}, format="json")


def told(people: People, text: str = "xen01 is away.") -> NoticeDelivery:
    tell(people.project, EVENT, subject=text, text=text, data={"n": 1}, actor=people.actor("owner"))
    return NoticeDelivery.objects.get()


def until_ended(row: NoticeDelivery) -> NoticeDelivery:
    for _ in range(500):
        run_jobs()
        row.refresh_from_db()
        if row.ended_at is not None:
            return row
    raise AssertionError("the delivery did not end")


@pytest.mark.parametrize(("who", "status"), [("admin", 201), ("owner", 403), ("stranger", 404)])
def test_only_an_admin_sets_a_receiver_up(people: People, who: str, status: int) -> None:
    assert add(people, who).status_code == status


def test_changing_removing_and_testing_ask_for_an_admin_too(people: People) -> None:
    one = f"{base(people)}/{add(people).json()['id']}"
    owner = people.client("owner")
    assert [owner.patch(one, {}).status_code, owner.delete(one).status_code, owner.post(f"{one}/test").status_code] == [403] * 3
    assert people.client("stranger").get(one).status_code == 404
    assert owner.get(one).status_code == 200


def test_url_and_secret_are_shown_at_no_time_but_the_secret_once(people: People) -> None:
    made = add(people, url="https://hooks.example/services/T0KEN").json()
    secret = made["secret"]
    assert len(secret) >= 32 and made["address"] == "https://hooks.example"
    one = f"{base(people)}/{made['id']}"
    client = people.client("admin")
    said = [client.get(one).content, client.get(base(people)).content, client.patch(one, {"name": "desk"}).content]
    row = NoticeTarget.objects.get()
    kept = [*map(str, AuditEntry.objects.values_list("before", "after")), row.sealed, row.shown]
    for text in [*map(bytes.decode, said), *kept]:
        assert secret not in text and "T0KEN" not in text
    assert {"notice_target.added", "notice_target.changed"} <= set(AuditEntry.objects.values_list("action", flat=True))


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example/x", "https://", "ftp://h/x", "https://u:p@h/x", "https://h/#a", "https://h:99999/", "https://h/a b",
        "",        "https://127.0.0.1/x", "https://[::1]/x", "https://169.254.169.254/latest", "https://[fe80::1]/x", "https://0.0.0.0/",
        "https://[::ffff:169.254.169.254]/", "https://[64:ff9b::a9fe:a9fe]/", "https://224.0.0.1/", "https://[2002:7f00:1::]/",
        "https://100.100.100.200/",
    ],
)  # fmt: skip
def test_a_url_that_leads_where_no_notice_may_go_is_refused(people: People, url: str) -> None:
    answer = add(people, url=url)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "url"), answer.content
    assert not NoticeTarget.objects.exists()


def test_a_private_network_is_allowed(people: People) -> None:
    assert add(people, url="https://10.1.2.3:8443/hook").status_code == 201


def test_a_name_that_resolves_to_this_machine_is_refused_when_it_is_sent(people: People) -> None:
    assert add(people, url="https://localhost/x").status_code == 201
    row = until_ended(told(people))
    assert (row.state, row.attempts) == ("failed", 1) and "this machine itself" in row.error


def test_a_notice_arrives_signed_over_its_time_and_body(people: People, receiver: Receiver) -> None:
    secret = add(people, url=receiver.url).json()["secret"]
    row = until_ended(told(people))
    assert (row.state, row.attempts, row.http_status, row.error) == ("delivered", 1, 204, "")
    [(headers, body)] = receiver.got
    at = int(headers["Xenbound-Timestamp"])
    assert headers["Xenbound-Signature"] == signature(secret, at, body) != signature(secret, at + 1, body)
    assert json.loads(body)["data"] == {"n": 1} and headers["Xenbound-Delivery"] == str(row.id)


def test_a_receiver_that_fails_is_tried_again_with_the_same_delivery(people: People, receiver: Receiver) -> None:
    receiver.statuses = [500, 503]
    add(people, url=receiver.url)
    row = until_ended(told(people))
    assert (row.state, row.attempts) == ("delivered", 3)
    assert len({headers["Xenbound-Delivery"] for headers, _ in receiver.got}) == 1


def test_a_redirect_is_not_followed(people: People, receiver: Receiver) -> None:
    receiver.statuses = [307]
    add(people, url=receiver.url)
    row = until_ended(told(people))
    assert (row.state, row.attempts, len(receiver.got)) == ("failed", 1, 1) and "redirects" in row.error


def test_nobody_is_told_what_they_did_not_ask_for_or_while_switched_off(people: People) -> None:
    one = f"{base(people)}/{add(people, events=['alarm.closed']).json()['id']}"
    assert tell(people.project, EVENT, subject="x", text="x", data={}, actor=people.actor("owner")) == 0
    people.client("admin").patch(one, {"events": [EVENT], "enabled": False}, format="json")
    assert tell(people.project, EVENT, subject="x", text="x", data={}, actor=people.actor("owner")) == 0


def test_a_test_delivery_says_that_it_is_one(people: People, receiver: Receiver) -> None:
    one = f"{base(people)}/{add(people, url=receiver.url).json()['id']}"
    assert people.client("admin").post(f"{one}/test").status_code == 202
    until_ended(NoticeDelivery.objects.get())
    assert [each["event"] for each in receiver.told(catalogue.TEST)] == ["test"]
    listed = people.client("owner").get(f"/api/v1/projects/{people.project.id}/notice-deliveries").json()["results"]
    assert [(each["state"], each["event"], each["target_name"]) for each in listed] == [("delivered", "test", "hall")]


def test_an_unknown_event_a_strange_address_and_a_name_taken_are_refused(people: People, settings: Any) -> None:
    settings.MAIL_CONFIGURED = True
    assert add(people, events=["moon.full"]).json()["errors"][0]["field"] == "events"
    wrong = add(people, kind="email", url=None, addresses=["ada@example.org\nBcc: eve@example.org"])
    assert wrong.json()["errors"][0]["field"] == "addresses"
    assert add(people).status_code == 201 and add(people).json()["code"] == "name_taken"


def test_mail_needs_a_mail_server_and_then_arrives(people: People, settings: Any) -> None:
    asked = {"kind": "email", "url": None, "addresses": ["ada@example.org"]}
    settings.MAIL_CONFIGURED = False
    assert add(people, **asked).json()["code"] == "mail_not_configured"
    settings.MAIL_CONFIGURED, settings.DEFAULT_FROM_EMAIL = True, "xenbound@example.org"
    assert add(people, **asked).json()["address"] == "ada@example.org"
    assert until_ended(told(people, "xen01 is\r\naway.")).state == "delivered"
    [sent] = mail.outbox
    assert sent.subject == "[Xenbound] Blue: xen01 is away." and sent.to == ["ada@example.org"]


def test_a_certificate_that_nobody_vouches_for_gets_nothing_and_the_pinned_one_does(
    people: People, settings: Any, tmp_path: Path
) -> None:
    settings.NOTICE_LOOPBACK, settings.NOTICE_RETRY_S = True, 600
    files = make_certificate(tmp_path, "127.0.0.1", ["127.0.0.1"])
    with a_receiver(server_context(files)) as receiver:
        one = f"{base(people)}/{add(people, url=receiver.url).json()['id']}"
        row = told(people)
        run_jobs()
        row.refresh_from_db()
        assert (row.state, row.attempts, receiver.got) == ("waiting", 1, []) and "TLS" in row.error
        NoticeDelivery.objects.all().delete()
        people.client("admin").patch(one, {"tls_sha256": ":".join(["AB"] * 32)}, format="json")
        refused = until_ended(told(people))
        assert (refused.state, receiver.got) == ("failed", []) and "nobody confirmed" in refused.error
        NoticeDelivery.objects.all().delete()
        people.client("admin").patch(one, {"tls_sha256": files.sha256_fingerprint}, format="json")
        assert until_ended(told(people)).state == "delivered" and len(receiver.got) == 1
